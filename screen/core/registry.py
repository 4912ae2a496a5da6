"""Find adapters by file name: ``screen/<family>/<name>.py`` is the adapter ``<name>``."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from screen.core.errors import UnknownAdapterError


def names(family: str) -> tuple[str, ...]:
    """Names of all adapters of a family, without importing them."""
    package = import_module(f"screen.{family}")
    found = (module.name for module in iter_modules(package.__path__))
    return tuple(sorted(name for name in found if not name.startswith("_")))


def find(family: str, name: str) -> ModuleType:
    """Import the adapter ``name`` of a family.

    Raises
    ------
    UnknownAdapterError
        There is no such adapter; the message lists the known ones.
    """
    known = names(family)
    if name not in known:
        raise UnknownAdapterError(f"no {family} adapter {name!r}; known: {', '.join(known)}")
    return import_module(f"screen.{family}.{name}")
