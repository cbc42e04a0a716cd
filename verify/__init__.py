"""Checks of laflow and of its derivations: oracles, benchmarks against peers, the paper's experiments.

`oracles` holds the mathematics a second time, written from the formulas alone, with no code of `laflow` in
it. `benchmarks` and `experiments` are registries: a module placed in either folder is found by its name.
"""
