"""The remainder of a Krylov approximation whose last column is guessed, and what bounds it.

As in ``krylov_approximation.py`` hypotheses are tensors that vanish, added to a claim with their multipliers.
"""

from __future__ import annotations

import sympy as sp

from derivations.algebra import Array, Lemma, Tensor, Wrong, derivative_claim, identity, pairing, scalar, tensor
from derivations.algebra.functions import commuting
from derivations.algebra.matrices import add, multiply, outer, scaled, subtract, transposed
from derivations.assignment.krylov_approximation import (
    basis,
    coefficients,
    exact,
    first_unit,
    last_unit,
    operator,
    orthonormality,
    source,
    square,
    start_norm,
)
from derivations.assignment.notation import krylov, unknowns

generator = Array("generator", krylov, krylov, latex="G")
remainder = Array("remainder", unknowns, latex="w")
guess = Array("guess", krylov, latex="g")
costate = Array("costate", krylov, latex="x")

# the hypotheses: A Q = Q G + w e_lastᵀ, b = ‖b‖ Q e_1
relation = subtract(subtract(multiply(operator, basis), multiply(basis, generator)), outer(remainder, last_unit))
start_relation = subtract(source, scaled(start_norm, multiply(basis, first_unit)))

# the map: v ≈ Q y with y' = G y + ‖b‖ e_1; the residual is what its slope lacks
approximation = multiply(basis, coefficients)
slope = multiply(basis, add(multiply(generator, coefficients), scaled(start_norm, first_unit)))
residual = subtract(
    subtract(add(multiply(operator, exact), source), slope), multiply(operator, subtract(exact, approximation))
)
s_index = krylov.index("s")


def last_of(vector: Array | Tensor) -> sp.Expr:
    """<e_last, y>."""
    return pairing(last_unit, tensor(s_index, vector[s_index]))


hypotheses = add(multiply(relation, coefficients), start_relation)

# the adjoint: λ ≈ Q x with x' = G x, of the same relation
adjoint_residual = subtract(multiply(operator, multiply(basis, costate)), multiply(basis, multiply(generator, costate)))

# w, if column a is the exact one and g the guess: A q = Q a + p with p normal to the basis
exact_column, normal = Array("exact_column", krylov, latex="a"), Array("normal", unknowns, latex="p")
guessed = subtract(add(multiply(basis, exact_column), normal), multiply(basis, guess))
difference = subtract(exact_column, guess)
orthogonal = multiply(transposed(basis), normal)
norm_hypotheses = pairing(difference, multiply(orthonormality(basis), difference)) + 2 * pairing(difference, orthogonal)

# E(T) = ∫ e^{(T-s)μ} ρ y(s) ds, of one exponential e^{gs} of the coefficient, as a scalar stands for the matrix
time, moment, rate, g, norm = commuting("T s mu g rho")
integrand = sp.exp((time - moment) * rate) * norm * sp.exp(g * moment)
antiderivative = integrand / (g - rate)
integral = antiderivative.subs(moment, time) - antiderivative.subs(moment, 0)

LEMMA = Lemma(
    name="krylov_remainder",
    title="The remainder of a Krylov approximation with a guessed last column",
    reference="Eqs. (2.27), (2.28), for the certificate",
    statement=r"""
Let $A Q = Q G + w\, e_{last}^\top$ and $b = \|b\| Q e_1$: the columns of $G$ are known but for the last, $g$, which
may be anything, and $w = A q_{last} - Q g$ is what it lacks. The approximation $Q y$ with $\dot y = G y + \|b\| e_1$
has an error with $\dot e = A e + y_{last}(s)\, w$, and so has $Q x$ with $\dot x = G x$, of
$\dot\lambda = A \lambda$. If $A q_{last} = Q a + p$ with $p$ normal to the basis,
$\|w\|^2 = \|a - g\|^2 + \|p\|^2$: with the exact column it is Arnoldi's $h_{m+1,m}$. Hence
$\|e(T)\| \le e^{T\mu} \|e(0)\| + \|w\| \int_0^T e^{(T-s)\mu} |y_{last}(s)|\, ds$ with the logarithmic norm $\mu$, and
the integral solves $\dot E = \mu E + \|w\|\, |y_{last}|$.
""",
    claims=(
        identity("residual", residual, add(scaled(last_of(coefficients), remainder), hypotheses)),
        identity(
            "residual of the adjoint",
            adjoint_residual,
            add(scaled(last_of(costate), remainder), multiply(relation, costate)),
        ),
        identity(
            "norm of the remainder",
            scalar(square(guessed)),
            scalar(square(difference) + square(normal) + norm_hypotheses),
        ),
        derivative_claim("antiderivative", scalar(antiderivative), moment, scalar(integrand)),
        derivative_claim("integral bound", scalar(integral), time, scalar(rate * integral + norm * sp.exp(g * time))),
        identity("integral bound at 0", scalar(integral.subs(time, 0)), scalar(0)),
    ),
    wrong=(
        Wrong("residual", "the guess is taken as exact", hypotheses),
        Wrong(
            "residual",
            "the first coefficient in place of the last",
            add(scaled(pairing(first_unit, tensor(s_index, coefficients[s_index])), remainder), hypotheses),
        ),
        Wrong(
            "residual of the adjoint",
            "the start counts again",
            add(scaled(last_of(costate) + start_norm, remainder), multiply(relation, costate)),
        ),
        Wrong(
            "norm of the remainder",
            "the error of the guess is forgotten",
            scalar(square(normal) + norm_hypotheses),
        ),
        Wrong(
            "integral bound",
            "the growth factor is forgotten",
            scalar(norm * sp.exp(g * time)),
        ),
    ),
    runs_in="laflow/residual_growth.py",
    limits=(
        "The inequality follows from the residual by Grönwall's, which is used and not proved; so is that the "
        "absolute values of the solution of y' = Gy + b stay below the solution with |G| and |b| in their places. The "
        "integral is proved for one exponential; y_last is a sum of such, or a limit of such sums."
    ),
    sizes=({"unknowns": 3, "krylov": 2}, {"unknowns": 2, "krylov": 3}),
)
