"""One pool of threads for the program. Imported first: the libraries read these settings when they are loaded.

The kernels have their own threads. Where BLAS starts as many, both wait for each other, and everything takes
several times as long. What the user has set stays.
"""

import os

SETTINGS = {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}

for _name, _value in SETTINGS.items():
    os.environ.setdefault(_name, _value)
