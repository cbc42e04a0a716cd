"""Every lemma is proved twice, every wrong variant of it is rejected twice, and every lemma is registered."""

import importlib
import pkgutil
import re
from dataclasses import replace

import pytest

from derivations.algebra import Lemma, Wrong
from derivations.algebra.lemma import prove
from derivations.registry import FAMILIES, lemma, lemmas

LEMMAS = lemmas()
# Proofs are algebra on small expressions. A slow one is a proof that has got lost, and these times, far above
# what a slow machine needs, are how one notices.
SYMBOLIC_SECONDS, EXPLICIT_SECONDS = 5.0, 30.0


@pytest.mark.parametrize("item", LEMMAS, ids=lambda item: item.name)
def test_every_claim_is_proved_for_all_sizes_and_agrees_at_small_ones(item: Lemma):
    for verdict in item.prove():
        assert verdict.proved, f"{verdict.name}: left over: {verdict.leftover}"
        assert verdict.agrees, f"{verdict.name}: {verdict.witness}"
        assert verdict.seconds < SYMBOLIC_SECONDS
        assert verdict.explicit_seconds < EXPLICIT_SECONDS


@pytest.mark.parametrize(
    ("item", "variant"),
    [(item, variant) for item in LEMMAS for variant in item.wrong],
    ids=[f"{item.name}: {variant.claim}: {variant.why}" for item in LEMMAS for variant in item.wrong],
)
def test_every_wrong_variant_is_rejected_by_both_proofs(item: Lemma, variant: Wrong):
    claim = next(claim for claim in item.claims if claim.name == variant.claim)
    verdict = prove(replace(claim, claimed=variant.claimed), item.sizes)
    assert not verdict.proved
    assert not verdict.agrees


@pytest.mark.parametrize("item", LEMMAS, ids=lambda item: item.name)
def test_a_lemma_has_three_wrong_variants_and_says_where_it_stands_and_runs(item: Lemma):
    assert len(item.wrong) >= 3
    assert len({(variant.claim, variant.why) for variant in item.wrong}) == len(item.wrong)
    cites = {"assignment": "Eq", "metric": r"Eq|arXiv:\d{4}\.\d{5}|\b(19|20)\d\d\b"}  # or a standard text with its year
    assert re.search(cites[item.family], item.reference)
    assert "$" in item.statement
    assert item.statement.count("$") % 2 == 0
    assert item.title


@pytest.mark.parametrize("family", FAMILIES)
def test_every_module_that_defines_a_lemma_is_registered(family: str):
    package = importlib.import_module(f"derivations.{family}")
    modules = [
        importlib.import_module(f"{package.__name__}.{found.name}") for found in pkgutil.iter_modules(package.__path__)
    ]
    defined = {module.LEMMA.name for module in modules if hasattr(module, "LEMMA")}
    assert defined == {item.name for item in LEMMAS if item.family == family}


def test_every_statement_of_the_paper_has_its_lemma():
    text = " ".join(item.reference for item in LEMMAS)
    for wanted in [*(f"Lemma 3.{n}" for n in (1, 2, 3, 4, 5, 7)), "Proposition 3.6", "Theorem 3.8"]:
        assert wanted in text


def test_lemmas_come_in_the_order_of_the_paper():
    names = [item.name for item in LEMMAS]
    wanted = ["simplex_geometry", "similarity_map", "linearized_flow", "lemma_3_2_similarity", "lemma_3_4_linear_map"]
    assert [name for name in names if name in wanted] == wanted


def test_programs_have_names_of_their_own():
    names = [program.name for item in LEMMAS for program in item.programs]
    assert len(set(names)) == len(names)


def test_a_lemma_is_found_by_its_name_and_an_unknown_name_lists_what_there_is():
    assert lemma("euler").name == "euler"
    with pytest.raises(KeyError, match=r"there are .*euler"):
        lemma("no_such_lemma")
