"""Sums over neighbours: the two common forms become calls, any other a loop, and all compute what the program says."""

import numpy as np
import pytest
import sympy as sp

from derivations.algebra import Array, Program, bound, step, tensor, total
from derivations.algebra.language import Tensor
from derivations.algebra.lemma import Lemma
from derivations.assignment.notation import i, j, k, labels, nodes, r, ranks, similarity, tangent, weights
from derivations.compiler.lowering import lower
from derivations.compiler.module_text import module_text
from verify.formulas import enclose
from verify.kernel_instances import grid_layout, instance, interpreted

image, layers = Array("image", nodes, labels), Array("layers", ranks, nodes, labels)
local, many_local = Array("local", nodes, labels), Array("many_local", ranks, nodes, labels)
many, pairs = Array("many", ranks, nodes, labels), Array("pairs", nodes, nodes, sparse=True)
near, square = weights[i, k] * tangent[k, j], weights[i, k] * tangent[k, j] * tangent[k, j]


def sample(value: sp.Expr, target: Array, *before: object, means: Tensor | None = None) -> Program:
    indices = {1: (), 2: (i, k) if target is pairs else (i, j), 3: (r, i, j)}[len(target.axes)]
    wanted = tensor(indices, value) if means is None else means
    return Program(
        name="sample",
        title="a sample",
        inputs=(weights, similarity, tangent, many),
        steps=(*before, step(target[indices], value)),
        outputs=(target,),
        means={target: wanted},
        requires=(),
        ensures=(),
        bound=bound((target[indices], 0)),
    )


own, many_own = step(local[i, j], 2 * similarity[i, j]), step(many_local[r, i, j], 3 * many[r, i, j])
CASES = {
    "an average": (sample(total(near, k), image), {"gather("}),
    "an average of many fields": (sample(total(weights[i, k] * many[r, k, j], k), layers), {"gather("}),
    "its transpose": (sample(total(weights[k, i] * tangent[k, j], k), image), {"gather_transposed("}),
    "products at neighbours": (
        sample(
            total(local[i, j] * tangent[k, j], j) + total(many_local[r, i, j] * many[r, k, j], j, r),
            pairs,
            own,
            many_own,
            means=tensor(
                (i, k),
                total(2 * similarity[i, j] * tangent[k, j], j) + total(3 * many[r, i, j] * many[r, k, j], j, r),
            ),
        ),
        {"add_products("},
    ),
    "a sum of something else": (sample(total(square, k), image), set()),
    "an average and more": (sample(total(near, k) + similarity[i, j], image), set()),
    "products with what is no temporary": (sample(total(similarity[i, j] * tangent[k, j], j), pairs), set()),
}


@pytest.mark.parametrize("name", CASES)
def test_a_sum_over_neighbours_takes_its_form_and_is_what_the_program_says(name: str) -> None:
    program, calls = CASES[name]
    lemma = Lemma("sample", "a sample", "nowhere", "", (), (), (program,))
    text = module_text(lemma, lower(program))
    grid = text[: text.index("def grid(")]
    found = {call for call in ("gather(", "gather_transposed(", "add_products(") if f" {call}" in grid}
    assert found == calls
    assert ("for neighbour in" in grid) == (not calls)
    for layout in (grid_layout((5, 4), 1), grid_layout((3, 4), 2), grid_layout((7,), 1)):
        case = instance(program, layout, np.random.default_rng(3), {"labels": 3, "ranks": 2})
        (target,) = program.outputs
        seen = case.run(interpreted("sample", text))[target.name]
        exact = enclose(program.means[target], case.dense, case.scalars, case.sizes).middle
        there = case.present(target)
        np.testing.assert_allclose(seen[there], exact[there], rtol=1e-13, atol=1e-13)
