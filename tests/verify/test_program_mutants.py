"""Faults in programs are rejected by the proofs; the few that are none have a reason."""

from dataclasses import replace

import pytest

from derivations.registry import lemma
from verify.program_mutants import MASK, STABILISER, program_mutants, try_mutants


def found(name):
    return {(m.step.array.name, m.kind, m.before, m.after) for p in lemma(name).programs for m in program_mutants(p)}


def test_operators_produce_what_they_say():
    changes = {(array, kind) for array, kind, _, _ in found("lemma_3_2_similarity")}
    assert {
        ("scores", "factor dropped"),
        ("scores", "indices swapped"),
        ("scores", "sum replaced by a term"),
        ("grown", "function dropped"),
        ("grown", "sign flipped"),
        ("similarity", "power inverted"),
        ("similarity", "array replaced"),
    } <= changes


def test_no_mutant_is_the_program_itself_and_no_two_are_equal():
    for program in lemma("lemma_3_2_similarity").programs:
        steps = [mutant.program.steps for mutant in program_mutants(program)]
        assert program.steps not in steps
        assert len({str(item) for item in steps}) > len(steps) / 2


@pytest.mark.parametrize(
    "name", ["lemma_3_2_similarity", "linearized_flow", "direction_loss", "riemannian_descent", "activation_tanh"]
)
def test_every_mutant_is_rejected_or_has_a_reason(name):
    tried = try_mutants(lemma(name))
    assert [item.fault for item in tried if item.fault] == []
    assert sum(item.rejected for item in tried) > 10
    assert {item.reason for item in tried} <= {"", STABILISER, MASK}


def test_a_program_that_is_wrong_already_is_told_of():
    # Mutants are compared with what the program must mean, not with the program.
    item = lemma("lemma_3_2_similarity")
    wrong = next(m for m in program_mutants(item.programs[0]) if m.kind == "function dropped").program
    back = [t for t in try_mutants(replace(item, programs=(wrong,))) if t.rejected]
    assert back
