"""Guards of kernels over sites let through what the kernels take, and stop anything else."""

import numpy as np
import pytest

from laflow.kernels import monge_ampere_2
from verify.kernel_guards import Misused, guarded_kernels


def arguments(kind: type = np.float64, sites: int = 5) -> list[np.ndarray]:
    inputs = [np.arange(1.0, sites + 1.0, dtype=kind) * scale for scale in (4, 1, 1, 3)]
    outputs = [np.zeros(sites, kind) for _ in range(5)]
    return [*inputs, *outputs, np.zeros((1, 1, monge_ampere_2.BLOCK), kind)]


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_right_call_reaches_the_kernel_in_either_precision(kind):
    given = arguments(kind)
    guarded_kernels().monge_ampere_2.sites(*given)
    np.testing.assert_array_equal(given[4], 11 * np.arange(1, 6) ** 2)  # 4·3 - (1 + 1)/2, whole numbers


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        (0, np.zeros(5, np.float32)),
        (1, np.zeros(6)),
        (2, np.zeros((1, 5))),
        (3, np.zeros(10)[::2]),
        (9, np.zeros((1, 1, 7))),
        (9, np.zeros((1, 1, monge_ampere_2.BLOCK), np.int64)),
    ],
    ids=["type", "size", "axes", "layout", "short workspace", "workspace of whole numbers"],
)
def test_anything_else_is_stopped(place, wrong):
    given = arguments()
    given[place] = wrong
    with pytest.raises(Misused):
        guarded_kernels().monge_ampere_2.sites(*given)


def test_a_missing_argument_is_stopped():
    with pytest.raises(Misused):
        guarded_kernels().monge_ampere_2.sites(*arguments()[1:])
