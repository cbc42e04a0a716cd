"""Stage 3. Input: a lowered program and its lemma. Output: the text of one Numba module (without its header).

For each target there is one function a phase that computes a block of nodes, and one driver, ``grid`` or ``graph``,
that spreads the blocks over tasks; a program over sites has one target, ``sites``, and needs no structure. Results do
not depend on the number of tasks: blocks have a fixed length, and sums over nodes are left as one number per block.
"""

from __future__ import annotations

import re
import textwrap
from collections import Counter

import sympy as sp

from derivations.algebra.bound import symbols_of
from derivations.algebra.language import Array, Range
from derivations.algebra.lemma import Lemma
from derivations.algebra.program import Program
from derivations.compiler.block_text import RESERVED, BlockText, size_name, size_source, storage_axes, temporary_rows
from derivations.compiler.expression_text import bound_text
from derivations.compiler.graph_template import GraphBlock
from derivations.compiler.grid_template import NEIGHBOUR_SUMS, GridBlock
from derivations.compiler.loop_nest import Kernel, Phase
from derivations.compiler.lowering import (
    NEIGHBOURS,
    NODES,
    SITES,
    VISITED,
    NotCompilable,
    lower,
    ranges_of,
    visited_range,
)
from derivations.compiler.sites_template import SitesBlock

BLOCK, SITES_BLOCK = 256, 512

GRID_FIELDS = ("offsets",)
GRAPH_FIELDS = ("indptr", "indices", "transpose_indptr", "transpose_nodes", "transpose_edges")


def module_text(lemma: Lemma, kernel: Kernel) -> str:
    """The whole module below its header."""
    program = kernel.program
    if clash := RESERVED & set(_arguments(kernel)):
        raise NotCompilable(f"{program.name}: rename the argument {', '.join(sorted(clash))}; block functions use it")
    over_sites = visited_range(program) == SITES
    targets: list[tuple[str, type[BlockText], tuple[str, ...]]] = [("grid", GridBlock, GRID_FIELDS)]
    if over_sites:
        targets = [(SITES, SitesBlock, ())]
    elif not program.grid_only:
        targets.append(("graph", GraphBlock, GRAPH_FIELDS))
        _refuse_neighbour_rows(kernel)
    block = f"{SITES_BLOCK}  # sites" if over_sites else f"{BLOCK}  # nodes"
    bodies = "\n\n".join(_target(lemma, kernel, *target) for target in targets)
    used = [name for name in ("inf", "log", "sqrt") if re.search(rf"(?<!\w){name}\b", _code(bodies))]
    imports = f"from math import {', '.join(used)}\n\n" if used else ""
    own = _own_imports(_code(bodies))
    origin = f"Generated from ``derivations/{_module_path(lemma)}`` ({lemma.reference})."
    if len(origin) > 110:
        origin = origin.replace("`` (", "``\n(", 1)
    return (
        f'"""{_first_line(program.title)}\n\n{origin}\n"""\n\n'
        f"{imports}from numba import njit, prange\n{own}\n"
        f"BLOCK = {block} per block\n\n\n"
        f"{_work_rows(kernel)}\n\n{bodies}"
    )


def _own_imports(code: str) -> str:
    """What a kernel takes from the runtime's own functions."""
    sources = (("laflow.exponential", ("exp",)), ("laflow.neighbour_sums", tuple(sorted(NEIGHBOUR_SUMS))))
    lines = []
    for module, names in sources:
        used = [name for name in names if re.search(rf"(?<!\w){name}\(", code)]
        if used:
            lines.append(f"from {module} import {', '.join(used)}\n")
    return "\n" + "".join(lines) if lines else ""


def compile_program(lemma: Lemma, name: str) -> str:
    """Stages 1 to 3 for one program of a lemma."""
    (program,) = (item for item in lemma.programs if item.name == name)
    return module_text(lemma, lower(program))


def _module_path(lemma: Lemma) -> str:
    return f"{lemma.family}/{lemma.name}.py"


def _first_line(title: str) -> str:
    return title[0].upper() + title[1:] + ("" if title.endswith(".") else ".")


