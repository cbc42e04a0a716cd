"""Single faults planted in the text of a Python module: operators, operands, names, ranges, constants, dropped steps.

A mutant is the whole module with one place changed. Docstrings, decorators, imports and annotations are left alone.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

SWAPPED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Pow: ast.Mult,
}
COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
CALLED = {"max": "min", "min": "max", "exp": "abs", "log": "abs", "sqrt": "abs"}
CALLED |= {"gather": "gather_transposed", "gather_transposed": "gather"}


@dataclass(frozen=True)
class Mutant:
    """The text of a module with one fault, and what the fault is."""

    kind: str
    function: str
    line: int
    before: str
    after: str
    statement: str
    text: str

    @property
    def label(self) -> str:
        """One line for reports; unique within a module up to repeated statements."""
        return f"{self.function}:{self.line} {self.kind}: {self.before} -> {self.after}"


Replacement = tuple[str, ast.AST | None]  # the kind of the fault, and what stands instead (None: nothing)
Operators = Callable[[ast.AST, ast.FunctionDef], Iterable[Replacement]]


def mutants(text: str, skip: frozenset[str] = frozenset(), operators: Operators | None = None) -> list[Mutant]:
    """All mutants of the functions of a module, in the order of the text; functions in ``skip`` are left alone.

    ``operators`` lists the faults at one node of a function, by default those meant for kernels (`replacements`).
    """
    faults_at = replacements if operators is None else operators
    module = ast.parse(text)
    segments = [ast.unparse(statement) for statement in module.body]
    found = []
    for position, statement in enumerate(module.body):
        for function in _functions(statement):
            if function.name in skip:
                continue
            for place in _places(function):
                for kind, replacement in list(faults_at(place.node, function)):
                    changed = place.unparse_with(replacement, statement)
                    whole = "\n\n".join([*segments[:position], changed, *segments[position + 1 :]])
                    after = "(dropped)" if replacement is None else ast.unparse(_located(replacement))
                    before = ast.unparse(place.node).split("\n")[0]
                    line = int(getattr(place.node, "lineno", 0))
                    found.append(Mutant(kind, function.name, line, before, after, place.statement, whole))
    return found


@dataclass(frozen=True)
class _Place:
    """A node, and where its parent holds it."""

    node: ast.AST
    parent: ast.AST
    field: str
    index: int | None
    statement: str

    def unparse_with(self, replacement: ast.AST | None, statement: ast.stmt) -> str:
        """The text of ``statement`` with the node replaced (by nothing: by ``pass``); the tree is left as it was."""
        self._put(_located(ast.Pass() if replacement is None else copy.deepcopy(replacement)))
        try:
            return ast.unparse(statement)
        finally:
            self._put(self.node)

    def _put(self, node: ast.AST) -> None:
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


def _located(node: ast.AST) -> ast.AST:
    node.lineno, node.col_offset = getattr(node, "lineno", 0), getattr(node, "col_offset", 0)  # type: ignore[attr-defined]
    return ast.fix_missing_locations(node)


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield node


def _places(function: ast.FunctionDef) -> list[_Place]:
    """Every node of a function's body below its docstring, without functions inside it."""
    start = 1 if ast.get_docstring(function) is not None else 0
    found: list[_Place] = []
    for number in range(start, len(function.body)):
        _walk(function.body[number], _Place(function, function, "", None, ""), "body", number, found)
    return found


def _walk(node: ast.AST, above: _Place, field: str, index: int | None, found: list[_Place]) -> None:
    if isinstance(node, ast.FunctionDef):
        return
    statement = ast.unparse(node).split("\n")[0] if isinstance(node, ast.stmt) else above.statement
    place = _Place(node, above.node, field, index, statement)
    found.append(place)
    for name, value in ast.iter_fields(node):
        if isinstance(node, ast.AnnAssign) and name != "value":
            continue
        if isinstance(value, ast.AST):
            _walk(value, place, name, None, found)
        elif isinstance(value, list):
            for number, item in enumerate(value):
                if isinstance(item, ast.AST):
                    _walk(item, place, name, number, found)


def replacements(node: ast.AST, function: ast.FunctionDef) -> Iterator[Replacement]:
    """The faults that make sense in kernels: arithmetic, loops, names."""
    if isinstance(node, ast.BinOp) and type(node.op) in SWAPPED:
        yield "operator", ast.BinOp(node.left, SWAPPED[type(node.op)](), node.right)
        yield "operand dropped", node.left
        yield "operand dropped", node.right
        if isinstance(node.op, ast.Sub | ast.Div | ast.FloorDiv):
            yield "operands swapped", ast.BinOp(node.right, node.op, node.left)
    elif isinstance(node, ast.AugAssign):
        operator = SWAPPED.get(type(node.op), ast.Sub)
        yield "operator", ast.AugAssign(node.target, operator(), node.value)
        target = copy.deepcopy(node.target)
        yield "assigned, not accumulated", ast.Assign([target], node.value)
        yield "step dropped", None
    elif isinstance(node, ast.Assign | ast.For | ast.If):
        yield "step dropped", None
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "sign dropped", node.operand
    elif isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARED:
        yield "comparison", ast.Compare(node.left, [COMPARED[type(node.ops[0])]()], node.comparators)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        yield "constant", ast.Constant(node.value + 1)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        yield from _calls(node)
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        yield from _other_names(node, function)


def _calls(node: ast.Call) -> Iterator[Replacement]:
    assert isinstance(node.func, ast.Name)
    name = node.func.id
    if name in CALLED:
        yield "function", ast.Call(ast.Name(CALLED[name], ast.Load()), node.args, node.keywords)
    if name in ("range", "prange") and node.args:
        last = ast.BinOp(node.args[-1] if len(node.args) < 3 else node.args[1], ast.Sub(), ast.Constant(1))
        if len(node.args) == 1:
            yield "range", ast.Call(node.func, [last], [])
            yield "range", ast.Call(node.func, [ast.Constant(1), node.args[0]], [])
        else:
            yield "range", ast.Call(node.func, [node.args[0], last, *node.args[2:]], [])


def _other_names(node: ast.Name, function: ast.FunctionDef) -> Iterator[Replacement]:
    """The next other name of the same family: rows for rows, arguments for arguments."""
    rows = _ordered({n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)})
    arguments = [argument.arg for argument in function.args.args]
    for family in (rows, arguments):
        if node.id in family and len(family) > 1:
            other = family[(family.index(node.id) + 1) % len(family)]
            yield "name", ast.Name(other, ast.Load())


def _ordered(names: set[str]) -> list[str]:
    """Names sorted so that alike endings stand together: rows beside rows, sizes beside sizes."""
    return sorted(names, key=lambda name: (name.rsplit("_", 1)[-1] if "_" in name else "", name))
