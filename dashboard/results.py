"""Whose results a page shows: the chooser of a potential and a protocol."""

from __future__ import annotations

from collections.abc import Iterable

from streamlit.delta_generator import DeltaGenerator

from dashboard.data import ResultSet

LABEL = "Potential · protocol"


def choose_results(place: DeltaGenerator, sets: Iterable[ResultSet], told: str) -> ResultSet | None:
    """Let the user choose one of several results, which the address names; None without any.

    Parameters
    ----------
    told
        What the page makes of the choice, for the tooltip.
    """
    by_label = {item.label: item for item in sets}
    if not by_label:
        return None
    label = place.selectbox(LABEL, list(by_label), key="results", bind="query-params", help=told)
    return by_label[str(label)]
