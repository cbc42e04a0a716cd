"""Mutants of the hand-written runtime that survive, with the reason: equivalent ones, and accepted ones.

An *equivalent* mutant gives the same results. An *accepted* one differs in something that is no result: memory,
speed, or what a type says. Rules name module, function and change by regular expressions, as those of the kernels do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from verify.mutation import Mutant


@dataclass(frozen=True)
class Reason:
    """Mutants whose module, function and change match survive, and why they may."""

    module: str
    function: str
    change: str
    why: str
    accepted: bool = False


ANY = r".*"
SQUARE = "the matrix is square"
UNKNOWN = "NumPy takes any negative size for the one to be found out"
EVEN = "the difference is squared, or its absolute value taken"
NEVER_EQUAL = "two floating-point numbers computed apart are equal on no input that matters"
OVERWRITTEN = "every entry is written before it is read"
EQUAL_LENGTHS = "the lengths have been found equal: strictness is an assertion"
NO_FLOW = "without a flow there is no covector either: both spaces are empty, and so are the arrays"
CUT = "only the first rows or columns are kept, as many as there are singular values"
LEFT_OVER = "what several at a time leave over is taken one by one"
ZERO_HALO = "all nodes are written, and in the halo the field that was there is zero up to rounding"
WIDER = "rows beyond those that are needed only cost time: a band keeps its own"
FARTHER = "whoever is farther behind than needed is only slower"
ONE_LESS = r"range: range\((.+), (.+), (2|3|AT_ONCE|NINE|[24] \* width)\) -> range\(\1, \(?\2\)? - 1, \3\) in .*"
STEPS = "a range of whole steps, longer than one: the last begins before the end"
EMPTY = "a loop over nothing does nothing"
TILES = "what is not taken four vectors at once is taken one by one, with the same sums"
ONE_TYPE = "both have one type"
SPARE = "more blocks than there are: they are empty"
ZIPPED = "the loop ends with the block, however far the rows go on"
WIDTH = "int64 is NumPy's integer here; elsewhere the kernels would be compiled for another type"
REFUSED = "what is refused here is refused by the next check, with the same class of error and the same shapes"
SPEED = "what is fetched ahead of time, and when, is a matter of speed"
TYPES = "an assertion for readers and type checkers: it always holds"

REASONS: tuple[Reason, ...] = (
    Reason(ANY, ANY, r"constant: 1 -> 2 in .*reshape\(.*-1[,)].*", UNKNOWN),
    Reason(ANY, ANY, r"(keyword dropped: zip\(.*|constant: True -> False in .*strict=True.*)", EQUAL_LENGTHS),
    Reason(ANY, ANY, r"keyword dropped: .*, dtype=np\.int64\) -> .*", WIDTH, accepted=True),
    Reason("krylov", "dimension", r"constant: 0 -> 1 in .*shape\[0\]\)", SQUARE),
    Reason(
        "krylov",
        "krylov_space",
        r"(branch|boundary): .* in found = .* if limit < storage\.shape\[1\] else None",
        "more powers than there are dimensions are dependent, as their Gram matrix tells",
    ),
    Reason("krylov", "krylov_space", r"constant: 0 -> 1 in (first|products) = .*known\.shape\[0\].*", SQUARE),
    Reason("krylov", "_independent", r"keyword dropped: lapack\.dpotrf\(.*", "LAPACK's defaults are written out"),
    Reason("krylov", "_independent", r"boundary: .* < least -> .*", NEVER_EQUAL),
    Reason(
        "krylov",
        "arnoldi",
        r"(slice bound dropped: :limit \+ 1 -> :|constant: 1 -> 2) in return KrylovSpace\(storage\[:limit \+ 1\], .*",
        "the storage has no more rows: where the space has fewer dimensions, the loop has found it invariant",
    ),
    Reason(
        "krylov",
        "arnoldi",
        r"(condition dropped: .* -> norm <= rounding \* scale|name: size -> applied_norm) in if norm .*",
        "of a vector in the span of a whole basis only rounding is left",
    ),
    Reason("krylov", "_nothing", r"method: np\.zeros.*", "there is nothing in an empty array"),
    Reason(
        "krylov",
        "_orthonormalize",
        r"(operator|operand dropped): coefficients \+ correction -> coefficients.*",
        "the correction is of the size of rounding, and its sign the second pass's own business",
        accepted=True,
    ),
    Reason(
        "linalg", "<module>", r".* in (BLOCK|MIXED) = .*", "lengths of blocks are speed; sums differ by rounding", True
    ),
    Reason("linalg", "whole_gram", r"constant: 0 -> 1 in result\[:known\.shape\[0\].*", SQUARE),
    Reason("linalg", "_blocks", r"(operator|operand dropped): -length // BLOCK -> -length .*", SPARE, accepted=True),
    Reason(
        "linalg", "lower_products", r"(operator|operand dropped): end - begin -> end( \+ begin)? in .*", SPARE, True
    ),
    Reason("linalg", "_subtract_rows", r"operand dropped: \(length.*BLOCK -> length \+ BLOCK - 1 .*", SPARE, True),
    Reason("linalg", "_subtract_rows", r".*: length \+ BLOCK - 1 -> length \+ BLOCK( \+ 1)? in .*", SPARE, True),
    Reason("linalg", "_mix_fields", r".*: end - begin \+ MIXED - 1 -> end - begin \+ MIXED in .*", SPARE, True),
    Reason("linalg", "_mix_fields", r"name: fields -> out in channels, .*", "both have the same channels"),
    Reason("linalg", "_mix_block", r"name: mixed -> coefficients in .*(several|single)\(mixed\).*", ONE_TYPE),
    Reason(
        "linalg",
        "mix_fields",
        r"keyword dropped: np\.ascontiguousarray\(coefficients, dtype=fields\.dtype\) -> .*",
        "coefficients are rounded when they are spread over a vector: one more version would be compiled",
        accepted=True,
    ),
    Reason(
        "linalg",
        "_mix_two",
        r"(operand dropped: first \+ .* -> (first|\(last - first\) .*)|name: first -> last|constant: 4 -> 5|"
        r"operand dropped: 4 \* width -> (4|width)) in tiled = .*",
        TILES,
    ),
    Reason("linalg", "_products_into|_mix_(block|two)", ONE_LESS, STEPS),
    Reason("linalg", "mix_(rows|fields)", r"name: (rows|fields) -> out in .*", "both have one type and one length"),
    Reason("linalg", "gram", r"(branch|constant): .* in first = .*", "what is known is put in its place in the end"),
    Reason("linalg", "_three_products", r"name: vector -> (first|second|third) in .*", "all are of the same length"),
    Reason(
        "linalg",
        "_products_into",
        r"(operand dropped: count // 3 \* 3 -> count // 3|constant: 3 -> 4) in whole = .*",
        LEFT_OVER,
    ),
    Reason("linalg", "_mix_block", r"operand dropped: length // .* -> length // .* in whole = .*", LEFT_OVER),
    Reason("linalg", ANY, r"slice bound dropped: start:.* -> start: in .*", ZIPPED),
    Reason("linalg", "_product", r"name: left -> right in .*", "both are of the same length"),
    Reason("neighbour_sums", "<module>", r".* in (FAR|AHEAD) = .*", SPEED, True),
    Reason("neighbour_sums", "_is_far|_fetch_next", r".*", SPEED, True),
    Reason("neighbour_sums", ANY, r".* in (_fetch_next\(.*|if far:.*|near = node if sign > 0 .*)", SPEED, True),
    Reason("neighbour_sums", ANY, r".* in for neighbour in range\(.*\):\n    near = node if .*", SPEED, True),
    Reason("neighbour_sums", "gather|add_products|_(sums|products)(_of_rows)?", ONE_LESS, STEPS),
    Reason(
        "neighbour_sums",
        "gather|add_products|_(sums|products)",
        r"name: out -> field in .*(out\.shape\[0\]|(several|single)\(out\)).*",
        "both have one type and, where that counts, the same channels",
    ),
    Reason("neighbour_sums", "gather", r"name: field -> weights in .*field\.shape\[1\].*", "both have all nodes"),
    Reason(
        "neighbour_sums",
        "_products_of_(rows|nine|one)",
        r"name: field -> factors in for channel in range\(field\.shape\[0\]\):",
        "both have the same channels",
    ),
    Reason(
        "neighbour_sums",
        "gather|add_products",
        r"(always taken|boundary): .* in if (first < last|pairs < out\.shape\[0\]|begin < end):",
        EMPTY,
    ),
    Reason("neighbour_sums", "_range_of_rows", r"boundary: room > first -> room >= first in .*", EMPTY),
    Reason(
        "neighbour_sums",
        "_(sums|products)",
        r"(operand dropped: first \+ .* -> first|name: first -> last) in whole = .*",
        "what is not taken by vectors is taken one by one, with the same sums",
    ),
    Reason(
        "neighbour_sums",
        "_row",
        r"name: first -> (second|i) in (i, j|k, m) = .*load\(first, .*",
        "a vector that says how many are to be loaded: all are of one type",
    ),
    Reason("neighbour_sums", "_sums_of_(four|one)", r"boundary: sign > 0 -> .*", "the sign is never zero"),
    Reason("strips", "<module>", r".* in STRIP, LARGE = .*", "where strips pay is a matter of speed", accepted=True),
    Reason(
        "strips", "powers_in_strips", r".* in pieces, stages = .*", "how long strips are is a matter of speed", True
    ),
    Reason("strips", "_wavefront", r"(constant|operator|operand dropped): .* in lag = .*", FARTHER, accepted=True),
    Reason(
        "bands",
        "around",
        r"(operator|operand dropped): here\.first - self\.graph\.structure\.first -> here\.first( \+ .*)? in back = .*",
        "the first node of a grid begins a line of the cache: whole lines more or less do not count",
    ),
    Reason("graph", "sums", r"method: np\.zeros.*", OVERWRITTEN),
    Reason("graph", "_whole_numbers", r"keyword dropped: .*order='C'.*", "a copy of one axis is contiguous"),
    Reason("graph", "pack_weights", r"keyword dropped: .*order='C'.*", "a copy of one axis is contiguous"),
    Reason("graph", "_check_simplex", r"boundary: .*SIMPLEX_TOLERANCE.*", NEVER_EQUAL),
    Reason("graph", "_check_simplex", r"operands swapped: .*", EVEN),
    Reason(
        "assignment.flow",
        "source_vanishes",
        r".* in _, square = row_products\(start\[None\]\[:0\], start\)",
        "the products with rows are not used",
        accepted=True,
    ),
    Reason("assignment.flow", "source_vanishes", r"boundary: .*", NEVER_EQUAL),
    Reason("assignment.objective", "direction_loss", r"condition dropped: field\.ndim < 2 or field\.shape.*", REFUSED),
    Reason(
        "assignment.objective",
        "direction_loss",
        r"constant: 0 -> 1 in graph = GridGraph\(labels\.shape, 0\)",
        "a wider halo of zeros adds nothing to sums",
        accepted=True,
    ),
    Reason(
        "assignment.banded", "<module>", r".* in BAND, LARGE = .*", "how large bands are is a matter of speed", True
    ),
    Reason(
        "assignment.banded",
        "banded_flow_gradient|_assemble",
        r"constant: 0 -> 1 in .*pieces\[0\]\.graph.*",
        "all bands have as many rows: their grids are equal",
    ),
    Reason("assignment.banded", "_in_bands", r"boundary: .* in if forward is None or .*", NEVER_EQUAL),
    Reason(
        "assignment.banded",
        "_space",
        r"constant: 0 -> 1 in gone = room\.powers\[:, 0, :0\]",
        "of no cells of any channel there are as many",
    ),
    Reason("assignment.banded", "_space", r"name: gone -> total in return .*", "a row for each power in both"),
    Reason("assignment.banded", "_assemble", r"constant: 0 -> 1 in .*band\.around\(0\)\)", WIDER, accepted=True),
    Reason(
        "assignment.banded",
        "_(forward|adjoint)_powers",
        r"(operator|operand dropped): last( - 1)? - power -> last( - 1)?( \+ power)? in .*",
        WIDER,
        accepted=True,
    ),
    Reason(
        "assignment.banded", "_adjoint_powers", r"(operator|operand dropped): last - 1 -> last.* in .*", WIDER, True
    ),
    Reason(
        "assignment.banded",
        "_adjoint_powers",
        r"name: scratch -> target in outputs = .*",
        "V* is not needed once g is made of it, and has the same shape",
    ),
    Reason("assignment.banded", "_cut_target", r"step dropped: out\[\.\.\.\] = 0\.0 -> .*", ZERO_HALO, True),
    Reason("assignment.low_rank", "truncated_core", r"name: core -> covector in if not core\.size:", NO_FLOW),
    Reason("assignment.low_rank", "truncated_core", r".* in empty = .*", NO_FLOW),
    Reason("assignment.low_rank", "truncated_core", r".*(np\.linalg\.svd|constant: False -> True).*", CUT),
    Reason("assignment.low_rank", "truncated_core", r"name: values -> vectors in kept = .*", CUT),
    Reason(
        "assignment.low_rank",
        "truncated_core",
        r"(branch|boundary|constant): .* in return Core.*",
        "the core of two spaces that are not empty is not zero",
    ),
    Reason(
        "assignment.low_rank",
        "_spaces",
        r"branch: .* -> forward\.vectors\[:1\]\.copy\(\) in saved = .*",
        "the first power may be kept instead of computed again: that takes memory",
        accepted=True,
    ),
    Reason("assignment.low_rank", "_spaces", r"step dropped: target\[\.\.\.\] = 0\.0 -> .*", ZERO_HALO, True),
    Reason(
        "assignment.low_rank",
        "_adjoint_space",
        r"keyword dropped: .*, fill=fill\) -> .*",
        "strips are a matter of speed: without them powers are made one after another",
        accepted=True,
    ),
    Reason("assignment.gradient", "_rank", r"constant: 1 -> 2 in .*", CUT),
    Reason("assignment.reference", "krylov_flow_gradient", r"method: np\.zeros.*", OVERWRITTEN),
    Reason("assignment.reference", "_kronecker_sum|_start", r"constant: 0 -> 1 in size = .*shape\[0\]", SQUARE),
    Reason(
        "assignment.reference",
        "_start",
        r"name: time -> linear in .*",
        "for a message that never comes: the transposed exponential has been found finite",
    ),
    Reason("optimizers", "descend", r"condition.*self\.first is None or.*", "both are set together"),
    Reason("assignment.learning", "learn_weights", r".* in assert best is not None", TYPES),
    Reason(
        "assignment.learning",
        "learn_weights",
        r"(constant: 1 -> 2 in for step in range\(len\(history\), count \+ 1\):|(branch|boundary): .* in moved = .*)",
        "after the last step the direction is not used, and without a direction the loop ends",
    ),
    Reason("assignment.predictor", "pull_back", r"method: np\.zeros.*", OVERWRITTEN),
    Reason(
        "assignment.predictor",
        "initial_predictor",
        r"boundary: patches\.shape\[0\] > CLUSTERED_PATCHES .*",
        "all patches are drawn, in another order",
        accepted=True,
    ),
    Reason(
        "assignment.predictor",
        "initial_predictor",
        r"(method|operands swapped): .* in owner = .*",
        "every patch is one of the centres: the nearest is itself, by any measure",
    ),
    Reason(
        "assignment.predictor",
        "initial_predictor",
        r"method: np\.zeros.* in means = .*",
        "centring removes what is added to all neighbours",
    ),
    Reason("assignment.distances", "distances_to_(colors|patches)", r"operands swapped: .*", EVEN),
    Reason("assignment.training", "_turned", r"boundary: rng\.random\(\) < 0\.5 .*", NEVER_EQUAL),
    Reason("assignment.training", "_examples", r"name: images -> truths in if not len\(images\) or .*", EQUAL_LENGTHS),
)


def reason_to_survive(module: str, mutant: Mutant) -> Reason | None:
    """The first rule that knows the mutant."""
    change = f"{mutant.kind}: {mutant.before} -> {mutant.after} in {mutant.statement}"
    for reason in REASONS:
        matches = (re.fullmatch(reason.module, module), re.fullmatch(reason.function, mutant.function))
        if all(matches) and re.fullmatch(reason.change, change, re.DOTALL):
            return reason
    return None
