"""The mathematics of laflow: lemmas, their proofs, and the kernels generated from them.

Imports SymPy, never ``laflow`` or ``verify``. Read the folders in the order of the pipeline:
``algebra`` (the language and its prover), ``assignment`` (one file a lemma), ``compiler`` (program to Numba text).
"""
