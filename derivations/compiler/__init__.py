"""From a proved program to a committed kernel file, in four stages.

| stage | file | input | output |
|---|---|---|---|
| 1 | ``lowering.py`` | ``Program``: named steps over symbolic ranges | ``LoopNest`` objects, grouped into phases |
| 2 | ``grid_``, ``graph_``, ``sites_template`` | ``LoopNest`` objects of one phase | the body of one block function |
| 3 | ``module_text.py`` | the bodies of all phases | the text of one Numba module, with docstrings |
| 4 | ``files.py`` | the text of one module | a file with checksums, or its difference from the committed one |

A further target is another template at stage 2; the stages before it do not change.
"""
