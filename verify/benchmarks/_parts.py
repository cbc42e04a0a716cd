"""Which parts a gradient is made of: every kernel and every long loop that it runs, timed and counted where it runs."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any
from unittest import mock

import numpy as np

from laflow import graph as graphs
from laflow import linalg
from verify.benchmarks import _counts
from verify.benchmarks._counts import Count


@dataclass(frozen=True)
class Call:
    """One call of a part."""

    part: str
    count: Count
    seconds: float


def _rows(fields: np.ndarray, begin: int, end: int) -> np.ndarray:
    """What is visited of fields (k, channels, n), flat; only its size counts."""
    return np.broadcast_to(fields[:1, 0, :1], (fields.shape[0], fields.shape[1] * (end - begin)))


# The compiled loops of laflow.linalg, by their arguments.
_LOOPS: dict[str, Callable[..., Count]] = {
    "_lower_products": lambda fields, first, begin, end, *_: _counts.gram_count(_rows(fields, begin, end), first),
    "_row_products": lambda rows, vector, *_: _counts.products_count(rows, vector),
    "_subtract_rows": lambda rows, coefficients, scale, vector, *_: _counts.subtraction_count(rows, vector),
    "_mix_fields": lambda coefficients, fields, out, begin, end, *_: _counts.mixing_count(
        coefficients, _rows(fields, begin, end), _rows(out, begin, end)
    ),
}


@contextmanager
def recorded() -> Iterator[list[Call]]:
    """Within the block every call of a kernel or of a loop of `linalg` is timed and counted."""
    calls: list[Call] = []
    run = graphs._Graph.run

    def timed_run(
        self: Any, kernel: ModuleType, inputs: tuple[Any, ...], outputs: tuple[Any, ...], *more: Any, **named: Any
    ) -> None:
        name, strip = kernel.__name__.rsplit(".", 1)[-1], next(iter((*more, *named.values())), None)
        whole = _counts.kernel_count(name, self.nodes, inputs, outputs)
        share = 1.0 if strip is None else (strip.last - strip.first) / (self.structure.last - self.structure.first)
        count = Count(share * whole.bytes, share * whole.flops)
        start = time.perf_counter()
        run(self, kernel, inputs, outputs, *more, **named)
        calls.append(Call(name, count, time.perf_counter() - start))

    def timed_loop(name: str, loop: Callable[..., Any], count: Callable[..., Count]) -> Callable[..., Any]:
        def timed(*arguments: Any) -> Any:
            counted = count(*arguments)
            start = time.perf_counter()
            result = loop(*arguments)
            calls.append(Call(name.strip("_").replace("_", " "), counted, time.perf_counter() - start))
            return result

        return timed

    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(graphs._Graph, "run", timed_run))
        for name, count in _LOOPS.items():
            loop = timed_loop(name, getattr(linalg, name), count)
            stack.enter_context(mock.patch.object(linalg, name, loop))
        yield calls
