"""Plot and table are linked through the address: a box, and materials picked in either.

The address decides what is shown. A selection in plot or table changes it only at the moment at
which it changes itself: a link then opens with the same box and the same materials.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard.display import UNITS
from dashboard.rankings.criteria import Criterion
from dashboard.rankings.question import Box

BOX, PICKED = "box", "pick"
MOST_PICKED = 20
_TURN = "turn"  # how often the selection has been forgotten: a new turn, new widgets


def follow_plot() -> None:
    """Carry a new selection in the plot over into the address.

    One that has become empty forgets nothing: the browser drops it with every new drawing.
    """
    selection = _changed(plot_key())
    if selection is None:
        return
    if selection.get("box"):
        frame = selection["box"][0]
        x, kappa = sorted(map(float, frame["x"])), sorted(map(float, frame["y"]))
        st.query_params[BOX] = ",".join(f"{end:.6g}" for end in (*x, *kappa))
    elif selection.get("points"):
        found = [point["customdata"][0] for point in selection["points"] if point.get("customdata")]
        pick(found)


def follow_table(key: str, identifiers: Sequence[str]) -> None:
    """Carry a new selection in the table over into the address; ``identifiers`` are its rows."""
    selection = _changed(key)
    if selection is not None:
        pick([identifiers[row] for row in selection["rows"] if row < len(identifiers)])


def pick(identifiers: Sequence[str]) -> None:
    """Remember materials, at most ``MOST_PICKED``."""
    found = list(dict.fromkeys(identifiers))[:MOST_PICKED]
    if found:
        st.query_params[PICKED] = found
    else:
        st.query_params.pop(PICKED, None)


def forget() -> None:
    """Take box and picked materials out of the address, the plot and the table."""
    for name in (BOX, PICKED):
        st.query_params.pop(name, None)
    st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1


def plot_key() -> str:
    """Return the key of the plot."""
    return f"scatter{st.session_state.get(_TURN, '')}"


def table_key(shown: str) -> str:
    """Return the key of the table that shows some rows."""
    return f"table-{st.session_state.get(_TURN, 0)}-{shown}"


def picked() -> tuple[str, ...]:
    """Return the ids of the picked materials."""
    return tuple(st.query_params.get_all(PICKED))[:MOST_PICKED]


def box(criterion: Criterion) -> Box | None:
    """Return the box of the address in stored units; one that makes no sense is said and left."""
    text = st.query_params.get(BOX)
    if text is None:
        return None
    try:
        x_low, x_high, low, high = map(float, text.split(","))
    except ValueError:
        st.warning(f"{BOX}={text} is no box: four numbers, two of the axis and two of κ in W/m/K")
        return None
    factor = UNITS.get(criterion.column.unit, (1.0, ""))[0]
    return Box((x_low / factor, x_high / factor), (low, high))


def _changed(key: str) -> Mapping[str, Any] | None:
    """Return a widget's selection if it is not the one of the last run, else None."""
    state = st.session_state.get(key)
    if state is None:
        return None
    selection = state["selection"]
    compared = {name: selection.get(name) or [] for name in ("points", "box", "rows")}
    seen = st.session_state.get(f"{key}-seen", {name: [] for name in compared})
    st.session_state[f"{key}-seen"] = compared
    return None if compared == seen else dict(compared)
