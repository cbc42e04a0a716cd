"""Mutants of generated kernels that compute the same as the original, each with the reason.

A rule names kernel, function and change by regular expressions; a mutant that no trial can tell from its kernel must
match one. Rules are about mathematics or about layout, never about single lines, so that they survive regeneration.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from verify.mutation import Mutant


@dataclass(frozen=True)
class Rule:
    """Mutants whose kernel, function and change match, and why they are equivalent."""

    kernel: str
    function: str
    change: str
    reason: str


ANY = r".*"
BLOCKS, DRIVERS = r"_(grid|graph|sites)_block.*", "(grid|graph|sites)"
SAME_SIZE = "the other array has the same length along this axis"
SHARED_ROW = "the two workspace rows are never alive at once, or are the same row"
WHOLE_RUNS = "the last run begins a whole run earlier"
ROW_END = "of a row only as many entries are read as the block has nodes, however far the row goes on"
SPARE = "more workspace than needed, or more blocks or tasks than needed, which find no nodes"
ONE_TYPE = "all arrays of a kernel over sites have one type"
NO_HALO = "first is 0 on a general graph"
ALL_INSIDE = "on a general graph every listed neighbour is inside"

RULES = (
    Rule(ANY, "work_rows", r"constant: \d+ -> \d+", SPARE),
    Rule(ANY, "work_rows", r"name: \w+ -> \w+", SAME_SIZE),
    Rule(ANY, BLOCKS, r"name: \w+ -> \w+ in \w+ = \w+\.shape\[\d\]", SAME_SIZE),
    Rule(ANY, BLOCKS, r".* in \w+_row = .*", SHARED_ROW),
    Rule(
        ANY, r"_(grid|graph|sites)_block.*", r"operand dropped: (\w+_row) \+ .* -> .*", "the first workspace row is 0"
    ),
    Rule(ANY, "_(grid|sites)_block.*", r"name: (out_p -> \w+_p|\w+_p -> out_p) in .*", SHARED_ROW),
    Rule(ANY, "_grid_block.*", r"name: inside_p -> (norm_p|lift_grown_p) in .*", "what the mask hides is 0 already"),
    Rule(ANY, "_grid_block.*", r"range: range\(0, (\w+ // \d \* \d), \d\) -> range\(0, \1 - 1, \d\)", WHOLE_RUNS),
    Rule(ANY, "_grid_block.*", r"name: near\d* -> near\d+ in \w+ = .*:near\d* \+ count\]", ROW_END),
    Rule(ANY, DRIVERS, r".* in (early_)?blocks = .*", SPARE),
    Rule(ANY, DRIVERS, r"constant: 0 -> 1 in tasks = .*", SPARE),
    Rule(ANY, "sites", r"name: blocks -> last in .*", SPARE),
    Rule(ANY, "sites", r"name: \w+ -> \w+ in last = \w+\.shape\[\d\]", SAME_SIZE),
    Rule(ANY, "sites", r"name: work -> \w+ in tasks = .*", SPARE),
    Rule(ANY, "_sites_block", r"name: \w+ -> \w+ in number_\w+ = .*", ONE_TYPE),
    Rule(ANY, "graph", r"operand dropped: first \+ block \* BLOCK -> block \* BLOCK .*", NO_HALO),
    Rule(ANY, "graph", r"operator: first \+ block \* BLOCK -> first - block \* BLOCK .*", "negative nodes wrap around"),
    Rule(
        ANY, "(grid|graph|sites)", r"name: start -> stop in stop = .*", "blocks are computed again with the same result"
    ),
    Rule(ANY, DRIVERS, r"name: similarity -> \w+", "passed for its size only"),
    Rule(ANY, "_graph_block.*", r".*(this_inside|inside\[edge\]).*", ALL_INSIDE),
    Rule(ANY, "_graph_block.*", r".* in \w+\[edge\] = 0\.0", ALL_INSIDE),
    Rule("similarity", "_g.*", r"constant: 0\.0 -> 1\.0 in .*", "a softmax ignores what is added to all scores"),
    Rule("predicted_weights", "_g.*", r"constant: 0\.0 -> 1\.0 in .*", "a softmax ignores what is added to all scores"),
    Rule("low_rank_gradient", "_g.*", r"constant: 0\.0 -> 1\.0 in .*", "R_S annihilates what is added to all labels"),
    Rule(
        ANY, "_graph.*", r"assigned, not accumulated: sum_ \+= this_adjoint_integral.*", "the first term is added to 0"
    ),
    Rule(
        "predictor_adjoint", "_g.*", r"constant: 0\.0 -> 1\.0 in .*", "R_s annihilates what is added to all responses"
    ),
    Rule("(exponential_step|predicted_weights)", "_grid.*", r"step dropped: out_p\[p\] = 0\.0.*", "it is 0 already"),
    Rule("regularizer", "_g.*", r".*log\(.*", "a constant beside the centred factor sums to 0: Σ (x - mean) = 0"),
)


def reason_of_equivalence(kernel: str, mutant: Mutant) -> str:
    """Why the mutant cannot be told from the kernel; empty if no rule knows."""
    change = f"{mutant.kind}: {mutant.before} -> {mutant.after} in {mutant.statement}"
    for rule in RULES:
        matches = (re.fullmatch(rule.kernel, kernel), re.fullmatch(rule.function, mutant.function))
        if all(matches) and (re.fullmatch(rule.change, change) or re.match(rule.change + r"( in |$)", change)):
            return rule.reason
    return ""
