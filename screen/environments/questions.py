"""Ask a family about a potential in the interpreter that holds its packages."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from screen.core.digest import digest_of_code
from screen.core.errors import ModelUnavailableError
from screen.core.protocols import ModelIdentity
from screen.core.registry import find
from screen.core.settings import ModelSettings
from screen.environments.interpreters import THIS


def identify(settings: ModelSettings, python: Path) -> ModelIdentity:
    """Resolve the weights where the family's packages are.

    Raises
    ------
    ModelUnavailableError
        The interpreter does not run this version of Thermoscreen, or the package or the weights
        are missing.
    """
    if python == THIS:
        identity: ModelIdentity = find("models", settings.family).identify(settings)
        return identity
    check_same_code(settings.family, python)
    return ModelIdentity(**_ask(python, "identify", settings.model_dump_json()))


def elements_of(settings: ModelSettings, python: Path) -> frozenset[str]:
    """Elements that a potential was trained on: its card's, else what the loaded weights say.

    Raises
    ------
    ModelUnavailableError
        The weights have no card and cannot be loaded.
    """
    known = elements_of_card(settings)
    if known is not None:
        return known
    return frozenset(_ask(python, "elements", settings.model_dump_json())["elements"])


def elements_of_card(settings: ModelSettings) -> frozenset[str] | None:
    """Elements that a published potential was trained on, without its package; None: no card."""
    module = find("models", settings.family)
    name = settings.name or module.DEFAULT
    cards = () if settings.weights is not None else module.CARDS
    return next((frozenset(card.elements) for card in cards if card.name == name), None)


def check_same_code(family: str, python: Path) -> None:
    """Compare the code of Thermoscreen there with this one.

    Raises
    ------
    ModelUnavailableError
        It is another one, or none.
    """
    if describe(family, python)["code"] != digest_of_code():
        raise ModelUnavailableError(
            f"{python} holds another version of Thermoscreen than this one; renew it with "
            f"`thermoscreen models install {family}`"
        )


def describe(family: str, python: Path) -> dict[str, Any]:
    """Versions of Python, Thermoscreen, torch and the family's package in an interpreter.

    Raises
    ------
    ModelUnavailableError
        The interpreter does not run, or has no Thermoscreen.
    """
    try:
        return _ask(python, "describe", family)
    except _NoAnswerError as error:
        raise ModelUnavailableError(
            f"{error}; make its environment anew with `thermoscreen models install {family}`"
        ) from error


class _NoAnswerError(ModelUnavailableError):
    """The interpreter does not run, or has no Thermoscreen."""


def _ask(python: Path, *question: str) -> dict[str, Any]:
    """Run ``python -m screen.models`` and read its last line."""
    command = [str(python), "-P", "-m", "screen.models", *question]  # -P: not the folder here
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    if done.returncode not in {0, 2} or not lines:
        problem = done.stderr.strip().splitlines()
        raise _NoAnswerError(
            f"{python} cannot answer for Thermoscreen: {problem[-1] if problem else 'no answer'}"
        )
    answer: dict[str, Any] = json.loads(lines[-1])
    if done.returncode == 2:
        raise ModelUnavailableError(answer["error"])
    return answer
