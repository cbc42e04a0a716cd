"""The hyperbolic tangent as an activation, with the three derivatives that jets and their adjoint need."""

from __future__ import annotations

import sympy as sp

from derivations.algebra import (
    EPS,
    TINY,
    Array,
    Lemma,
    Program,
    Wrong,
    bound,
    differential_claim,
    identity,
    step,
    tensor,
)
from derivations.metric.notation import s, sites

argument = Array("argument", sites, latex="u")
turn = Array("turn", sites, latex=r"\dot u")
u = argument[s]

# the map, and the claim: derivatives as polynomials in its values
hyperbolic = (sp.exp(u) - sp.exp(-u)) / (sp.exp(u) + sp.exp(-u))
first_formula = 1 - hyperbolic**2
second_formula = -2 * hyperbolic * first_formula
third_formula = first_formula * (6 * hyperbolic**2 - 2)

# the program: by the share 1 / (1 + e^{2u}), which is 0 or 1 where the exponential overflows or underflows
grown, share, rest = Array("grown", sites), Array("share", sites), Array("rest", sites)
value, first = Array("value", sites), Array("first", sites)
second, third = Array("second", sites), Array("third", sites)
program = Program(
    name="activation_tanh",
    title="tanh and its first three derivatives",
    inputs=(argument,),
    steps=(
        step(grown[s], sp.exp(2 * u)),
        step(share[s], 1 / (1 + grown[s])),
        step(rest[s], 1 - share[s]),
        step(value[s], 1 - 2 * share[s]),
        step(first[s], 4 * share[s] * rest[s]),
        step(second[s], -2 * value[s] * first[s]),
        step(third[s], first[s] * (6 * value[s] ** 2 - 2)),
    ),
    outputs=(value, first, second, third),
    means={
        value: tensor(s, hyperbolic),
        first: tensor(s, first_formula),
        second: tensor(s, second_formula),
        third: tensor(s, third_formula),
    },
    requires=("argument finite",),
    ensures=("value in [-1, 1], first in [0, 1], for arguments of any size",),
    bound=bound(
        # share is off by at most 3 eps/2: e^{2u} by |u| + 1 eps of itself, and |u| share rest <= 0.12
        (value[s], EPS / 2 * 9 + TINY),
        (first[s], EPS / 2 * 17 + TINY),
        (second[s], EPS / 2 * 54 + TINY),
        (third[s], EPS / 2 * 190 + TINY),
    ),
)

LEMMA = Lemma(
    name="activation_tanh",
    title="tanh and its derivatives",
    reference="Eqs. of tanh: σ' = 1 - σ² and its consequences (Abramowitz and Stegun 4.5)",
    statement=r"""
For $\sigma = \tanh$: $\sigma' = 1 - \sigma^2$, $\sigma'' = -2 \sigma \sigma'$, $\sigma''' = \sigma' (6 \sigma^2 - 2)$.
With $q = 1/(1 + e^{2u})$, $\sigma = 1 - 2q$ and $\sigma' = 4 q (1 - q)$; this holds in floating-point numbers too,
even where $e^{2u}$ overflows.
""",
    claims=(
        differential_claim(
            "first derivative", tensor(s, hyperbolic), {argument: turn}, tensor(s, first_formula * turn[s])
        ),
        differential_claim(
            "second derivative", tensor(s, first_formula), {argument: turn}, tensor(s, second_formula * turn[s])
        ),
        differential_claim(
            "third derivative", tensor(s, second_formula), {argument: turn}, tensor(s, third_formula * turn[s])
        ),
        identity("odd", tensor(s, hyperbolic + hyperbolic.xreplace({u: -u})), tensor(s, 0)),
    ),
    wrong=(
        Wrong("first derivative", "not squared", tensor(s, (1 - hyperbolic) * turn[s])),
        Wrong("second derivative", "the chain rule's factor 2 is missing", tensor(s, second_formula / 2 * turn[s])),
        Wrong("second derivative", "the sign", tensor(s, -second_formula * turn[s])),
        Wrong(
            "third derivative",
            "4 in place of 6",
            tensor(s, first_formula * (4 * hyperbolic**2 - 2) * turn[s]),
        ),
    ),
    programs=(program,),
    family="metric",
)
