"""∫|Ω|² over a hypersurface: in closed form for Fermat's and Dwork's, by Monte Carlo for any."""

from math import factorial, pi

import numpy as np
from scipy.special import gamma, gammaln

from laflow.errors import ConvergenceError, ValueRangeError
from laflow.metric.geometry.estimates import Estimate, estimated_mean
from laflow.metric.geometry.hypersurface import Hypersurface
from laflow.metric.geometry.sampling import PointSample
from laflow.metric.geometry.smoothness import pencil

# |ψ| up to which the periods' power series is summed: its terms fall like |ψ|^(d r) r^(-(d-1)/2).
SERIES_RADIUS = 0.99


def exact_volume(hypersurface: Hypersurface) -> float | None:
    """∫ |Ω|² d^(2n)x for p = Σ a_i z_i^d + b Π z_i with |ψ| < 0.99; None for other hypersurfaces.

    ψ = -b/(d Π a_i^(1/d)): scaling z_i gives Dwork's pencil Σ z_i^d - d ψ Π z_i, and its volume times Π|a_i|^(-2/d).
    Fermat's (ψ = 0) is π^n γ(1/d)^d / d^(n+1) with γ(a) = Γ(a)/Γ(1-a). For ψ ≠ 0 the volume is a Hermitian form in the
    periods ϖ_m(ψ) = Σ_r (dψ)^(m-1+dr) Γ(m/d + r)^d / Γ(m + dr), m = 1..d-1, diagonal because ψ ↦ e^(2πi/d) ψ
    multiplies them by different phases (Candelas et al. 1991, Nucl. Phys. B 359, 21):
    π^n/d^(n+1) Σ_m (-1)^(m-1) (sin(πm/d)/π)^d |ϖ_m|², relative error about 1e-14 / (1 - |ψ|).
    """
    found = pencil(hypersurface.polynomial)
    if found is None:
        return None
    diagonal, product = found
    degree = hypersurface.degree
    psi = complex(-product / (degree * np.prod(diagonal ** (1.0 / degree))))
    if abs(psi) >= SERIES_RADIUS:
        return None
    signed = [
        (-1) ** (m - 1) * np.sin(pi * m / degree) ** degree * abs(_period(m, degree, psi)) ** 2
        for m in range(1, degree)
    ]
    scale = pi ** (hypersurface.dimension - degree) / degree ** (hypersurface.dimension + 1)
    return float(scale * np.sum(signed) * np.prod(np.abs(diagonal)) ** (-2.0 / degree))


def estimate_volume(sample: PointSample) -> Estimate:
    """∫ |Ω|² d^(2n)x as the mean of the weights, with its standard error by lines."""
    return estimated_mean(sample.weights, sample.line)


def kappa_of_volume(hypersurface: Hypersurface, volume: float) -> float:
    """κ = (d/n!) / ∫|Ω|²: the Ricci-flat metric in the hyperplane's class has det g = κ |Ω|²."""
    if not volume > 0.0:
        raise ValueRangeError(f"the volume is {volume}: give a positive number")
    return hypersurface.degree / factorial(hypersurface.dimension) / volume


def kappa(hypersurface: Hypersurface, sample: PointSample | None = None) -> Estimate:
    """κ, exact (standard error 0) where a closed form is known, else estimated from `sample`.

    Raises `ValueRangeError` where neither is at hand.
    """
    exact = exact_volume(hypersurface)
    if exact is not None:
        return Estimate(kappa_of_volume(hypersurface, exact), 0.0)
    if sample is None:
        raise ValueRangeError(
            "no closed form of the volume is known for this hypersurface: give a sample to estimate it"
        )
    volume = estimate_volume(sample)
    value = kappa_of_volume(hypersurface, volume.value)
    return Estimate(value, value * volume.standard_error / volume.value)


def _period(m: int, degree: int, psi: complex) -> complex:
    """ϖ_m(ψ) to rounding, |ψ| < 1."""
    total, r = 0.0 + 0.0j, 0
    if psi == 0:
        return complex(gamma(1.0 / degree) ** degree) if m == 1 else 0.0j
    logarithm = np.log(degree * complex(psi))
    while r < 20_000:
        power = m - 1 + degree * r
        term = np.exp(power * logarithm + degree * gammaln(m / degree + r) - gammaln(power + 1.0))
        total += term
        if abs(term) <= 1e-17 * abs(total):
            return complex(total)
        r += 1
    raise ConvergenceError(f"the series of a period did not end for ψ = {psi}: estimate the volume from a sample")
