"""Equations (3.7)-(3.8): the Riemannian gradient of the weight patches and the geodesic-like step along it."""

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
    derivative_claim,
    identity,
    largest,
    magnitude,
    stabiliser,
    step,
    substitute,
    tensor,
    total,
)
from derivations.assignment.notation import i, inside, neighbours, nodes, o, patch_weights, u

gradient = Array("gradient", nodes, neighbours, latex=r"\partial\mathcal L")
step_size = sp.Symbol("step_size")

# (3.8): R_Ω ∂L
riemannian = tensor((i, o), patch_weights[i, o] * (gradient[i, o] - total(patch_weights[i, u] * gradient[i, u], u)))
# (3.7): Exp_Ω(-h R_Ω ∂L) with Exp_p(v) = p e^{v/p} / <p, e^{v/p}>
along = tensor((i, o), -step_size * riemannian[i, o] / patch_weights[i, o])
lifted = tensor((i, o), patch_weights[i, o] * sp.exp(along[i, o]) / total(patch_weights[i, u] * sp.exp(along[i, u]), u))
# the claim: the same as exp_Ω(-h ∂L)
grown_weight = tensor((i, o), patch_weights[i, o] * sp.exp(-step_size * gradient[i, o]))
updated_formula = tensor((i, o), grown_weight[i, o] / total(grown_weight[i, u], u))
velocity = tensor(
    (i, o),
    -updated_formula[i, o] * (gradient[i, o] - total(updated_formula[i, u] * gradient[i, u], u)),
)

# the programs, for patches cut off at the border
masked_weight = tensor((i, o), inside[i, o] * grown_weight[i, o])
masked_update = tensor((i, o), masked_weight[i, o] / total(masked_weight[i, u], u))
masked_riemannian = tensor(
    (i, o),
    inside[i, o]
    * patch_weights[i, o]
    * (gradient[i, o] - total(inside[i, u] * patch_weights[i, u] * gradient[i, u], u)),
)
mean = Array("mean", nodes)
riemannian_array = Array("riemannian", nodes, neighbours)
mean_size, largest_step = Array("mean_size", nodes), Array("largest_step", nodes)
N = neighbours.size
gradient_program = Program(
    name="riemannian_gradient",
    title="the Riemannian gradient R_Ω ∂L of the weight patches, Eq. (3.8)",
    inputs=(patch_weights, gradient, inside),
    steps=(
        step(mean[i], total(inside[i, o] * patch_weights[i, o] * gradient[i, o], o)),
        step(riemannian_array[i, o], inside[i, o] * patch_weights[i, o] * (gradient[i, o] - mean[i])),
    ),
    outputs=(riemannian_array,),
    means={riemannian_array: masked_riemannian},
    requires=("weights >= 0, rows summing to 1", "gradient finite"),
    ensures=("rows of riemannian sum to 0 up to rounding, entries are 0 where inside is 0",),
    bound=bound(
        (
            riemannian_array[i, o],
            EPS * (N + 2) / 2 * inside[i, o] * patch_weights[i, o] * (magnitude(gradient[i, o]) + mean_size[i])
            + TINY * (N + 2),
        ),
        sizes=((mean_size[i], total(inside[i, o] * patch_weights[i, o] * magnitude(gradient[i, o]), o)),),
    ),
)
exponent, shift = Array("exponent", nodes, neighbours), Array("shift", nodes)
grown, norm = Array("grown", nodes, neighbours), Array("norm", nodes)
updated = Array("updated", nodes, neighbours)
step_program = Program(
    name="exponential_step",
    title="the descent step exp_Ω(-h ∂L) on the weight patches, Eqs. (3.7), (3.8)",
    inputs=(patch_weights, gradient, inside, step_size),
    steps=(
        step(exponent[i, o], -step_size * gradient[i, o]),
        stabiliser(shift[i], largest(exponent[i, o], o, where=inside[i, o])),
        step(grown[i, o], inside[i, o] * patch_weights[i, o] * sp.exp(exponent[i, o] - shift[i])),
        step(norm[i], total(grown[i, o], o)),
        step(updated[i, o], inside[i, o] * grown[i, o] / norm[i]),
    ),
    outputs=(updated,),
    alias={exponent: updated, grown: updated},
    means={updated: masked_update},
    requires=("weights >= 0, rows summing to 1", "step_size * gradient finite"),
    ensures=("updated >= 0, rows summing to 1 up to rounding, entries are 0 where inside is 0",),
    bound=bound(
        (
            updated[i, o],
            EPS * updated[i, o] * (3 * largest_step[i] + N / 2 + 4) + TINY * (N + 4) * (1 + 1 / norm[i]),
        ),
        sizes=((largest_step[i], largest(magnitude(step_size * gradient[i, o]), o, where=inside[i, o])),),
    ),
)

whole = {inside: lambda a, b: sp.Integer(1)}

LEMMA = Lemma(
    name="riemannian_descent",
    title="Riemannian gradient and descent step",
    reference="Eqs. (3.7), (3.8)",
    statement=r"""
The Riemannian gradient is $R_\Omega \partial\mathcal L$, and the descent step
$\mathrm{Exp}_\Omega(-h R_\Omega \partial\mathcal L) = \exp_\Omega(-h\,\partial\mathcal L)$, that is
$\Omega_i \leftarrow \Omega_i e^{-h \partial\mathcal L_i} / \langle \Omega_i, e^{-h \partial\mathcal L_i}\rangle$. It
stays in the simplex for every $h$, and moves with velocity $-R_{\Omega(h)} \partial\mathcal L$.
""",
    claims=(
        identity("the step needs no Riemannian gradient", lifted, updated_formula),
        derivative_claim("velocity of the step", updated_formula, step_size, velocity),
        identity("the step stays normalised", tensor(i, total(updated_formula[i, o], o)), tensor(i, 1)),
        identity(
            "whole patches are the paper's case",
            tensor((i, o), substitute(masked_update[i, o], whole)),
            updated_formula,
        ),
    ),
    wrong=(
        Wrong(
            "the step needs no Riemannian gradient",
            "the metric is applied twice",
            tensor(
                (i, o),
                patch_weights[i, o]
                * sp.exp(-step_size * riemannian[i, o])
                / total(patch_weights[i, u] * sp.exp(-step_size * riemannian[i, u]), u),
            ),
        ),
        Wrong(
            "the step needs no Riemannian gradient",
            "ascent in place of descent",
            tensor((i, o), updated_formula[i, o].subs(step_size, -step_size)),
        ),
        Wrong(
            "velocity of the step",
            "the mean is not subtracted",
            tensor((i, o), -updated_formula[i, o] * gradient[i, o]),
        ),
        Wrong("velocity of the step", "taken at the old weights", tensor((i, o), -riemannian[i, o])),
    ),
    programs=(gradient_program, step_program),
)
