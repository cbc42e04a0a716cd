"""Every lemma of the project, discovered: a module that defines ``LEMMA`` is registered by being there."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import re
from functools import lru_cache

from derivations.algebra.lemma import Lemma

FAMILIES = ("assignment", "metric")


@lru_cache(maxsize=1)
def lemmas() -> tuple[Lemma, ...]:
    """All lemmas, family by family, in the order of the first equation that each refers to.

    Raises ``ValueError`` if two lemmas share a name, or if a lemma does not bear the name of its module.
    """
    found: dict[str, Lemma] = {}
    for family in FAMILIES:
        for module in _modules(family):
            lemma = getattr(importlib.import_module(module), "LEMMA", None)
            if lemma is None:
                continue
            own_name = module.rpartition(".")[2]
            if lemma.name != own_name:
                raise ValueError(f"{module} defines the lemma {lemma.name}: name it {own_name}")
            if lemma.name in found:
                raise ValueError(f"two lemmas are called {lemma.name}: rename one of them")
            found[lemma.name] = lemma
    return tuple(sorted(found.values(), key=_paper_order))


def lemma(name: str) -> Lemma:
    """The lemma of that name; raises ``KeyError`` with the names there are."""
    by_name = {item.name: item for item in lemmas()}
    if name not in by_name:
        raise KeyError(f"no lemma is called {name}; there are {', '.join(by_name)}")
    return by_name[name]


def _modules(family: str) -> list[str]:
    name = f"derivations.{family}"
    if importlib.util.find_spec(name) is None:  # a family of which nothing is written yet
        return []
    package = importlib.import_module(name)
    return sorted(f"{name}.{module.name}" for module in pkgutil.iter_modules(package.__path__))


def _paper_order(lemma: Lemma) -> tuple[int, tuple[int, ...], str]:
    equation = re.search(r"\((\d+)\.(\d+)", lemma.reference)
    place = tuple(int(number) for number in equation.groups()) if equation else (10**6,)
    return FAMILIES.index(lemma.family), place, lemma.name
