"""Ctrl-C that is not lost: where a callback of the compiler swallows it, the next step ends the run.

Kernels are compiled at their first use. An exception that is raised while LLVM calls back into Python is printed and
dropped, and a run of hours would go on as if nobody had asked it to stop.
"""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import ParamSpec

Arguments = ParamSpec("Arguments")

_asked = threading.Event()


@contextmanager
def remembered() -> Iterator[None]:
    """Within, Ctrl-C interrupts as ever, and is remembered for what `heeding` returns.

    Where it does something else, as nothing at all in the background, it goes on to do that.
    """
    _asked.clear()
    in_main = threading.current_thread() is threading.main_thread()  # only there can signals be handled
    if not in_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    handler, hook = signal.signal(signal.SIGINT, _remember), sys.unraisablehook

    def quiet(dropped: "sys.UnraisableHookArgs") -> None:
        if not issubclass(dropped.exc_type, KeyboardInterrupt):
            hook(dropped)

    sys.unraisablehook = quiet
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        sys.unraisablehook = hook
        _asked.clear()


def heeding(step: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """`step`, after which a Ctrl-C that was lost interrupts."""

    def then_heed(*arguments: Arguments.args, **options: Arguments.kwargs) -> None:
        step(*arguments, **options)
        if _asked.is_set():
            raise KeyboardInterrupt

    return then_heed


def _remember(number: int, frame: FrameType | None) -> None:
    _asked.set()
    signal.default_int_handler(number, frame)
