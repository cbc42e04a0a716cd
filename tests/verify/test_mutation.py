"""Each operator of the mutators produces what it says, and text that says the same is never counted."""

import ast

import pytest

from verify.mutation import mutants
from verify.runtime_operators import constant_mutants, runtime_mutants


def changes(body, found=runtime_mutants):
    lines = [f"    {line}" for line in body.split("\n")]
    text = "\n".join(["def f(a, b, n):", *lines])
    return {(mutant.kind, mutant.before, mutant.after) for mutant in found(text)}


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("return a + b", ("operator", "a + b", "a - b")),
        ("return a + b", ("operand dropped", "a + b", "b")),
        ("return a - b", ("operands swapped", "a - b", "b - a")),
        ("return -a", ("sign dropped", "-a", "a")),
        ("return a < b", ("comparison", "a < b", "a >= b")),
        ("return a < b", ("boundary", "a < b", "a <= b")),
        ("return 0 < a < 1", ("boundary", "0 < a < 1", "0 < a <= 1")),
        ("return a and b", ("condition", "a and b", "a or b")),
        ("return a and b", ("condition dropped", "a and b", "b")),
        ("return not a", ("negation dropped", "not a", "a")),
        ("return a if b else n", ("branch", "a if b else n", "n")),
        ("if a:\n    return b\nreturn n", ("step dropped", "if a:", "(dropped)")),
        ("g(a)\nreturn b", ("step dropped", "g(a)", "(dropped)")),
        ("raise ValueError('x')", ("step dropped", "raise ValueError('x')", "(dropped)")),
        ("return g(a, key=b)", ("keyword dropped", "g(a, key=b)", "g(a)")),
        ("return g(True)", ("constant", "True", "False")),
        ("return 3", ("constant", "3", "4")),
        ("return a[b:n]", ("slice bound dropped", "b:n", "b:")),
        ("return a.argmax()", ("method", "a.argmax()", "a.argmin()")),
        ("return a", ("name", "a", "b")),
        ("x: int = a + 1\nreturn x", ("operand dropped", "a + 1", "a")),
    ],
)
def test_an_operator_produces_what_it_says(body, wanted):
    assert wanted in changes(body)


def test_messages_annotations_and_docstrings_are_left_alone():
    found = changes('"""Says 1 + 2."""\nx: list[1 + 2] = b\nif a:\n    raise ValueError(f"found {a + 1}")\nreturn x')
    assert not any("1 +" in before or "+ 1" in before for kind, before, _ in found if kind != "step dropped")


def test_equal_text_is_never_counted_and_no_two_mutants_are_the_same():
    text = "def f(a, b):\n    a = a * 1\n    return max(a, a) + max(b, 1)\n"
    written = [ast.unparse(ast.parse(mutant.text)) for mutant in runtime_mutants(text)]
    assert ast.unparse(ast.parse(text)) not in written
    assert len(set(written)) == len(written) > 10


def test_a_mutant_differs_in_one_place_and_knows_where():
    text = "def f(a):\n    b = a + 1\n    return b\n\ndef g(a):\n    return a * 2\n"
    for mutant in runtime_mutants(text):
        assert mutant.function in ("f", "g")
        other = "g" if mutant.function == "f" else "f"
        parts = {node.name: ast.unparse(node) for node in ast.parse(mutant.text).body}
        same = {node.name: ast.unparse(node) for node in ast.parse(text).body}
        assert parts[other] == same[other]
        assert parts[mutant.function] != same[mutant.function]


def test_mutants_of_kernels_know_nothing_of_the_wider_operators():
    kinds = {mutant.kind for mutant in mutants("def f(a, b):\n    return g(a and b, key=a < b)\n")}
    assert not kinds & {"boundary", "condition", "keyword dropped"}


def test_constants_fields_and_defaults_are_mutated_but_not_how_a_field_is_printed():
    text = (
        "LIMIT = 3\n@dataclass\nclass C:\n    a: float = 2.0\n    b: int = field(repr=False)\n"
        "def f(x, y=True, *, z=0):\n    return x\n"
    )
    found = {(mutant.before, mutant.after) for mutant in constant_mutants(text)}
    assert found == {("3", "12"), ("2.0", "8.0"), ("True", "False"), ("0", "1")}
