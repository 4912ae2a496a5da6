"""Check the options of a source: known keys, lists of texts, limits."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from math import inf
from pathlib import Path
from typing import Any

from screen.core.errors import SettingsError


def check_known(source: str, options: Mapping[str, Any], known: Collection[str]) -> None:
    """Raise ``SettingsError`` for an option that the source does not have."""
    for option in options:
        if option not in known:
            raise SettingsError(
                f"source {source!r} has no option {option!r}{suggestion(option, known)}; "
                f"known: {', '.join(known)}"
            )


def texts(source: str, options: Mapping[str, Any], key: str) -> tuple[str, ...] | None:
    """Option ``key`` as texts; one text or path counts as a list of one, absent is None.

    Raises
    ------
    SettingsError
        The value is no text, path or list of these, or the list is empty.
    """
    value = options.get(key)
    if value is None:
        return None
    items = [value] if isinstance(value, str | Path) else value
    valid = isinstance(items, Sequence) and items and all(isinstance(i, str | Path) for i in items)
    if not valid:
        raise SettingsError(
            f"source {source!r}: {key}={value!r} must be a text or a non-empty list of texts"
        )
    return tuple(str(item) for item in items)


def text(source: str, options: Mapping[str, Any], key: str) -> str | None:
    """Option ``key`` as a text; absent is None.

    Raises
    ------
    SettingsError
        The value is no text, or an empty one.
    """
    value = options.get(key)
    if value is None or (isinstance(value, str) and value):
        return value
    raise SettingsError(f"source {source!r}: {key}={value!r} must be a text")


def limit(source: str, options: Mapping[str, Any]) -> int | None:
    """Option ``limit``: a positive integer, or None for no limit.

    Raises
    ------
    SettingsError
        The value is anything else.
    """
    return None if options.get("limit") is None else count(source, options, "limit", 1)


def count(source: str, options: Mapping[str, Any], key: str, default: int, least: int = 1) -> int:
    """Option ``key``: an integer of at least ``least``.

    Raises
    ------
    SettingsError
        The value is anything else.
    """
    value = options.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise SettingsError(
            f"source {source!r}: {key}={value!r} must be an integer of at least {least}"
        )
    return value


def flag(source: str, options: Mapping[str, Any], key: str) -> bool:
    """Option ``key``: true or false, false if absent.

    Raises
    ------
    SettingsError
        The value is anything else.
    """
    value = options.get(key, False)
    if not isinstance(value, bool):
        raise SettingsError(f"source {source!r}: {key}={value!r} must be true or false")
    return value


def positive(source: str, options: Mapping[str, Any], key: str, default: float) -> float:
    """Option ``key``: a positive, finite number.

    Raises
    ------
    SettingsError
        The value is anything else.
    """
    value = options.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < inf:
        raise SettingsError(f"source {source!r}: {key}={value!r} must be a number above 0")
    return float(value)


def suggestion(word: str, known: Iterable[str]) -> str:
    """``, did you mean ...?`` with near matches regardless of case; empty if there is none."""
    by_lower = {item.lower(): item for item in known}
    near = get_close_matches(word.lower(), by_lower, n=3)
    return f", did you mean {' or '.join(by_lower[item] for item in near)}?" if near else ""
