"""What a training takes of the memory is foretold, and what does not fit is refused before it is begun."""

import re
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from laflow.errors import ProblemSizeError
from laflow.metric.learning import gauss_newton, training_memory
from laflow.metric.learning.training import train_metric
from laflow.metric.learning.training_memory import require_training_room, training_bytes
from laflow.metric.model.jet_network import JetNetwork
from laflow.metric.model.phi_model import PhiModel
from tests.laflow.metric.surfaces import sampled

# The network of the program's widest layers, on the quintic's invariants.
WIDE = JetNetwork((7, 4096, 4096, 4096, 1), dimension=3)


# A method, and the width of its network: with 40 units Gauss–Newton solves normal equations, with 200 by the kernel.
TAKEN = {
    "normal equations": ("gauss-newton", 40),
    "the kernel of points": ("gauss-newton", 200),
    "moments": ("adam", 200),
    "remembered pairs": ("lbfgs", 200),
    "the test for a stable rate": ("gradient-descent", 200),
}


@pytest.mark.parametrize("precision", ["single", "double"])
@pytest.mark.parametrize("what", TAKEN)
def test_the_memory_of_a_training_is_foretold(what, precision):
    method, width = TAKEN[what]
    sample = sampled("fermat", 2, 400)
    model = PhiModel.fresh(sample, np.random.default_rng(0), width=width)
    assert (model.network.parameter_count > gauss_newton.MOST_PARAMETERS) == (width == 200)
    options = {"method": method, "precision": precision, "batch": 360}
    options["learning_rate"] = 1e-3 if method == "adam" else None
    train_metric(model, sample, steps=1, **options)  # compiles
    tracemalloc.start()
    try:
        train_metric(model, sample, steps=25, **options)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    told = training_bytes(model.network, method, 360, precision=precision)
    # What the docstring allows; a twentieth less for small arrays that are not counted.
    assert 0.95 * peak <= told <= 3.0 * peak


def at_hand(monkeypatch, size):
    monkeypatch.setattr(training_memory, "available_memory", lambda: size)


def test_a_training_that_does_not_fit_is_refused_with_its_size_and_what_would_fit(monkeypatch):
    at_hand(monkeypatch, 6 * 2**30)
    with pytest.raises(
        ProblemSizeError, match=r"33599489 parameters on 200 points takes about 7\d.* GiB, of 6 GiB"
    ) as told:
        require_training_room(WIDE, "gauss-newton", 200)
    points, width = (int(re.search(rf"(\d+) {what} or fewer", str(told.value))[1]) for what in ("points", "units"))
    assert "the method adam" in str(told.value)
    for count, units in ((points, 4096), (200, width)):
        require_training_room(replace(WIDE, sizes=(7, units, units, units, 1)), "gauss-newton", count)
    for count, units in ((points + 1, 4096), (200, width + 1)):
        with pytest.raises(ProblemSizeError):
            require_training_room(replace(WIDE, sizes=(7, units, units, units, 1)), "gauss-newton", count)
    require_training_room(WIDE, "adam", 200)


def test_gradient_descent_with_a_given_rate_needs_no_jacobian(monkeypatch):
    at_hand(monkeypatch, 6 * 2**30)
    require_training_room(WIDE, "gradient-descent", 500, rate_given=True)
    with pytest.raises(ProblemSizeError, match="the method adam"):
        require_training_room(WIDE, "gradient-descent", 500)


def test_training_looks_at_the_memory_before_anything_is_made(monkeypatch):
    sample = sampled("fermat", 2, 400)
    model = PhiModel.fresh(sample, np.random.default_rng(0), width=200)
    monkeypatch.setattr(PhiModel, "prepare", None)
    at_hand(monkeypatch, 100_000_000)
    with pytest.raises(ProblemSizeError, match=r"gauss-newton with 4\d{4} parameters on 36\d points"):
        train_metric(model, sample, steps=1)
    at_hand(monkeypatch, 1000)
    with pytest.raises(ProblemSizeError, match="less of everything"):
        train_metric(model, sample, steps=1, method="adam")
