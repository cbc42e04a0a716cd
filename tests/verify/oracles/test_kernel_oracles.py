"""The oracles of metric kernels give what can be written down: fourth derivatives of products, powers and squares."""

import mpmath as mp
import numpy as np
import pytest

from verify.oracles.differenced_kernel import differenced_corner
from verify.oracles.nested_kernel import nested_kernel


def jets(n, points=2, features=3):
    return np.random.default_rng(n).standard_normal(((n + 1) ** 2, points, features))


def parts(jet, n):
    """Values (N, F), ∂_a (N, n, F), ∂_a∂̄_b (N, n, n, F)."""
    slope = np.moveaxis(jet[1 : 1 + n] + 1j * jet[1 + n : 1 + 2 * n], 0, 1)
    packed = np.moveaxis(jet[1 + 2 * n :].reshape(n, n, *jet.shape[1:]), 2, 0)
    turned = packed.swapaxes(1, 2)
    return jet[0], slope, (packed + turned) / 2 + 0.5j * (packed - turned)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_linear_networks_kernel_is_the_product_of_the_bends_of_its_inputs(n):
    given = jets(n)
    bend = parts(given, n)[2]
    layers = [(np.random.default_rng(0).standard_normal((3, 1)), np.ones(1))]
    exact = np.einsum("pabf,qcdf->pabqcd", bend, bend)
    np.testing.assert_allclose(nested_kernel(layers, "tanh", given), exact, atol=1e-13)


@pytest.mark.parametrize("entry", [(0, 0, 0, 1, 0, 0), (1, 0, 1, 0, 1, 1), (1, 1, 0, 1, 0, 1)])
def test_the_square_of_an_inner_product_has_the_corner_of_leibniz_rule(entry):
    n = 2
    given = jets(n)
    value, slope, bend = parts(given, n)
    p, a, b, q, c, d = entry

    def pairs(left, right):
        return np.sum(left * right)

    # ∂_a∂̄_b∂'_c∂̄'_d s² = 2 Σ over the ways to share four derivatives among two factors s = f·f'
    left = {"": value[p], "a": slope[p, a], "b": slope[p, b].conj(), "ab": bend[p, a, b]}
    right = {"": value[q], "c": slope[q, c], "d": slope[q, d].conj(), "cd": bend[q, c, d]}
    exact = sum(
        pairs(left[one], right[other]) * pairs(left["ab".translate({ord(k): None for k in one})], right[rest])
        for one in left
        for other, rest in (("", "cd"), ("c", "d"), ("d", "c"), ("cd", ""))
    )
    found = differenced_corner(lambda x, y: sum(u * v for u, v in zip(x, y, strict=True)) ** 2, given, entry)
    assert found == pytest.approx(exact, rel=1e-14)


def test_derivatives_by_one_point_alone_do_not_count():
    given = jets(2)
    found = differenced_corner(lambda x, y: mp.exp(x[0]) + mp.sin(y[1]), given, (0, 0, 1, 1, 1, 0))
    # 80 digits, of which the differences by steps of 1e-12 take 48.
    assert abs(found) < 1e-30
