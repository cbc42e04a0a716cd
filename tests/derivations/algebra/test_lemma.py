"""Claims are proved twice; false ones are rejected twice; ill-formed lemmas and programs are refused."""

from dataclasses import replace

import pytest
import sympy as sp

from derivations.algebra import (
    Array,
    Lemma,
    Program,
    Wrong,
    adjoint_claim,
    bound,
    derivative_claim,
    differential_claim,
    gradient_claim,
    identity,
    largest,
    scalar,
    stabiliser,
    step,
    tensor,
    total,
)
from derivations.algebra.lemma import prove
from tests.derivations.algebra.expressions import columns, i, j, k, matrix, q, rows, share, table, vector

direction = Array("direction", rows)
dual = Array("dual", rows)
time = sp.Symbol("T")
square = tensor(i, vector[i] ** 2)
mapped = tensor(i, total(matrix[i, k] * vector[k], k))

CLAIMS = {
    "differential": (
        differential_claim("c", square, {vector: direction}, tensor(i, 2 * vector[i] * direction[i])),
        tensor(i, vector[i] * direction[i]),
    ),
    "adjoint": (
        adjoint_claim("c", mapped, vector, dual, tensor(i, total(matrix[k, i] * dual[k], k))),
        tensor(i, total(matrix[i, k] * dual[k], k)),
    ),
    "gradient": (
        gradient_claim("c", total(vector[i] ** 2, i), vector, tensor(i, 2 * vector[i])),
        tensor(i, 2 * total(vector[k], k)),
    ),
    "derivative": (
        derivative_claim("c", scalar(sp.exp(time**2)), time, scalar(2 * time * sp.exp(time**2))),
        scalar(2 * sp.exp(time**2)),
    ),
    "identity": (
        identity("c", tensor(i, total(share[i, q], q)), tensor(i, 1)),
        tensor(i, 2),
    ),
}


@pytest.mark.parametrize("kind", CLAIMS)
def test_a_true_claim_holds_and_a_false_one_is_rejected_by_both_proofs(kind):
    claim, wrong = CLAIMS[kind]
    verdict = prove(claim)
    assert verdict.holds, verdict
    refuted = prove(replace(claim, claimed=wrong))
    assert refuted.rejected, refuted
    assert refuted.leftover
    assert refuted.witness


def test_a_claim_that_holds_for_square_sizes_only_is_rejected():
    both = identity("c", scalar(total(1, i)), scalar(total(1, j)))
    assert prove(both).rejected


def test_the_second_proof_does_not_trust_the_derived_expression():
    claim = differential_claim("c", square, {vector: direction}, tensor(i, 2 * vector[i] * direction[i]))
    forged = replace(claim, derived=tensor(i, direction[i]), claimed=tensor(i, direction[i]))
    verdict = prove(forged)
    assert verdict.proved
    assert not verdict.agrees


def a_lemma(**changes):
    claim = CLAIMS["identity"][0]
    fields = {"name": "a", "title": "t", "reference": "Eq. (1.1)", "statement": "s", "claims": (claim,), "wrong": ()}
    return Lemma(**(fields | changes))


def test_two_claims_of_one_name_are_refused():
    claim = CLAIMS["identity"][0]
    with pytest.raises(ValueError, match="share a name"):
        a_lemma(claims=(claim, claim))


def test_a_wrong_variant_of_no_claim_is_refused():
    with pytest.raises(ValueError, match="names no claim"):
        a_lemma(wrong=(Wrong("another", "why", scalar(1)),))


# --- programs ---------------------------------------------------------------------------------------------------

shift, norm = Array("shift", rows), Array("norm", rows)
grown, image = Array("grown", rows, columns), Array("image", rows, columns)
softmax = tensor((i, j), sp.exp(table[i, j]) / total(sp.exp(table[i, q]), q))
STEPS = (
    stabiliser(shift[i], largest(table[i, j], j)),
    step(grown[i, j], sp.exp(table[i, j] - shift[i])),
    step(norm[i], total(grown[i, j], j)),
    step(image[i, j], grown[i, j] / norm[i]),
)


def a_program(steps=STEPS, outputs=(image,), means=None):
    return Program(
        name="p",
        title="t",
        inputs=(table,),
        steps=steps,
        outputs=outputs,
        means={image: softmax} if means is None else means,
        requires=(),
        ensures=(),
        bound=bound(*((item[i, j], 0) for item in outputs)),
    )


def program_verdict(program):
    return a_lemma(programs=(program,)).prove()[-1]


def test_a_stable_program_is_proved_whatever_its_shift():
    assert program_verdict(a_program()).holds


def test_a_program_whose_result_depends_on_its_shift_is_rejected():
    broken = (*STEPS[:2], step(norm[i], total(sp.exp(table[i, j]), j)), STEPS[3])
    assert program_verdict(a_program(broken)).rejected


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": STEPS[1:]}, "reads shift before it is computed"),
        ({"steps": (*STEPS, STEPS[3])}, "defined twice"),
        ({"steps": (*STEPS[:2], step(norm[i], total(grown[k, j], j)), STEPS[3])}, "leaves the index k open"),
        ({"steps": (step(shift[i], largest(table[i, j], j)), *STEPS[1:])}, "must be a stabiliser"),
        ({"steps": STEPS[:3]}, "no step computes image"),
        ({"means": {}}, "nothing is claimed of the output image"),
    ],
)
def test_an_ill_formed_program_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        a_program(**changes)


def test_a_step_that_repeats_an_index_on_its_left_is_refused():
    diagonal = Array("diagonal", rows, rows)
    with pytest.raises(ValueError, match="repeats an index"):
        a_program((step(diagonal[i, i], vector[i] * 0), *STEPS))
