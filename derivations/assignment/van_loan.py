"""The core of the gradient as a block of one small exponential (Van Loan), which the runtime evaluates.

Of the scalars, ``a`` stands for H_P, to the left of N = ‖g‖ e1 e_lastᵀ, and ``c`` for the transpose of
H̃_Q = [[H_Q, ‖b‖e1], [0, 0]], to its right.
"""

from __future__ import annotations

import sympy as sp

from derivations.algebra import Array, Lemma, Range, Wrong, commuting, derivative_claim, identity, phi, scalar
from derivations.algebra.matrices import multiply, outer, transposed

time, moment, a, c, middle, h, e1, norm = commuting("T s a c N h e1 norm")

# the map: X = expm(T [[a, N], [0, c]]), whose upper right block is the core
core = middle * (sp.exp(time * a) - sp.exp(time * c)) / (a - c)
lower_right = sp.exp(time * c)

# the core as the moment of the two trajectories x(T-s) = e^{(T-s)H_P}‖g‖e1 and e^{sH̃_Q}e_last
integrand = middle * sp.exp((time - moment) * a + moment * c)
antiderivative = integrand / (c - a)
integral = antiderivative.subs(moment, time) - antiderivative.subs(moment, 0)

# the paper's form (3.36), (3.42): T φ(-T a + T c) e^{Ta} N
published = time * phi(-time * a + time * c) * sp.exp(time * a) * middle

# e^{sH̃_Q} e_last = (‖b‖ s φ(sH_Q) e1, 1)
trajectory = norm * moment * phi(moment * h) * e1

left_size, left_dim = Range("left_size", "k1"), Range("left_dim", "m1")
right_size, right_dim = Range("right_size", "k2"), Range("right_dim", "m2")
left_basis = Array("left_basis", left_size, left_dim, latex="P")
right_basis = Array("right_basis", right_size, right_dim, latex="Q")
left_coefficients = Array("left_coefficients", left_dim, latex="x")
right_coefficients = Array("right_coefficients", right_dim, latex="y")
coefficient_products = outer(left_coefficients, right_coefficients)

LEMMA = Lemma(
    name="van_loan",
    title="The core as a block of one exponential",
    reference="Eqs. (3.36), (3.42b), computed as in Van Loan (1978)",
    statement=r"""
With $\tilde H_Q = \begin{pmatrix} H_Q & \|b\| e_1 \\ 0 & 0 \end{pmatrix}$, the upper right block of
$\mathrm{expm}\Big(T \begin{pmatrix} H_P & \|g\| e_1 e_{last}^\top \\ 0 & \tilde H_Q^\top
\end{pmatrix}\Big)$ is $C = \int_0^T e^{(T-s)H_P} \|g\| e_1 (e^{s\tilde H_Q} e_{last})^\top ds$, where
$e^{s\tilde H_Q} e_{last} = (\|b\| s\varphi(sH_Q) e_1, 1)$: all its columns but the last are the moment of
the two trajectories in Krylov coordinates, so that $P C Q^\top \approx \int_0^T \lambda(T-s) v(s)^\top ds$;
its last column is $\|g\| T\varphi(TH_P) e_1$, the coordinates of $\Lambda$. It equals the paper's
$T \varphi(-T a + T c)\, e^{Ta}\, N$, with neither $e^{-A}$ nor an $m^2 \times m^2$ matrix.
""",
    claims=(
        derivative_claim("upper right block", scalar(core), time, scalar(a * core + middle * lower_right)),
        derivative_claim("lower right block", scalar(lower_right), time, scalar(c * lower_right)),
        identity("upper right block at 0", scalar(core.subs(time, 0)), scalar(0)),
        derivative_claim("antiderivative", scalar(antiderivative), moment, scalar(integrand)),
        identity("core as a moment", scalar(integral), scalar(core)),
        identity("the paper's form", scalar(core), scalar(published)),
        derivative_claim("forward trajectory", scalar(trajectory), moment, scalar(h * trajectory + norm * e1)),
        identity("last column", scalar(core.subs(c, 0)), scalar(middle * time * phi(time * a))),
        identity(
            "moment in the bases",
            outer(multiply(left_basis, left_coefficients), multiply(right_basis, right_coefficients)),
            multiply(left_basis, coefficient_products, transposed(right_basis)),
        ),
    ),
    wrong=(
        Wrong(
            "upper right block",
            "the lower block multiplies on the wrong side",
            scalar(a * core + middle * sp.exp(time * a)),
        ),
        Wrong("the paper's form", "the minus sign is lost", scalar(published.subs(a, -a))),
        Wrong("the paper's form", "the factor T is missing", scalar(published / time)),
        Wrong("core as a moment", "both trajectories run forwards", scalar(middle * time * phi(time * (a + c)))),
        Wrong("last column", "the adjoint at time T instead of its integral", scalar(middle * sp.exp(time * a))),
        Wrong("forward trajectory", "the norm of the source is lost", scalar(h * trajectory + e1)),
    ),
    runs_in="laflow/krylov.py",
    limits=(
        "Proved of scalars in place of commuting operators, which carries over to matrices of all sizes. "
        "The core is "
        "exact for the projected operators; how far they are from the full ones is the matter of "
        "two_subspaces."
    ),
    sizes=({"left_size": 3, "left_dim": 2, "right_size": 2, "right_dim": 2},),
)
