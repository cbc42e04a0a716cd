"""Programs become loop nests; what no loop nest is known for is refused with the step's name."""

import pytest
import sympy as sp

from derivations.algebra import Array, Program, bound, largest, stabiliser, step, tensor, total
from derivations.algebra.lemma import Lemma
from derivations.assignment.notation import i, j, k, l, labels, n, nodes, similarity, tangent, weights
from derivations.compiler.expression_text import expression_text
from derivations.compiler.loop_nest import Accumulate, Reach
from derivations.compiler.lowering import NotCompilable, lower
from derivations.compiler.module_text import module_text

out = Array("image", nodes, labels)
middle = Array("middle", nodes, labels)


def program(*steps: object, inputs: tuple[Array, ...] = (weights, similarity, tangent), **options: object) -> Program:
    none = bound((out[i, j], 0))
    known = {"name": "sample", "title": "a sample", "requires": (), "ensures": (), "bound": none}
    zero = {out: tensor((i, j), 0)}
    return Program(inputs=inputs, steps=steps, outputs=(out,), means=zero, **known, **options)  # type: ignore[arg-type]


def test_a_sum_over_neighbours_becomes_a_gather_and_its_transpose_a_transposed_gather() -> None:
    gather = lower(program(step(out[i, j], total(weights[i, k] * tangent[k, j], k))))
    (term,) = gather.phases[0].nests[0].terms
    assert term.edge is not None
    assert term.edge.reach is Reach.GATHER
    scatter = lower(program(step(out[k, j], total(weights[i, k] * tangent[i, j], i))))
    (term,) = scatter.phases[0].nests[0].terms
    assert term.edge is not None
    assert term.edge.reach is Reach.TRANSPOSE


def test_a_step_that_reads_neighbours_of_an_earlier_output_starts_a_new_phase() -> None:
    none = bound((middle[i, j], 0), (out[i, j], 0))
    known = {"name": "two", "title": "two", "requires": (), "ensures": (), "bound": none}
    steps = (
        step(middle[i, j], similarity[i, j] * tangent[i, j]),
        step(out[i, j], total(weights[i, k] * middle[k, j], k)),
    )
    two = Program(
        inputs=(weights, similarity, tangent),
        steps=steps,
        outputs=(middle, out),
        means={out: tensor((i, j), 0)},
        scratch=(middle,),
        **known,  # type: ignore[arg-type]
    )
    assert len(lower(two).phases) == 2


def test_a_sum_free_value_is_assigned_and_a_sum_accumulated() -> None:
    kernel = lower(
        program(
            step(middle[i, j], total(weights[i, k] * tangent[k, j], k)),
            step(out[i, j], middle[i, j] * 2),
            inputs=(weights, tangent),
        )
    )
    assert [nest.how for nest in kernel.phases[0].nests] == [Accumulate.ADD, Accumulate.SET]


def test_sums_over_all_nodes_without_a_sparse_matrix_are_refused() -> None:
    with pytest.raises(NotCompilable, match="image sums over all nodes"):
        lower(program(step(out[i, j], total(tangent[k, j], k))))


def test_products_of_sums_are_refused() -> None:
    product = total(tangent[i, l], l) * total(similarity[i, l], l)
    with pytest.raises(NotCompilable, match="name them as steps"):
        lower(program(step(out[i, j], product)))


def test_reading_before_computing_is_refused() -> None:
    with pytest.raises(ValueError, match="reads middle before it is computed"):
        program(step(out[i, j], middle[i, j]))


def test_a_maximum_outside_a_stabiliser_is_refused() -> None:
    shift = Array("shift", nodes)
    with pytest.raises(ValueError, match="must be a stabiliser"):
        program(step(shift[i], largest(tangent[i, j], j)), step(out[i, j], tangent[i, j] - shift[i]))


def test_an_open_index_is_refused() -> None:
    with pytest.raises(ValueError, match="leaves the index n open"):
        program(step(out[i, j], tangent[n, j]))


def test_an_argument_that_hides_a_local_name_is_refused() -> None:
    clash = Array("count", nodes, labels)
    sample = program(step(out[i, j], clash[i, j]), inputs=(clash,))
    lemma = Lemma("sample", "sample", "none", "", (), (), (sample,))
    with pytest.raises(NotCompilable, match="rename the argument count"):
        module_text(lemma, lower(sample))


def test_a_stabiliser_is_left_free_when_a_program_is_inlined() -> None:
    shift = Array("shift", nodes)
    sample = program(stabiliser(shift[i], largest(tangent[i, j], j)), step(out[i, j], sp.exp(tangent[i, j] - shift[i])))
    assert "shift" in str(sample.inlined(out).expr)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (lambda x, y: x - y, "x - y"),
        (lambda x, y: y - x, "y - x"),
        (lambda x, y: -x * y, "-x * y"),
        (lambda x, y: x / (2 * y), "x / (2.0 * y)"),
        (lambda x, y: x / y**2, "x / (y * y)"),
        (lambda x, y: sp.sqrt(x) / y, "sqrt(x) / y"),
        (lambda x, y: (x - y) ** 2, "(x - y) * (x - y)"),
        (lambda x, y: x * (x - y), "x * (x - y)"),
        (lambda x, y: 1 / x, "1.0 / x"),
        (lambda x, y: sp.exp(-x) * sp.Rational(1, 3), "exp(-x) / 3.0"),
    ],
)
def test_the_text_of_an_expression_has_a_fixed_order(expression: object, text: str) -> None:
    x, y = sp.symbols("x y", positive=True)
    assert expression_text(expression(x, y), str) == text  # type: ignore[operator]
