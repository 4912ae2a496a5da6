"""Answer for a family in its own environment: ``python -m screen.models QUESTION …``.

::

    describe FAMILY        versions of Thermoscreen's code, Python, torch and the family's package
    identify SETTINGS      the potential's identity; SETTINGS is JSON of ``ModelSettings``
    elements SETTINGS      the elements that the loaded weights know

The last line of the output is JSON; an expected error is ``{"error": message}`` and exit code 2.
"""

from __future__ import annotations

import json
import platform
import sys
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from screen.core.digest import digest_of_code
from screen.core.errors import ThermoscreenError
from screen.core.registry import find
from screen.core.settings import ModelSettings


def main(question: str, argument: str) -> dict[str, Any]:
    """Answer one question."""
    if question == "describe":
        return describe(argument)
    settings = ModelSettings.model_validate_json(argument)
    module = find("models", settings.family)
    if question == "identify":
        return asdict(module.identify(settings))
    if question == "elements":
        return {"elements": sorted(module.load(settings).elements)}
    raise SystemExit(f"no question {question!r}; known: describe, identify, elements")


def describe(family: str) -> dict[str, Any]:
    """Versions here; None for what is not installed."""
    package = find("models", family).PACKAGE
    return {
        "code": digest_of_code(),
        "python": platform.python_version(),
        "thermoscreen": _version("thermoscreen"),
        "torch": _version("torch"),
        "package": package,
        "package_version": None if package is None else _version(package),
    }


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    try:
        answer = main(sys.argv[1], sys.argv[2])
    except ThermoscreenError as error:
        sys.stdout.write(json.dumps({"error": str(error)}) + "\n")
        sys.exit(2)
    sys.stdout.write(json.dumps(answer) + "\n")
