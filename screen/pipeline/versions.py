"""Versions of the packages that decide a number."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

PACKAGES = (
    "thermoscreen",
    "numpy",
    "scipy",
    "ase",
    "spglib",
    "phonopy",
    "phono3py",
    "phonors",
    "symfc",
    "torch",
    "sevenn",
    "mace-torch",
)


@lru_cache(maxsize=1)
def _installed() -> tuple[tuple[str, str], ...]:
    found = []
    for package in PACKAGES:
        try:
            found.append((package, version(package)))
        except PackageNotFoundError:  # an optional package
            continue
    return tuple(found)


def installed_versions() -> dict[str, str]:
    """Version of each package of ``PACKAGES`` that is installed."""
    return dict(_installed())
