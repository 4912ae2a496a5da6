"""What all sections of the material page are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import streamlit as st

from dashboard import data, display
from dashboard.data import MaterialSheet, Published
from dashboard.sheet import Result
from screen.core.errors import StoreError
from screen.core.records import Record

R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Shown:
    """One material under one potential and protocol, and where it is stored."""

    published: Published
    found: MaterialSheet
    result: Result


def stored(shown: Shown, stage: str, kind: type[R], quiet: bool = False) -> R | None:
    """Return the record of a stage; say why if there is none.

    Parameters
    ----------
    quiet
        Say nothing: another section says it.
    """
    key = shown.result.artifacts.get(stage)
    if key is None:
        failures = [f"{item['stage']} ({item['kind']})" for item in shown.result.failures]
        why = f": it failed at {', '.join(failures)}." if failures else "."
        _say(st.caption, f"There is no {stage} of this material{why}", quiet)
        return None
    run = shown.published.run
    try:
        record = data.record(run, stage, key)
    except StoreError as error:
        _say(st.warning, str(error), quiet)
        return None
    if not isinstance(record, kind):
        _say(
            st.warning,
            f"The artifact `{stage}/{key}` is not in `{run}`: numbers are from the "
            "database, the curve cannot be drawn.",
            quiet,
        )
        return None
    return record


def _say(how: object, text: str, quiet: bool) -> None:
    if not quiet and callable(how):
        how(text)


def show_facts(facts: Sequence[tuple[str, str]]) -> None:
    """Show pairs of name and value."""
    names, values = [name for name, _ in facts], [value for _, value in facts]
    st.table(
        {"quantity": names, "value": [display.verbatim(value) for value in values]},
        border="horizontal",
        hide_index=True,
        hide_header=True,
    )


def choose(label: str, options: Sequence[str], key: str) -> str:
    """Let the user choose one of a few options; the address remembers it."""
    chosen = st.segmented_control(
        label,
        list(options),
        default=options[0],
        required=True,
        key=key,
        bind="query-params",
        label_visibility="collapsed",
    )
    return str(chosen)
