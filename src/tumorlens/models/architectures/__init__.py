"""The architectures, one file each: a new file in this folder is found by itself."""

from __future__ import annotations

import pkgutil
from importlib import import_module


def register_all() -> None:
    """Import every module of this package in alphabetical order, so that each enters its networks in the registry.

    A module that builds on the networks of another one imports it; `registered_names` sorts the names.
    """
    for name in sorted(module.name for module in pkgutil.iter_modules(__path__)):
        import_module(f"{__name__}.{name}")
