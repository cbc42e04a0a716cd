"""The explicit Euler scheme for the linearized flow and its order, Eqs. (3.48), (3.49)."""

from __future__ import annotations

import sympy as sp

from derivations.algebra import (
    EPS,
    TINY,
    Array,
    Lemma,
    Program,
    Wrong,
    adjoint_claim,
    bound,
    commuting,
    derivative_claim,
    identity,
    magnitude,
    phi,
    scalar,
    step,
)
from derivations.algebra.matrices import add, scaled
from derivations.assignment.linearized_flow import (
    averaged,
    averaging_steps,
    image,
    mean,
    mean_reach,
    reach,
    reach_sizes,
    source,
)
from derivations.assignment.linearized_flow import linear_map as flow_map
from derivations.assignment.linearized_flow import linear_map_adjoint as flow_map_adjoint
from derivations.assignment.notation import (
    covector,
    i,
    j,
    labels,
    neighbours,
    nodes,
    similarity,
    tangent,
    weights,
)

step_size = sp.Symbol("step_size", positive=True)

# the map (3.49): V + h(A(Ω)V + B)
vector_field = add(flow_map, source)
mapping = add(tangent, scaled(step_size, vector_field))

# the same of scalars: a stands for A, v and b for the vectors on which it acts
h, a, b, v, u, n, z, s = commuting("h a b v u n z s")
exact_step = sp.exp(h * a) * v + h * phi(h * a) * b
euler_step = v + h * (a * v + b)
second_phi = (phi(z) - 1) / z
defect = h**2 * second_phi.subs(z, h * a) * a * (a * v + b)
average = ((1 - s) * z + 1) * sp.exp(s * z) / z**2


def iterate(count: sp.Expr) -> sp.Expr:
    """v_n from v_0 = 0: ((1 + ha)ⁿ - 1) b / a."""
    return ((1 + h * a) ** count - 1) * b / a


change = Array("change", nodes, labels)
J, N = labels.size, neighbours.size
program = Program(
    name="euler_step",
    title="one explicit Euler step V + h(A(Ω)V + B) of the linearized flow, Eq. (3.49)",
    inputs=(weights, similarity, source, tangent, step_size),
    steps=(
        *averaging_steps,
        step(
            image[i, j],
            tangent[i, j] + step_size * (similarity[i, j] * (averaged[i, j] - mean[i]) + source[i, j]),
        ),
    ),
    outputs=(image,),
    alias={averaged: image},
    means={image: mapping},
    requires=(
        "weights >= 0",
        "similarity >= 0, rows summing to 1",
        "image does not share memory with tangent",
    ),
    ensures=("rows of image sum to 0 up to rounding if those of tangent and source do",),
    bound=bound(
        (
            image[i, j],
            EPS * (N + J + 5) / 2 * (magnitude(tangent[i, j]) + magnitude(step_size) * change[i, j])
            + TINY * (1 + magnitude(step_size)) * (2 * N + J + 4),
        ),
        sizes=(
            *reach_sizes,
            (change[i, j], similarity[i, j] * (reach[i, j] + mean_reach[i]) + magnitude(source[i, j])),
        ),
    ),
)

LEMMA = Lemma(
    name="euler",
    title="The explicit Euler scheme",
    reference="Eqs. (3.48), (3.49)",
    statement=r"""
$V^{(n+1)} = V^{(n)} + h\big(A(\Omega) V^{(n)} + B\big)$. One step differs from the flow by
$e^{hA} v + h\varphi(hA) b - (v + h(Av + b)) = h^2 \varphi_2(hA) A (Av + b)$ with the entire function
$\varphi_2(z) = \frac{\varphi(z) - 1}{z} = \int_0^1 (1-s) e^{sz} ds$, so the scheme is consistent of order
1; errors pass on by $e_{n+1} = (I + hA) e_n + \text{defect}$; from $v_0 = 0$,
$v_n = \frac{(1 + hA)^n - 1}{A} b$.
""",
    claims=(
        derivative_claim("slope in the step size", mapping, step_size, vector_field),
        adjoint_claim(
            "transpose of a step",
            mapping,
            tangent,
            covector,
            add(covector, scaled(step_size, flow_map_adjoint)),
        ),
        identity("defect of one step", scalar(exact_step - euler_step), scalar(defect)),
        derivative_claim("antiderivative of the remainder", scalar(average), s, scalar((1 - s) * sp.exp(s * z))),
        identity("φ2 is an average", scalar(average.subs(s, 1) - average.subs(s, 0)), scalar(second_phi)),
        identity(
            "passing on of errors",
            scalar(exact_step - euler_step.subs(v, u)),
            scalar((1 + h * a) * (v - u) + defect),
        ),
        identity("next iterate", scalar((1 + h * a) * iterate(n) + h * b), scalar(iterate(n + 1))),
    ),
    wrong=(
        Wrong(
            "defect of one step",
            "order 2 is claimed",
            scalar(h**3 * second_phi.subs(z, h * a) * a * (a * v + b)),
        ),
        Wrong(
            "defect of one step",
            "the source does not enter",
            scalar(h**2 * second_phi.subs(z, h * a) * a**2 * v),
        ),
        Wrong("slope in the step size", "the source is missing", flow_map),
        Wrong("transpose of a step", "the identity is missing", scaled(step_size, flow_map_adjoint)),
        Wrong("next iterate", "the source is counted once only", scalar((1 + h * a) * iterate(n))),
    ),
    programs=(program,),
    limits=(
        "The local defect is an identity of operators of any size. That the global error is O(h) follows by "
        "summing "
        "it over T/h steps (stability ‖(I + hA)^n‖ <= e^{T‖A‖}): an inequality, which is not proved here."
    ),
)
