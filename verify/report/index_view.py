"""What stands on the first page: the verdict, the table, the totals, what is absent, and how to check it all anew."""

import importlib
import pkgutil
import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import verify.oracles
from verify.audit import OBLIGATIONS, Audited, totals
from verify.obligations.outcome import Effort, Status
from verify.report.lemma_view import kill_matrix
from verify.report.meanings import MEANINGS

PACKAGES = ("sympy", "numpy", "scipy", "numba", "python-flint", "jax")
SLOWEST = 5  # proofs that are listed


@dataclass(frozen=True)
class Oracle:
    """An oracle and the smallest relative fault that its own tests show it to see."""

    name: str
    what: str
    limit: float


def index_view(results: Sequence[Audited], effort: Effort, seconds: float) -> dict[str, Any]:
    """All of it."""
    return {
        "results": results,
        "obligations": OBLIGATIONS,
        "meanings": MEANINGS,
        "effort": effort.value,
        "seconds": seconds,
        "totals": totals(results),
        "holds": all(result.holds for result in results),
        "faults": [
            (result.lemma, name, fault)
            for result in results
            for name, outcome in result.outcomes.items()
            for fault in outcome.faults
        ],
        "summaries": [_summary(results, obligation.name) for obligation in OBLIGATIONS],
        "absent": absences(results),
        "limits": [result.lemma for result in results if result.lemma.limits],
        "matrix": kill_matrix([result.outcomes["O7"] for result in results]),
        "equivalent": _equivalent(results),
        "slowest": _slowest(results),
        "oracles": oracles(),
        "versions": [("Python", platform.python_version()), *_versions()],
        "machine": f"{platform.system()} {platform.machine()}",
    }


def worst_ratio(result: Audited) -> float | None:
    """The largest error over bound of the lemma's kernels; None where nothing was measured."""
    worst = result.outcomes["O5"].detail.get("worst", {})
    return max(worst.values()) if worst else None


def worst_on(result: Audited) -> str:
    """The output and the input on which that was."""
    detail = result.outcomes["O5"].detail
    worst = detail.get("worst", {})
    if not worst:
        return "no kernel"
    name = max(worst, key=worst.__getitem__)
    return f"{name} on {detail.get('worst_on', {}).get(name, 'an input that was not noted')}"


def absences(results: Sequence[Audited]) -> list[tuple[str, str, list[Audited]]]:
    """Obligation, reason, and the lemmas that lack it for this reason."""
    found: dict[tuple[str, str], list[Audited]] = {}
    for obligation in OBLIGATIONS:
        for result in results:
            outcome = result.outcomes[obligation.name]
            if outcome.status is Status.ABSENT:
                found.setdefault((obligation.name, outcome.figure.partition(":")[0]), []).append(result)
    return [(name, reason, lemmas) for (name, reason), lemmas in found.items()]


def oracles() -> list[Oracle]:
    """Oracles that publish a detection limit."""
    found = []
    for module in pkgutil.iter_modules(verify.oracles.__path__):
        oracle = importlib.import_module(f"verify.oracles.{module.name}")
        limit = getattr(oracle, "DETECTION_LIMIT", None)
        if limit is not None:
            what = (oracle.__doc__ or "").strip().split("\n\n")[0].replace("\n", " ")
            found.append(Oracle(module.name.replace("_", " "), what, limit))
    return sorted(found, key=lambda oracle: oracle.limit)


def _summary(results: Sequence[Audited], name: str) -> dict[str, Any]:
    outcomes = [result.outcomes[name] for result in results]
    counted = {status.value: sum(outcome.status is status for outcome in outcomes) for status in Status}
    return {**counted, "seconds": sum(outcome.seconds for outcome in outcomes)}


def _equivalent(results: Sequence[Audited]) -> list[tuple[str, int]]:
    reasons = Counter(
        row["reason"]
        for result in results
        for row in result.outcomes["O7"].detail.get("not_killed", [])
        if row["reason"]
    )
    return reasons.most_common()


def _slowest(results: Sequence[Audited]) -> list[tuple[float, str, Audited]]:
    proofs = [
        (float(row["seconds"]), str(row["claim"]), result)
        for result in results
        for name in ("O1", "O2")
        for row in result.outcomes[name].detail.get("claims", [])
    ]
    return sorted(proofs, key=lambda proof: -proof[0])[:SLOWEST]


def _versions() -> list[tuple[str, str]]:
    found = []
    for package in PACKAGES:
        try:
            found.append((package, version(package)))
        except PackageNotFoundError:
            found.append((package, "not installed"))
    return found
