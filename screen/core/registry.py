"""Find adapters by file name: ``screen/<family>/<name>.py`` is the adapter ``<name>``.

A name with a dot is the import path of somebody else's module, e.g. ``mygroup.debye``.
"""

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
    if "." in name:
        return _foreign(family, name)
    known = names(family)
    if name not in known:
        raise UnknownAdapterError(f"no {family} adapter {name!r}; known: {', '.join(known)}")
    return import_module(f"screen.{family}.{name}")


def _foreign(family: str, path: str) -> ModuleType:
    """Import an adapter that is not part of Thermoscreen."""
    try:
        return import_module(path)
    except ModuleNotFoundError as error:
        if error.name is None or not path.startswith(error.name):
            raise  # the module is there; what is missing is something that it imports
        raise UnknownAdapterError(
            f"no module {path!r} for a {family} adapter; is it on PYTHONPATH?"
        ) from error
