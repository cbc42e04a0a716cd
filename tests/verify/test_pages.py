"""Lemma pages: formulas read as they are meant, and a page hides nothing that failed."""

from dataclasses import replace

import pytest
import sympy as sp

from derivations.algebra.language import Array, tensor, total
from derivations.algebra.typeset import abbreviate, distinct, name_bound_indices, typeset
from derivations.assignment.notation import (
    covector,
    i,
    j,
    k,
    l,
    labels,
    log_likelihood,
    n,
    nodes,
    similarity,
    similarity_of_weights,
    weights,
)
from derivations.registry import lemma, lemmas
from verify.pages import Outcome, lemma_page, prove_lemma

field = Array("field", nodes, labels, latex="X")


@pytest.mark.parametrize(
    ("expr", "latex"),
    [
        (total(field[i, j], j) * covector[i, l], r"{Z}_{i l}\,\sum_{j} \, {X}_{i j}"),
        (total(field[i, j], j) * total(field[k, l], l), r"\left(\sum_{j} \, {X}_{i j}\right)\,\sum_{l} \, {X}_{k l}"),
        (total(field[i, j], j) ** 2, r"\left(\sum_{j} \, {X}_{i j}\right)^{2}"),
        (total(field[i, j] + covector[i, j], j), r"\sum_{j} \, \left({Z}_{i j} + {X}_{i j}\right)"),
        (total(-field[i, j] * covector[i, j], j), r"\sum_{j} \, \left(- {Z}_{i j}\,{X}_{i j}\right)"),
        (total(field[i, j], i, j), r"\sum_{j, i} \, {X}_{i j}"),
        (field[i, j] - covector[i, j], r"{X}_{i j} - {Z}_{i j}"),
        (sp.exp(-total(field[i, j], j)), r"\exp\left(- \sum_{j} \, {X}_{i j}\right)"),
        (sp.Rational(1, 10**24) + field[i, j], r"{X}_{i j} + 10^{-24}"),
    ],
)
def test_a_formula_is_set_without_ambiguity(expr, latex):
    assert typeset(expr).replace(" ", "") == latex.replace(" ", "")


def test_a_bound_index_never_bears_the_name_of_one_in_scope():
    inner = total(field[i, j], j)
    nested = total(field[k, j] * inner, j)  # two sums over j, one inside the other
    shown = name_bound_indices(nested)
    assert shown.bound.name != shown.summand.atoms(type(nested)).pop().bound.name


def test_indices_of_one_name_are_told_apart():
    fresh = i.fresh()
    assert len({index.name for index in distinct((i, fresh, j, j.fresh()))}) == 4
    assert typeset(weights[i, fresh]) != typeset(weights[i, i])


def test_a_known_part_is_named_whatever_its_indices_are_called():
    known = [(similarity, similarity_of_weights())]
    other = similarity_of_weights()[n, l]
    assert abbreviate(covector[n, l] * other**2, known) == covector[n, l] * similarity[n, l] ** 2
    assert abbreviate(other + 1, known) == similarity[n, l] + 1


def test_a_part_that_only_looks_alike_keeps_its_formula():
    known = [(similarity, similarity_of_weights())]
    twice = tensor((i, j), total(2 * weights[i, k] * log_likelihood[k, j], k))
    softmax = sp.exp(twice[i, j]) / total(sp.exp(twice[i, l]), l)
    assert not abbreviate(softmax, known).has(similarity)


@pytest.mark.parametrize("item", lemmas(), ids=lambda item: item.name)
def test_a_page_has_every_claim_variant_and_program_of_its_lemma(item):
    page = lemma_page(Outcome(item, [_fake(claim.name) for claim in item.all_claims()], []))
    assert page.startswith(f"# {item.title}\n")
    for claim in item.claims:
        assert claim.name[1:] in page
    for program in item.programs:
        assert f"`laflow/kernels/{program.name}.py`" in page
    assert item.limits in page
    assert item.reference in page
    assert page.count("$$") % 2 == 0
    assert page.count("{") == page.count("}")


def test_a_page_says_what_holds_and_what_was_rejected():
    outcome = prove_lemma(lemma("lemma_3_2_similarity"))
    page = lemma_page(outcome)
    assert outcome.holds
    assert "3 of 3 proved, 4 of 4 wrong variants rejected" in page
    assert "NOT" not in page
    assert "PASSED" not in page


def test_a_page_shows_a_failed_proof_and_a_variant_that_passed():
    item = lemma("lemma_3_2_similarity")
    outcome = prove_lemma(item)
    failed = [replace(outcome.verdicts[0], proved=False, leftover="S[i,j]"), *outcome.verdicts[1:]]
    (variant, verdict), *others = outcome.rejections
    passed = [(variant, replace(verdict, proved=True, agrees=True)), *others]
    broken = Outcome(item, failed, passed)
    assert not broken.holds
    assert "NOT PROVED: `S[i,j]` is left over" in lemma_page(broken)
    assert "PASSED" in lemma_page(broken)
    assert "2 of 3 proved, 3 of 4 wrong variants rejected" in lemma_page(broken)


def _fake(name):
    from derivations.algebra.lemma import Verdict

    return Verdict(name, True, True, "", "", "I=2", 0.0, 0.0)
