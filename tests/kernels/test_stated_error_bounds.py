"""The error bounds in the docstrings of the softmax-like kernels, typed in once more, hold where they are tight.

The audit judges kernels by bounds that follow from their operations at the very inputs; these are the bounds in words,
for readers. Inputs are made so that large terms cancel in what is exponentiated: there a bound that forgets the size
of the terms, or their number, is exceeded.
"""

import numpy as np
import pytest

from derivations.registry import lemmas
from verify.formulas import enclose
from verify.kernel_instances import Instance, graph_layout, grid_layout, instance, interpreted

EPS = 2.0**-52
UNDERFLOW = 1e-300
PROGRAMS = {program.name: program for lemma in lemmas() for program in lemma.programs}
PLACES = {"image": grid_layout((2, 3), 1), "graph": graph_layout([[0, 1, 3], [1], [2, 0, 1, 4], [3, 2], [4, 3, 0]])}


def similarity_bound(case: Instance) -> dict[str, np.ndarray]:
    """(2 |N| A + 4 max|scores| + J + 6) eps * similarity."""
    weights, values = case.dense["weights"], case.dense["log_likelihood"]
    size = (weights @ np.abs(values)).max(axis=1)
    scores = np.abs(weights @ values).max(axis=1)
    patch = np.count_nonzero(weights, axis=1)
    return {"similarity": 2 * patch * size + 4 * scores + values.shape[1] + 6}


def step_bound(case: Instance) -> dict[str, np.ndarray]:
    """(|N| + 6 max|step_size gradient| + 12) eps * updated."""
    moved = np.abs(case.scalars["step_size"] * case.dense["gradient"]) * case.dense["inside"]
    return {"updated": moved.shape[1] + 6 * moved.max(axis=1) + 12}


def predictor_bound(case: Instance) -> dict[str, np.ndarray]:
    """a eps * membership and (2 (a + K + 2) max|directions| + |N| + 8) eps * weights."""
    features, prototypes, directions = (case.dense[name] for name in ("features", "prototypes", "directions"))
    apart = np.linalg.norm(features[:, None, :] - prototypes[None, :, :], axis=2).max(axis=1) + 1e-12
    count, patch = directions.shape
    own = count + (features.shape[1] + 10) * case.scalars["scale"] * apart + 6
    return {"membership": own, "weights": 2 * (own + count + 2) * np.abs(directions).max() + patch + 8}


CASES = [
    ("similarity", "log_likelihood", similarity_bound),
    ("exponential_step", "gradient", step_bound),
    ("predicted_weights", "directions", predictor_bound),
]


def worst(name: str, enlarged: str, bound, place: str, seed: int, factor: float = 1.0) -> float:
    """The largest error over the stated bound; large terms of both signs that nearly cancel are made."""
    rng = np.random.default_rng(seed)
    case = instance(PROGRAMS[name], PLACES[place], rng, {"labels": 3, "prototypes": 3, "features": 2, "ranks": 2})
    values = case.dense[enlarged]
    # label by label nearly the same, node by node of either sign: averages are small beside their terms
    heights = 10.0 ** rng.uniform(0, 6) * rng.normal(size=(values.shape[0], 1))
    case.dense[enlarged] = values + heights
    found = case.run(interpreted(name))
    largest = 0.0
    for output, meaning in PROGRAMS[name].means.items():
        exact = enclose(meaning, case.dense, case.scalars, case.sizes)
        allowed = factor * bound(case)[output.name][:, None] * EPS * np.abs(exact.middle) + exact.radius + UNDERFLOW
        there = case.present(output)
        largest = max(largest, float(np.max((np.abs(found[output.name] - exact.middle) / allowed)[there])))
    return largest


@pytest.mark.parametrize(("name", "enlarged", "bound"), CASES, ids=[name for name, _, _ in CASES])
def test_the_bound_in_the_docstring_holds_where_terms_cancel(name, enlarged, bound):
    places = ["image"] if PROGRAMS[name].grid_only else list(PLACES)
    ratios = [worst(name, enlarged, bound, place, seed) for place in places for seed in range(12)]
    assert max(ratios) <= 1.0
    assert max(ratios) > 1e-4  # not an empty bound


def test_a_bound_that_forgets_the_size_of_the_averaged_terms_is_exceeded():
    def forgetful(case: Instance) -> dict[str, np.ndarray]:
        weights, values = case.dense["weights"], case.dense["log_likelihood"]
        scores = np.abs(weights @ values).max(axis=1)
        return {"similarity": np.count_nonzero(weights, axis=1) + 2 * scores + values.shape[1] + 6}

    # one image whose averages cancel: two heights of opposite sign under equal weights
    case = instance(PROGRAMS["similarity"], PLACES["graph"], np.random.default_rng(0), {"labels": 3})
    weights, values = case.dense["weights"], case.dense["log_likelihood"]
    weights[:] = 0.0
    weights[0, [0, 1, 3]] = 0.375, 0.25, 0.375
    weights[1, 1] = weights[2, 2] = weights[3, 3] = weights[4, 4] = 1.0
    values[0], values[3] = values[0] + 1e9, values[3] - 1e9
    values[1:3] *= 1e-3
    found = case.run(interpreted("similarity"))["similarity"]
    exact = enclose(PROGRAMS["similarity"].means[PROGRAMS["similarity"].outputs[0]], case.dense, {}, case.sizes)
    error = np.abs(found - exact.middle)[0]
    assert np.any(error > forgetful(case)["similarity"][0] * EPS * exact.middle[0])
    assert np.all(error <= similarity_bound(case)["similarity"][0] * EPS * exact.middle[0] + exact.radius[0])
