"""The faults that are planted in hand-written code: those of kernels, and those of branches, calls and slices.

Error messages are left alone: what stands inside of ``raise`` is text. That a ``raise`` is reached is not: dropping
it is a fault, which bad input must reveal.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from verify.mutation import Mutant, Replacement, mutants, replacements

MODULE = "<module>"  # in the place of a function's name
BOUNDARY: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
METHODS = {
    "argmax": "argmin",
    "argmin": "argmax",
    "max": "min",
    "min": "max",
    "maximum": "minimum",
    "zeros": "ones",
    "ones": "zeros",
    "any": "all",
    "all": "any",
    "sqrt": "square",
    "square": "abs",
    "abs": "negative",
    "sum": "max",
    "exp": "log",
    "kron": "outer",
    "multiply": "divide",
    "subtract": "add",
    "copy": "view",
    "transpose": "view",
    "permutation": "integers",
}


def runtime_mutants(text: str) -> list[Mutant]:
    """All mutants of a hand-written module; texts that occur twice are counted once."""
    found: dict[str, Mutant] = {}
    same = ast.unparse(ast.parse(text))
    for mutant in [*mutants(text, operators=runtime_replacements), *constant_mutants(text)]:
        written = ast.unparse(ast.parse(mutant.text))
        if written != same:
            found.setdefault(written, mutant)
    return list(found.values())


def constant_mutants(text: str) -> list[Mutant]:
    """Numbers outside of function bodies made four times as large: constants of the module, fields, defaults."""
    module = ast.parse(text)
    found = []
    for statement in module.body:
        for holder in _constant_values(statement):
            for node in ast.walk(holder):
                if not isinstance(node, ast.Constant) or not isinstance(node.value, int | float):
                    continue
                if isinstance(node.value, bool) and node is not holder:  # how a field is printed or compared
                    continue
                value, line = node.value, ast.unparse(statement).split("\n")[0]
                node.value = (not value) if isinstance(value, bool) else (4 * value if value else 1)
                after, whole = str(node.value), ast.unparse(module)
                node.value = value
                found.append(Mutant("constant", MODULE, node.lineno, str(value), after, line, whole))
    return found


def _constant_values(node: ast.AST) -> Iterator[ast.AST]:
    """What is assigned in a module or class, and the defaults of functions."""
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        yield node.value
    elif isinstance(node, ast.FunctionDef):
        yield from (item for item in (*node.args.defaults, *node.args.kw_defaults) if item is not None)
    elif isinstance(node, ast.ClassDef):
        for item in node.body:
            yield from _constant_values(item)


def runtime_replacements(node: ast.AST, function: ast.FunctionDef) -> Iterator[Replacement]:
    """The faults at one node."""
    if id(node) in _in_messages(function):
        return
    yield from replacements(node, function)
    if isinstance(node, ast.Compare):
        yield from _comparisons(node)
    elif isinstance(node, ast.BoolOp):
        yield from _conditions(node)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "negation dropped", node.operand
    elif isinstance(node, ast.IfExp):
        yield "branch", node.body
        yield "branch", node.orelse
    elif isinstance(node, ast.If):
        yield "always taken", ast.If(ast.Constant(True), node.body, node.orelse)
        if node.orelse:
            yield "never taken", ast.If(ast.Constant(False), node.body, node.orelse)
    elif isinstance(node, ast.Expr | ast.Raise | ast.Break):
        yield "step dropped", None
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield "constant", ast.Constant(not node.value)
    elif isinstance(node, ast.Call):
        yield from _call(node)
    elif isinstance(node, ast.Slice):
        if node.lower is not None:
            yield "slice bound dropped", ast.Slice(None, node.upper, node.step)
        if node.upper is not None:
            yield "slice bound dropped", ast.Slice(node.lower, None, node.step)


def _in_messages(function: ast.FunctionDef) -> frozenset[int]:
    """The nodes below ``raise``, by identity."""
    if not hasattr(function, "in_messages"):
        below = (item for node in ast.walk(function) if isinstance(node, ast.Raise) for item in ast.walk(node))
        found = frozenset(id(item) for item in below if not isinstance(item, ast.Raise))
        function.in_messages = found  # type: ignore[attr-defined]
    return function.in_messages  # type: ignore[attr-defined]


def _comparisons(node: ast.Compare) -> Iterator[Replacement]:
    for place, operator in enumerate(node.ops):
        if type(operator) in BOUNDARY:
            changed = [*node.ops[:place], BOUNDARY[type(operator)](), *node.ops[place + 1 :]]
            yield "boundary", ast.Compare(node.left, changed, node.comparators)


def _conditions(node: ast.BoolOp) -> Iterator[Replacement]:
    other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    yield "condition", ast.BoolOp(other, node.values)
    for place in range(len(node.values)):
        rest = [*node.values[:place], *node.values[place + 1 :]]
        yield "condition dropped", rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)


def _call(node: ast.Call) -> Iterator[Replacement]:
    for place in range(len(node.keywords)):
        rest = [*node.keywords[:place], *node.keywords[place + 1 :]]
        yield "keyword dropped", ast.Call(node.func, node.args, rest)
    if isinstance(node.func, ast.Attribute) and node.func.attr in METHODS:
        other = ast.Attribute(node.func.value, METHODS[node.func.attr], ast.Load())
        yield "method", ast.Call(other, node.args, node.keywords)
