"""How the commands of `laflow metric` tell their results: numbers with errors, tables, JSON."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from math import floor, isfinite, log10
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from laflow.cli.console import note
from laflow.cli.interrupts import heeding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from laflow.metric.geometry.estimates import Estimate
    from laflow.metric.learning.training import TrainedMetric, TrainingStep
    from laflow.metric.quality.evaluation import Evaluation

# Where stderr is no terminal: how many lines a training writes, and the seconds between two of them.
LINES, SECONDS_BETWEEN_LINES = 12, (2.0, 60.0)
EVENTS = {
    "recovered": "the metric was lost, or has collapsed to Fubini–Study; back to the best one, with smaller steps",
    "restarted": "collapsed to Fubini–Study; begun anew from other random parameters",
    "ended": "the metric was lost again and again; training ends here, with the best one",
}


class Watch(Protocol):
    """Told of every look at a training."""

    def __call__(self, seen: TrainingStep) -> None: ...


@contextmanager
def training_progress(title: str, seconds: float | None) -> Iterator[Watch]:
    """Progress on stderr with step, seconds, loss and σ on held-out points; `seconds` is how long it may take."""
    console = Console(stderr=True)
    if not console.is_terminal:
        console.print(f"{title} ...", markup=False, highlight=False)
        yield heeding(_lines(console, title, seconds))
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[remark]}"),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(title, total=1.0, remark="")

        def watch(seen: TrainingStep) -> None:
            bar.update(task, completed=seen.progress, remark=_remark(seen))
            if seen.event:
                bar.print(f"{title}: {_told(seen)}", markup=False, highlight=False)

        yield heeding(watch)
        bar.update(task, completed=1.0)


def _lines(console: Console, title: str, seconds: float | None) -> Watch:
    least, most = SECONDS_BETWEEN_LINES
    between = most if seconds is None else min(max(seconds / LINES, least), most)
    shown = monotonic()

    def watch(seen: TrainingStep) -> None:
        nonlocal shown
        if seen.event or seen.step == 0 or monotonic() - shown >= between:
            shown = monotonic()
            console.print(f"{title}: {_told(seen)} ...", markup=False, highlight=False, soft_wrap=True)

    return watch


def _told(seen: TrainingStep) -> str:
    return f"{_remark(seen)}; {EVENTS.get(seen.event, seen.event)}" if seen.event else _remark(seen)


def _remark(seen: TrainingStep) -> str:
    return f"step {seen.step}, {seen.seconds:.1f} s, loss {seen.loss:.2e}, σ {short(seen.sigma)}"


def short(value: float) -> str:
    """A positive number with three digits, as a decimal fraction where that is short."""
    return f"{value:.3g}" if value >= 1e-4 or value == 0.0 else f"{value:.2e}"


def note_where_no_metric(name: str, found: Evaluation) -> None:
    """Say on stderr that what was measured is not positive at some points, if it is not."""
    if found.positive_share < 1.0:
        note(
            f"{name} is no metric: it is not positive at {100 * (1.0 - found.positive_share):.3g} % of the points, "
            "and neither its σ, nor its class or its curvature, says anything; train it again"
        )


def with_error(estimate: Estimate) -> str:
    """A value and its standard error, of which two digits are shown."""
    value, error = estimate.value, estimate.standard_error
    if not (isfinite(value) and isfinite(error)):
        return f"{value} ± {error}"
    if error <= 1e-12 * abs(value):  # exact, or the same at every point
        return f"{value:.8g}"
    if max(abs(value), error) < 1e-4:
        power = floor(log10(max(abs(value), error)))
        scaled = type(estimate)(value * 10.0**-power, error * 10.0**-power)
        return f"({with_error(scaled)})e{power:+03d}"
    decimals = max(0, 1 - floor(log10(error)))
    return f"{value:.{decimals}f} ± {error:.{decimals}f}"


def as_json(value: Any) -> Any:
    """A value of dataclasses, sequences and numbers as JSON has it; what is no finite number is null."""
    if isinstance(value, dict):
        return {name: as_json(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return as_json(asdict(value))
    if isinstance(value, float) and not isfinite(value):
        return None
    return value


def history_of(history: Sequence[TrainingStep]) -> list[dict[str, Any]]:
    """A training's looks as JSON."""
    names = ("step", "seconds", "loss", "sigma", "rate", "event")
    return [{name: as_json(getattr(seen, name)) for name in names} for seen in history]


def training_of(trained: TrainedMetric) -> dict[str, Any]:
    """What a training took, as JSON."""
    return {
        "steps": trained.steps,
        "seconds": trained.seconds,
        "recoveries": trained.recoveries,
        "restarts": trained.restarts,
        "held_out_sigma": trained.sigma,
        "held_out_fubini_study_sigma": trained.fubini_study_sigma,
        "history": history_of(trained.history),
    }