def _code(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def _refuse_neighbour_rows(kernel: Kernel) -> None:
    for phase in kernel.phases:
        for array in phase.temporaries:
            if any(over.name == NEIGHBOURS for over in array.axes):
                raise NotCompilable(
                    f"{kernel.program.name}: the temporary {array.name} runs over neighbours, whose number differs "
                    "from node to node on a graph; give it an output's memory (alias) or mark the program grid_only"
                )


def _arguments(kernel: Kernel) -> list[str]:
    program = kernel.program
    return [item.name for item in (*program.inputs, *program.outputs)]


def _work_rows(kernel: Kernel) -> str:
    program = kernel.program
    inputs = [item.name for item in program.inputs]
    totals = [_sum_of_rows(program, phase) for phase in kernel.phases]
    needed = sorted({total for total in totals if total != "0"}) or ["0"]
    rows = needed[0] if len(needed) == 1 else f"max({', '.join(needed)})"
    lines = [_signature("work_rows", inputs), '    """Rows of workspace that one task needs."""']
    for over in ranges_of(program):
        if re.search(rf"\b{size_name(program, over)}\b", rows):
            source, axis = size_source(program, over)
            lines.append(f"    {size_name(program, over)} = {source}.shape[{axis}]")
    lines.append(f"    return {rows}")
    return "\n".join(lines) + "\n"


def _sum_of_rows(program: Program, phase: Phase) -> str:
    counts = Counter(rows for _, rows in temporary_rows(program, phase))
    single = counts.pop("1", 0)
    parts = [rows if times == 1 else f"{times} * {rows}" for rows, times in counts.items()]
    return " + ".join(parts + ([str(single)] if single else [])) or "0"


def _target(lemma: Lemma, kernel: Kernel, name: str, writer: type[BlockText], fields: tuple[str, ...]) -> str:
    blocks = []
    calls = []
    for number, phase in enumerate(kernel.phases, start=1):
        function = f"_{name}_block" if len(kernel.phases) == 1 else f"_{name}_block_{number}"
        text, arguments = _block_function(kernel, phase, function, name, writer, fields)
        blocks.append(text)
        calls.append((function, arguments))
    return "\n\n".join([*blocks, _driver(lemma, kernel, name, calls, fields)])


def _block_function(
    kernel: Kernel, phase: Phase, function: str, name: str, writer: type[BlockText], fields: tuple[str, ...]
) -> tuple[str, list[str]]:
    program = kernel.program
    text = writer(program, phase)
    body = text.body()
    body = [*text.prelude(), *body]
    rows, above = [], ""
    for temporary, count in temporary_rows(program, phase):
        rows.append(f"    {temporary}_row = {above or '0'}")
        above = f"{temporary}_row + {count}"
    rows = [row for row in rows if _mentions(body + rows, row.split()[0])]
    sizes = []
    if name == "grid" and _mentions(body + rows, NEIGHBOURS):
        sizes.append(f"    {NEIGHBOURS} = offsets.shape[0]")
    for over in ranges_of(program):
        size = size_name(program, over)
        if _mentions(body + rows, size) and not (over.name == NEIGHBOURS and name == "grid"):
            source, axis = size_source(program, over)
            sizes.append(f"    {size} = {source}.shape[{axis}]")
    if _mentions(body, "count"):
        sizes.append("    count = stop - start")
    lines = [*sizes, *rows, *body]
    wanted = [*fields, *_arguments(kernel), "work", "start", "stop", "block"]
    arguments = [argument for argument in wanted if _mentions(lines, argument)]
    head = f'@njit(cache=True, error_model="numpy", nogil=True)\n{_signature(function, arguments)}'
    return head + "\n" + "\n".join(lines) + "\n", arguments


def _mentions(lines: list[str], word: str) -> bool:
    return any(re.search(rf"(?<![\w.]){word}\b", line) for line in lines if not line.lstrip().startswith("#"))


def _signature(function: str, arguments: list[str]) -> str:
    one_line = f"def {function}({', '.join(arguments)}):"
    if len(one_line) <= 110:
        return one_line
    inner = "".join(f"    {argument},\n" for argument in arguments)
    return f"def {function}(\n{inner}):"


def _driver(
    lemma: Lemma, kernel: Kernel, name: str, calls: list[tuple[str, list[str]]], fields: tuple[str, ...]
) -> str:
    arguments, lead = [*_arguments(kernel), "work"], ""
    if name == SITES:
        source, axis = size_source(kernel.program, SITES)
        span, nodes = f"last = {source}.shape[{axis}]", "last"
    else:
        span, nodes, lead = "first, last = structure.first, structure.last", "last - first", "first + "
        arguments = ["structure", *arguments]
    lines = [
        '@njit(parallel=True, cache=True, error_model="numpy", nogil=True)',
        _signature(name, arguments),
        textwrap.indent(_docstring(lemma, kernel, name), "    "),
    ]
    lines += [f"    {span}", "    tasks = work.shape[0]", f"    blocks = ({nodes} + BLOCK - 1) // BLOCK"]
    early = name == "grid" and len(calls) > 1
    if early:
        lines += [
            "    # Later phases read at neighbours what earlier ones make, so these may be ahead of them.",
            "    early_first, early_last = structure.early_first, structure.early_last",
            "    early_blocks = (early_last - early_first + BLOCK - 1) // BLOCK",
        ]
    for number, (function, wanted) in enumerate(calls):
        when = "early_" if early and number < len(calls) - 1 else ""
        given = [_call_argument(argument, fields) for argument in wanted]
        call = f"{function}({', '.join(given)})"
        if len(call) > 98:
            call = f"{function}(\n" + "".join(f"                {item},\n" for item in given) + "            )"
        lines += [
            "    for task in prange(tasks):",
            f"        for block in range(task, {when}blocks, tasks):",
            f"            start = {when if lead else ''}{lead}block * BLOCK",
            f"            stop = min(start + BLOCK, {when}last)",
            f"            {call}",
        ]
    return "\n".join(lines) + "\n"


def _call_argument(argument: str, fields: tuple[str, ...]) -> str:
    if argument in fields:
        return f"structure.{argument}"
    return "work[task]" if argument == "work" else argument


def _shape(array: Array, name: str) -> str:
    axes = storage_axes(array)
    if name == "graph" and NEIGHBOURS in axes and NODES in axes:
        return "(edges,)"
    if not set(VISITED) & set(axes):
        is_output_sum = [*axes, "blocks"]
        return f"({', '.join(is_output_sum)}{',' if len(is_output_sum) == 1 else ''})"
    return f"({axes[0]},)" if axes == [SITES] else f"({', '.join(axes)})"


def _wrapped(text: str) -> list[str]:
    """Lines of at most 96 characters, none of which ends within the indices of an array."""
    whole = re.sub(r"\[[^\]]*\]", lambda found: found.group(0).replace(" ", "\0"), text)
    wrapped = textwrap.wrap(whole, 96, initial_indent="    ", subsequent_indent="    ", break_long_words=False)
    return [line.replace("\0", " ") for line in wrapped]


def bound_lines(program: Program) -> tuple[str, ...]:
    """The error bound: a line for each output, then what its names stand for."""
    stated = program.bound
    size = [bound_text(line, error=False) for line in stated.sizes]
    errors = [bound_text(line, error=True) for line in stated.errors]
    named = (*ranges_of(program), Range(NEIGHBOURS, "N"), Range(NODES, "I"))
    names = symbols_of(stated, tuple(dict.fromkeys(named)))
    return (*errors, *(f"where {text}" for text in size), ", ".join(names))


def _docstring(lemma: Lemma, kernel: Kernel, name: str) -> str:
    program = kernel.program
    where = {
        "grid": "On a grid; nodes are those of the padded, flattened image.",
        "graph": "On a general graph.",
        SITES: "Site by site; all arrays and the workspace have one type, float64 or float32 (there eps = 2^-23).",
    }[name]
    lines = [f'"""{_first_line(program.title)}', "", where, f"Source: {lemma.reference}.", "", "Inputs"]
    for item in program.inputs:
        if isinstance(item, sp.Symbol):
            lines.append(f"    {item.name} : float")
        else:
            axes = storage_axes(item)
            shape = _shape(item, name) if set(VISITED) & set(axes) else f"({', '.join(axes)})"
            lines.append(f"    {item.name} : {shape}")
    lines.append("Outputs")
    for array in program.outputs:
        note = ", scratch" if array in program.scratch else ""
        lines.append(f"    {array.name} : {_shape(array, name)}{note}")
    lines.append("Workspace")
    lines.append("    work : (tasks, max(1, work_rows(...)), BLOCK)")
    for title, items in (
        ("Requires", program.requires),
        ("Ensures", program.ensures),
        ("Error bound, to first order", bound_lines(program)),
    ):
        lines.append(title)
        for item in items:
            lines += _wrapped(item)
    return "\n".join([*lines, '"""'])
