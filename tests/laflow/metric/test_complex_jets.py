"""Products, powers and conjugates of jets against functions whose derivatives are known."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from laflow.metric.features.complex_jets import ComplexJet, holomorphic


def monomial(x, powers, bars):
    """x_0^p0 x_1^p1 x̄_0^q0 x̄_1^q1 with its derivatives; x (2, N)."""

    def term(p, q):
        return np.prod(x ** np.maximum(p, 0)[:, None] * x.conj() ** np.maximum(q, 0)[:, None], axis=0)

    p, q, e = np.array(powers), np.array(bars), np.eye(2, dtype=int)
    forward = np.stack([p[a] * term(p - e[a], q) for a in range(2)])
    backward = np.stack([q[b] * term(p, q - e[b]) for b in range(2)])
    mixed = np.stack([np.stack([p[a] * q[b] * term(p - e[a], q - e[b]) for b in range(2)]) for a in range(2)])
    return ComplexJet(term(p, q), forward, backward, mixed)


def close(one, other):
    for name in ("value", "forward", "backward", "mixed"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=0, atol=1e-11)


X = np.random.default_rng(0).standard_normal((2, 6, 2)) @ np.array([0.5, 0.5j])
POWERS = st.tuples(*[st.integers(0, 3)] * 2)


@given(POWERS, POWERS, POWERS, POWERS)
def test_products_and_conjugates_of_monomials_are_monomials(p, q, r, s):
    product = monomial(X, p, q) * monomial(X, r, s)
    close(product, monomial(X, np.add(p, r), np.add(q, s)))
    close(product.conjugate(), monomial(X, np.add(q, s), np.add(p, r)))


@given(POWERS, POWERS, st.integers(0, 4))
def test_powers_are_repeated_products(p, q, k):
    close(monomial(X, p, q).power(k), monomial(X, np.multiply(k, p), np.multiply(k, q)))


@given(POWERS, POWERS, st.integers(1, 3))
def test_negative_powers_are_inverse_to_positive_ones(p, q, k):
    one = monomial(X, p, q) + monomial(X, (0, 0), (0, 0)).scaled(40.0)
    close(one.power(k) * one.power(-k), monomial(X, (0, 0), (0, 0)))


@given(POWERS, POWERS)
def test_real_channels_are_those_of_half_the_sum_with_the_conjugate(p, q):
    jet = monomial(X, p, q)
    mean = (jet + jet.conjugate()).scaled(0.5)
    slopes, bends = mean.forward, mean.mixed
    expected = [mean.value[None].real, slopes.real, slopes.imag, (bends.real + bends.imag).reshape(4, -1)]
    np.testing.assert_allclose(jet.real_channels(), np.concatenate(expected), rtol=0, atol=1e-12)


def test_holomorphic_functions_have_no_other_derivatives():
    value, slope = X[0] ** 2, np.stack([2 * X[0], 0 * X[0]])
    close(holomorphic(value, slope), monomial(X, (2, 0), (0, 0)))
