"""Curvature of Kähler metrics from their derivatives: Ricci form, scalar curvature, Chern forms.

Conventions: g_ab̄ belongs to the real metric 2 Re(g_ab̄ dx_a dx̄_b) and the form J = (i/2) g_ab̄ dx_a∧dx̄_b, and
d^(2n)x is the product of the (i/2) dx_a∧dx̄_a. So J^n = n! det g d^(2n)x. Ric = -∂∂̄ log det g.
"""

from itertools import combinations, permutations
from math import pi

import numpy as np
from numpy.typing import NDArray

from laflow.errors import ValueRangeError
from laflow.metric.geometry.polynomial import ComplexArray
from laflow.metric.quality.metric_jets import MetricJets

FloatArray = NDArray[np.float64]


def curvature_endomorphism(jets: MetricJets) -> ComplexArray:
    """R_cd̄ a^e (N, n, n, n, n) at [c, d, a, e]: the curvature 2-form ∂̄(∂g g⁻¹), an endomorphism of tangent vectors.

    R_cd̄ a^e = (-∂_c∂̄_d g + ∂_c g g⁻¹ ∂̄_d g)_ab̄ (g⁻¹)^b̄e with ∂̄_d g = (∂_d g)†. Its trace over a, e is the Ricci form.
    """
    inverse = _inverse(jets.metric)
    backward = jets.first.conj().swapaxes(2, 3)
    lowered = (jets.first @ inverse[:, None])[:, :, None] @ backward[:, None] - jets.second
    raised: ComplexArray = lowered @ inverse[:, None, None]
    return raised


def ricci_form(jets: MetricJets) -> ComplexArray:
    """Ric_cd̄ (N, n, n) = -∂_c∂̄_d log det g, Hermitian; 0 for det g = κ |Ω|²."""
    return np.einsum("pcdaa->pcd", curvature_endomorphism(jets))


def scalar_curvature(jets: MetricJets, ricci: ComplexArray | None = None) -> FloatArray:
    """R (N,) = 2 g^(d̄c) Ric_cd̄, that of the real metric 2 Re(g_ab̄ dx_a dx̄_b) (unit: 1/length²).

    A sphere (1/π)/(1+|x|²)² has R = 4π. `ricci` spares computing the Ricci form again.
    """
    form = ricci_form(jets) if ricci is None else ricci
    return 2.0 * np.einsum("pdc,pcd->p", _inverse(jets.metric), form).real


def chern_density(curvature: ComplexArray, order: int, kahler: ComplexArray | None = None) -> FloatArray:
    """c_k ∧ J^(n-k) over d^(2n)x (N,), from `curvature_endomorphism`, `order` k, and the metric of J if k < n.

    c_k is the k-th elementary symmetric function of the eigenvalues of (i/2π) R (Chern–Weil): the sum of the principal
    k×k minors, multiplied by ∧. The integral of c_n is the Euler number. Integrals of closed forms depend on their
    classes only, so J may be that of any metric in the class. Raises `ValueRangeError` for k outside 1..n.
    """
    dimension = curvature.shape[1]
    if not 1 <= order <= dimension:
        raise ValueRangeError(f"the order is {order}: give 1 to {dimension}")
    if kahler is None and order < dimension:
        raise ValueRangeError(f"c_{order} has no density in dimension {dimension} by itself: give the metric of J too")
    powers = [] if kahler is None else [kahler] * (dimension - order)
    total = np.zeros(curvature.shape[0])
    for chosen in combinations(range(dimension), order):
        for image in permutations(chosen):
            forms = [curvature[:, :, :, a, e] / pi for a, e in zip(chosen, image, strict=True)]
            total += _sign(image) * wedge(*forms, *powers).real
    return total


def wedge(*forms: ComplexArray) -> ComplexArray:
    """(i/2)^n F1_ab̄ dx_a∧dx̄_b ∧ … ∧ Fn over d^(2n)x (N,), for n arrays F (N, n, n).

    The mixed discriminant Σ_στ sgn(σ) sgn(τ) Π_k Fk[σ(k), τ(k)]; n! det F for n equal forms.
    """
    dimension = len(forms)
    rows = list(permutations(range(dimension)))
    total = np.zeros(forms[0].shape[0], dtype=np.complex128)
    for left in rows:
        for right in rows:
            term = forms[0][:, left[0], right[0]]
            for form, a, b in zip(forms[1:], left[1:], right[1:], strict=True):
                term = term * form[:, a, b]
            total += _sign(left) * _sign(right) * term
    return total


def _sign(order: tuple[int, ...]) -> int:
    return (-1) ** sum(first > second for first, second in combinations(order, 2))


def _inverse(metric: ComplexArray) -> ComplexArray:
    determinant = np.linalg.det(metric)
    if not (np.abs(determinant) > 0.0).all():
        raise ValueRangeError(
            f"the metric at point {int(np.argmin(np.abs(determinant)))} is singular: it has no curvature"
        )
    return np.asarray(np.linalg.inv(metric), dtype=np.complex128)
