"""Find the modules of a folder by their names: adding one touches no other file."""

import importlib
import pkgutil
from types import ModuleType


def names(package: ModuleType) -> list[str]:
    """Names of the modules in `package` as one types them (training-curves for training_curves)."""
    return sorted(
        module.name.replace("_", "-")
        for module in pkgutil.iter_modules(package.__path__)
        if not module.name.startswith("_")
    )


def load(package: ModuleType, name: str) -> ModuleType:
    """The module called `name` on the command line."""
    return importlib.import_module(f"{package.__name__}.{name.replace('-', '_')}")
