"""The lemmas of metric flows: neural Calabi-Yau metrics and their tangent kernel.

One file a lemma; names of ranges and arrays are in ``notation.py``.
"""
