"""What a lemma must discharge before it is done, O1 to O8, one file an obligation.

| | obligation | file |
|---|---|---|
| O1 | what was derived equals the claim, for symbolic sizes | ``symbolic.py`` |
| O2 | the program equals the claim, stabilisers free | ``symbolic.py`` |
| O3 | the same at explicit small sizes, by an independent algorithm | ``explicit.py`` |
| O4 | the committed kernel is the generated one, and its checksum holds | ``committed_text.py`` |
| O5 | the kernel stays inside its rounding bound around a ball enclosure | ``rounding.py`` |
| O6 | complex step, dot product, Taylor remainder agree with the claim | ``differentials.py`` |
| O7 | every mutant of the kernel's text is killed | ``mutants.py`` |
| O8 | every wrong variant of the lemma is rejected | ``wrong_variants.py`` |

Each file defines ``NAME``, ``TITLE`` and ``discharge(lemma, effort) -> Outcome``. A lemma that lacks what an obligation
is about (a lemma without a kernel has no rounding) is ``absent`` from it, with the reason; the report counts these.
"""
