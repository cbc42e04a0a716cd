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


REASONS: tuple[Reason, ...] = ()


def reason_to_survive(module: str, mutant: Mutant) -> Reason | None:
    """The first rule that knows the mutant."""
    change = f"{mutant.kind}: {mutant.before} -> {mutant.after} in {mutant.statement}"
    for reason in REASONS:
        matches = (re.fullmatch(reason.module, module), re.fullmatch(reason.function, mutant.function))
        if all(matches) and re.fullmatch(reason.change, change):
            return reason
    return None
