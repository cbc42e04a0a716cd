"""∫|Ω|² over plane cubics x³ + y³ + z³ = 3ψ xyz from their lattices of periods, in 40 digits.

Two routes, both by other means than the runtime's gamma functions and power series:

- `fermat_volume`: the double integral (1/9) ∫ |s|^(-4/3) |1+s|^(-4/3) d²s itself (s = x³), its angle done as the
  hypergeometric function 2F1(2/3, 2/3; 1; r²), its radius by tanh-sinh quadrature;
- `pencil_volume`: that, times the ratio of areas of the lattices of 4X³ - g2 X - g3 with g2 = -12 S, g3 = T, where S
  and T are Aronhold's invariants (S = m - m⁴, T = 1 - 20m³ - 8m⁶, m = -ψ/2; Salmon, Higher Plane Curves, §§ 221-222)
  and the periods come from the arithmetic-geometric mean. ∫|Ω|² of an elliptic curve is the area of its lattice.

Accuracy: `DETECTION_LIMIT` relative.
"""

from functools import cache

from mpmath import agm, hyp2f1, mp, mpc, mpf, pi, polyroots, quad, sqrt

DETECTION_LIMIT = 1e-14
DIGITS = 40


@cache
def fermat_volume() -> float:
    """∫|Ω|² for ψ = 0."""
    with mp.workdps(DIGITS):
        third = mpf(1) / 3
        # The inversion s ↦ 1/s maps the outside of the unit circle to its inside with the same integrand. The ends,
        # r^(-1/3) and (1-r²)^(-1/3), are what tanh-sinh quadrature is for; r = u^(3/2) takes the first away.
        inside = quad(lambda u: 1.5 * hyp2f1(2 * third, 2 * third, 1, u**3), [0, 0.5, 1])
        return float(4 * pi * inside / 9)


def pencil_volume(psi: complex) -> float:
    """∫|Ω|² for any ψ with ψ³ ≠ 1."""
    with mp.workdps(DIGITS):
        return float(mpf(fermat_volume()) * _area(-mpc(psi) / 2) / _area(mpf(0)))


def _area(m: mpc) -> mpf:
    """Area of the lattice of 4X³ - g2 X - g3 with the invariants of x³ + y³ + z³ + 6m xyz."""
    second, third = -12 * (m - m**4), 1 - 20 * m**3 - 8 * m**6
    one, two, three = polyroots([4, 0, -second, -third], maxsteps=500, extraprec=200)
    first_period = pi / _mean(sqrt(one - three), sqrt(one - two))
    second_period = pi * mpc(0, 1) / _mean(sqrt(one - three), sqrt(two - three))
    return abs((mp.conj(first_period) * second_period).imag)


def _mean(left: mpc, right: mpc) -> mpc:
    """The arithmetic-geometric mean with the signs for which it gives a period of the lattice's basis."""
    return agm(left, right if abs(left - right) <= abs(left + right) else -right)
