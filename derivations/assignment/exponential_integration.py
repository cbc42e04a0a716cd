"""Duhamel's formula and the block exponential that evaluates it, Eqs. (2.24), (2.29).

An operator and its functions commute, so a scalar ``a`` stands for it (see ``algebra/functions.py``); the
source enters linearly, to the right of the operator, as the factor ``b``.
"""

from __future__ import annotations

import sympy as sp

from derivations.algebra import Lemma, Wrong, commuting, derivative_claim, identity, phi, scalar

time, moment, a, b, z, e1 = commuting("T s a b z e1")

# the map (2.24)
solution = scalar(time * phi(time * a) * b)

# Duhamel's integrand and its antiderivative in s
integrand = scalar(sp.exp((time - moment) * a) * b)
antiderivative = scalar(-sp.exp((time - moment) * a) * b / a)

# φ as the average of exponentials, which shows that it is entire
average_antiderivative = scalar(sp.exp(moment * z) / z)

# (2.29): X = expm(T M) with M = [[a, e1], [0, 0]], block by block
upper_left, upper_right = sp.exp(time * a), time * phi(time * a) * e1


def between(expr: sp.Expr, symbol: sp.Symbol, start: object, end: object) -> sp.Expr:
    """The difference of an antiderivative between two points."""
    return expr.subs(symbol, end) - expr.subs(symbol, start)


LEMMA = Lemma(
    name="exponential_integration",
    title="Duhamel's formula and the block exponential",
    reference="Eqs. (2.24), (2.29)",
    statement=r"""
$v(T) = T \varphi(TA) b$, $\varphi(z) = \frac{e^z - 1}{z} = \int_0^1 e^{sz} ds$, solves $\dot v = Av + b$,
$v(0) = 0$, and equals $\int_0^T e^{(T-s)A} b\, ds$. For $M = \begin{pmatrix} H & e_1 \\ 0 & 0 \end{pmatrix}$,
$\mathrm{expm}(TM) = \begin{pmatrix} \mathrm{expm}(TH) & T\varphi(TH) e_1 \\ 0 & 1 \end{pmatrix}$: the right
side $X$ satisfies $\dot X = MX$, $X(0) = I$ block by block.
""",
    claims=(
        derivative_claim("solution", solution, time, scalar(a * solution.expr + b)),
        identity("start", scalar(solution.expr.subs(time, 0)), scalar(0)),
        derivative_claim("antiderivative of Duhamel's integrand", antiderivative, moment, integrand),
        identity("Duhamel's formula", scalar(between(antiderivative.expr, moment, 0, time)), solution),
        derivative_claim("antiderivative of the average", average_antiderivative, moment, scalar(sp.exp(moment * z))),
        identity("φ is an average", scalar(between(average_antiderivative.expr, moment, 0, 1)), scalar(phi(z))),
        derivative_claim("upper left block", scalar(upper_left), time, scalar(a * upper_left)),
        derivative_claim("upper right block", scalar(upper_right), time, scalar(a * upper_right + e1)),
        identity("upper left block at 0", scalar(upper_left.subs(time, 0)), scalar(1)),
        identity("upper right block at 0", scalar(upper_right.subs(time, 0)), scalar(0)),
    ),
    wrong=(
        Wrong("solution", "the source is missing", scalar(a * solution.expr)),
        Wrong("solution", "the source grows with the operator", scalar(a * solution.expr + sp.exp(time * a) * b)),
        Wrong("Duhamel's formula", "the factor T is missing", scalar(phi(time * a) * b)),
        Wrong("Duhamel's formula", "the factor T stands twice", scalar(time**2 * phi(time * a) * b)),
        Wrong(
            "antiderivative of Duhamel's integrand",
            "time runs backwards",
            scalar(sp.exp((time + moment) * a) * b),
        ),
        Wrong("upper right block", "expm instead of φ", scalar(a * upper_left * e1 + e1)),
    ),
    runs_in="laflow/krylov.py",
    limits=(
        "Proved of scalars in place of commuting operators, which carries over to matrices of all sizes by "
        "the series "
        "of entire functions. That a linear ODE has one solution is used, not proved."
    ),
)
