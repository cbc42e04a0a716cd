"""The standard error of a ratio of Monte-Carlo sums, when the points of one line are correlated.

Lines are independent and distributed alike: the moments of their sums are E s_l s_m = μ² + δ_lm v. An expectation is
linear, so that a second moment is replaced by its value.
"""

from __future__ import annotations

import sympy as sp

from derivations.algebra import (
    Array,
    Delta,
    Lemma,
    Tensor,
    Wrong,
    differential_claim,
    identity,
    scalar,
    standard_range,
    substitute,
    tensor,
    total,
)

lines, members = standard_range("lines", "L"), standard_range("members", "M")
l, k = lines.indices("l k")
m, n = members.indices("m n")
L = lines.size

# the map: R = Σ a / Σ b over the points of all lines
top, bottom = Array("top", lines, members, latex="a"), Array("bottom", lines, members, latex="b")
top_change = Array("top_change", lines, members, latex=r"\delta a")
bottom_change = Array("bottom_change", lines, members, latex=r"\delta b")
whole = total(bottom[l, m], l, m)
ratio = total(top[l, m], l, m) / whole


def excess(top_values: Array, bottom_values: Array) -> Tensor:
    """a - R b, point by point."""
    return tensor((l, m), top_values[l, m] - ratio * bottom_values[l, m])


change = total(excess(top_change, bottom_change)[l, m], l, m) / whole

# sums over lines: how far they spread, and what that is on average
line_sum = Array("line_sum", lines, latex="s")
mean, variance = sp.symbols("mu v")
moments = Array("moments", lines, lines, latex="E")
average = total(line_sum[l], l) / L
spread = total((line_sum[l] - average) ** 2, l)
spread_moments = total(moments[l, l], l) - total(moments[l, k], l, k) / L  # E of the spread
whole_variance = total(moments[l, k], l, k) - L**2 * mean**2  # of Σ_l s_l


def with_moments(expr: sp.Expr) -> Tensor:
    """The expression with E s_l s_k = μ² + δ_lk v."""
    return scalar(substitute(expr, {moments: lambda l, k: mean**2 + Delta(l, k) * variance}))


# a finite sum in place of an integral: points of density q, weights w = ρ/q
density, drawn = Array("density", lines, latex=r"\rho"), Array("drawn", lines, latex="q")
function = Array("function", lines, latex="f")

LEMMA = Lemma(
    name="monte_carlo_error",
    title="The error of a ratio of sums over random lines",
    reference="Cochran, Sampling Techniques, 1977, sections 6.4 and 9A",
    statement=r"""
Points drawn with a density $q$ and weighed by $w = \rho/q$ have $E\, w f = \sum \rho f$. A ratio $R = \sum a / \sum b$
changes by $\delta R = \frac{1}{\sum b} \sum (\delta a - R\, \delta b)$, so that its error is, to first order, that of
the sum of $e = a - R b$, and $\sum e = 0$. The points of a line are correlated, the lines are not: with $s_l$ the sum
of $e$ over line $l$, of variance $v$, $\sum_l s_l$ has the variance $L v$, and
$$E \sum_l (s_l - \bar s)^2 = E \sum_l s_l^2 - \tfrac1L E \big(\textstyle\sum_l s_l\big)^2 = (L - 1)\, v :$$
$\frac{L}{L - 1} \sum_l s_l^2 \big/ \big(\sum b\big)^2$ estimates the variance of $R$.
""",
    claims=(
        identity(
            "weighted points",
            scalar(total(drawn[l] * (density[l] / drawn[l] * function[l]), l)),
            scalar(total(density[l] * function[l], l)),
        ),
        differential_claim(
            "change of the ratio", scalar(ratio), {top: top_change, bottom: bottom_change}, scalar(change)
        ),
        identity("the excess sums to zero", scalar(total(excess(top, bottom)[l, m], l, m)), scalar(0)),
        identity("spread", scalar(spread), scalar(total(line_sum[l] ** 2, l) - total(line_sum[l], l) ** 2 / L)),
        identity("mean of the spread", with_moments(spread_moments), scalar((L - 1) * variance)),
        identity("variance of the sum", with_moments(whole_variance), scalar(L * variance)),
        identity(
            "square of the sum over a line",
            tensor(l, total(excess(top, bottom)[l, m], m) ** 2),
            tensor(l, total(excess(top, bottom)[l, m] * excess(top, bottom)[l, n], m, n)),
        ),
    ),
    wrong=(
        Wrong(
            "square of the sum over a line",
            "the points of a line are taken as independent",
            tensor(l, total(excess(top, bottom)[l, m] ** 2, m)),
        ),
        Wrong("mean of the spread", "divided by L in place of L - 1", scalar(L * variance)),
        Wrong("change of the ratio", "the denominator is exact", scalar(total(top_change[l, m], l, m) / whole)),
        Wrong("spread", "the mean is not taken off", scalar(total(line_sum[l] ** 2, l))),
        Wrong(
            "weighted points",
            "the density is forgotten",
            scalar(total(drawn[l] * function[l], l)),
        ),
        Wrong("variance of the sum", "the variance of the mean", scalar(variance / L)),
    ),
    runs_in="laflow/metric/geometry/estimates.py",
    limits=(
        "Proved for all numbers of lines with equally many points each (a line with fewer has entries that are 0). "
        "The error of the ratio is that of its linearisation for many lines only, and so is the estimate of the "
        "variance unbiased, with the estimate of R in place of its mean; neither limit is proved."
    ),
    sizes=({"lines": 2, "members": 3}, {"lines": 3, "members": 2}),
    family="metric",
)
