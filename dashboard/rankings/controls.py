"""What the user chooses on a page of ranked materials; every choice is in the address."""

from __future__ import annotations

from typing import Final, get_args

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import data
from dashboard.data import Published
from dashboard.display import UNITS
from dashboard.filters import TRUST, Chemistry, Filters, Match
from dashboard.rankings.elements import WITH, WITHOUT
from screen.core.substrates import substrates
from screen.ranking import MAX_MISMATCH

IN_ADDRESS: Final = "query-params"
RANGE = (100.0, 800.0)  # K, of the slider, as far as the run has computed
STEP = 10.0  # K
ROOM_TEMPERATURE = 300.0  # K
OTHER_VALUE = "another value"
PPM = 1 / UNITS["1/K"][0]  # 1/K
NEEDED = {  # fact that a reason to trust rests on
    "potentials agree": "models_disagree",
    "good fit of fc3": "fc3_fit_poor",
    "undoubted α": "expansion_doubt",
    "seen in experiments": "theoretical",
}


def choose_temperature(place: DeltaGenerator, grid: tuple[float, float]) -> float:
    """Let the user choose a temperature in K between the ends of the computed grids."""
    low, high = max(grid[0], RANGE[0]), min(grid[1], RANGE[1])
    if low >= high:
        at = grid[0] if grid[0] == grid[1] else min(max(ROOM_TEMPERATURE, grid[0]), grid[1])
        place.metric("Temperature", f"{at:g} K")
        return at
    chosen = place.slider(
        "Temperature [K]",
        low,
        high,
        min(max(ROOM_TEMPERATURE, low), high),
        STEP,
        format="%g",
        key="T",
        bind=IN_ADDRESS,
        help="Between the points of a material's grid ln κ is linear in ln T, α is linear in T. "
        "A material whose grid does not reach so far is left out",
    )
    return float(chosen)


def choose_filters(published: Published, temperature: float, facts: frozenset[str]) -> Filters:
    """Let the user narrow the ranking."""
    bar, symbols = st.sidebar, data.elements(published)
    chemistry = bar.selectbox(
        "Materials contain",
        list(get_args(Chemistry)),
        key="chemistry",
        bind=IN_ADDRESS,
    )
    contains = bar.multiselect(
        "these elements", symbols, key=WITH, bind=IN_ADDRESS, placeholder="any elements"
    )
    lacks = bar.multiselect(
        "and none of these", symbols, key=WITHOUT, bind=IN_ADDRESS, placeholder="no element"
    )
    prototypes = _prototypes(published) if "prototype" in facts else []
    low, high = _between("κ", "W/m/K", "from", "to", 1.0, "at the chosen temperature")
    gap = (
        _between("Gap", "eV", "gap_from", "gap_to", 0.1, "materials of unknown gap do not pass")
        if "band_gap" in facts
        else (None, None)
    )
    hull = _hull() if "energy_above_hull" in facts else None
    trust = bar.pills(
        "Only rows with",
        [name for name in TRUST if NEEDED.get(name, name) in facts | {"complete"}],
        selection_mode="multi",
        key="trust",
        bind=IN_ADDRESS,
        help="complete: no property failed. potentials agree: within a factor of 1.5 in κ at "
        "300 K. undoubted α: no flag in expansion_flags",
    )
    bar.caption("Only dynamically stable crystals are ranked.")
    return Filters(
        temperature,
        tuple(contains),
        chemistry,
        tuple(lacks),
        tuple(prototypes),
        low,
        high,
        *gap,
        hull,
        tuple(trust),
    )


def choose_match() -> Match | None:
    """Let the user choose a substrate whose expansion is to be matched, and how closely."""
    bar = st.sidebar
    name = bar.selectbox(
        "Match expansion of",
        [*substrates(), OTHER_VALUE],
        index=None,
        placeholder="no substrate",
        key="match",
        bind=IN_ADDRESS,
        help="Only materials whose α is close to that of the substrate",
    )
    if name is None:
        return None
    value: str | float = str(name)
    if name == OTHER_VALUE:
        value = PPM * float(
            bar.number_input(
                "α of the substrate [10⁻⁶/K]",
                value=3.0,
                step=0.1,
                format="%.4g",
                key="alpha",
                bind=IN_ADDRESS,
            )
        )
    within = bar.number_input(
        "α within [10⁻⁶/K]",
        value=MAX_MISMATCH / PPM,
        min_value=0.01,
        step=0.1,
        format="%.4g",
        key="within",
        bind=IN_ADDRESS,
    )
    return Match(value, PPM * float(within))


def _prototypes(published: Published) -> list[str]:
    return list(
        st.sidebar.multiselect(
            "Prototype", data.prototypes(published), key="prototype", bind=IN_ADDRESS
        )
    )


def _between(
    name: str, unit: str, low: str, high: str, step: float, note: str
) -> tuple[float | None, float | None]:
    """Ask for two ends of a range side by side; ``low`` and ``high`` are their keys."""
    left, right = st.sidebar.columns(2)
    return (
        _number(left, f"{name} from [{unit}]", low, step, note),
        _number(right, f"{name} to [{unit}]", high, step, note),
    )


def _hull() -> float | None:
    note = "Energy above the convex hull; materials of unknown energy do not pass"
    return _number(st.sidebar, "Above hull up to [eV/atom]", "hull_to", 0.01, note)


def _number(place: DeltaGenerator, label: str, key: str, step: float, note: str) -> float | None:
    value = place.number_input(
        label,
        value=None,
        min_value=0.0,
        step=step,
        format="%.4g",
        key=key,
        bind=IN_ADDRESS,
        help=note,
    )
    return None if value is None else float(value)
