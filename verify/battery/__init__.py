"""Checks of the hand-written runtime that are quick enough to run on thousands of mutants.

Every ``check_…`` takes a copy of the package (`verify.private_package.Package`) and raises if something is wrong. What
is expected comes from the dense oracle, from NumPy written anew, or from stated properties.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import lru_cache
from typing import Any

Check = Callable[[Any], None]


@lru_cache(maxsize=1)
def checks() -> dict[str, Check]:
    """All checks of this folder by ``file.name``, discovered."""
    found: dict[str, Check] = {}
    for item in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{item.name}")
        for name, value in vars(module).items():
            if name.startswith("check_"):
                found[f"{item.name}.{name.removeprefix('check_')}"] = value
    return found
