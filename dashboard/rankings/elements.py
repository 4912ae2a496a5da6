"""The periodic table as a filter: one button per element, on the keyboard too."""

from __future__ import annotations

from collections.abc import Collection

import streamlit as st

WITH, WITHOUT = "with", "without"
"""Keys of the two lists of symbols, which are in the address."""

LAYOUT = (
    "H  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  He",
    "Li Be .  .  .  .  .  .  .  .  .  .  B  C  N  O  F  Ne",
    "Na Mg .  .  .  .  .  .  .  .  .  .  Al Si P  S  Cl Ar",
    "K  Ca Sc Ti V  Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr",
    "Rb Sr Y  Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I  Xe",
    "Cs Ba .  Hf Ta W  Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn",
    "Fr Ra .  Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og",
    ".  .  La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu .",
    ".  .  Ac Th Pa U  Np Pu Am Cm Bk Cf Es Fm Md No Lr .",
)
EMPTY = "."
NARROW = (  # 18 symbols side by side on a projector
    "<style>.st-key-periodic-table button {padding: 0; min-height: 2rem; min-width: 0}</style>"
)


def rows_with(symbols: Collection[str]) -> list[list[str]]:
    """Return the rows of the table that hold one of the symbols, each of 18 cells."""
    rows = [line.split() for line in LAYOUT]
    return [row for row in rows if set(row) & set(symbols)]


def periodic_table(symbols: Collection[str]) -> None:
    """Draw the table; only elements of the run can be clicked."""
    st.caption(
        "A click asks for an element (+), a second one excludes it (−), a third one forgets it. "
        "Grey elements are in no material of this run."
    )
    with st.container(key="periodic-table", gap="xxsmall"):
        st.html(NARROW)
        for row in rows_with(symbols):
            for place, symbol in zip(st.columns(18, gap="xxsmall"), row, strict=True):
                if symbol != EMPTY:
                    _button(place, symbol, symbol in symbols)


def _button(place: st.delta_generator.DeltaGenerator, symbol: str, there: bool) -> None:
    sign, kind = sign_of(symbol)
    place.button(
        f"{sign}{symbol}",
        key=f"element-{symbol}",
        type="primary" if kind == WITH else "secondary",
        disabled=not there,
        on_click=advance,
        args=(symbol,),
        width="stretch",
        wrap=False,
    )


def sign_of(symbol: str) -> tuple[str, str | None]:
    """Return what stands before a symbol, and in which list it is."""
    for sign, key in (("+", WITH), ("−", WITHOUT)):
        if symbol in st.session_state.get(key, []):
            return sign, key
    return "", None


def advance(symbol: str) -> None:
    """Move an element on: asked for, excluded, forgotten."""
    _, now = sign_of(symbol)
    wanted = {None: WITH, WITH: WITHOUT, WITHOUT: None}[now]
    for key in (WITH, WITHOUT):
        others = [item for item in st.session_state.get(key, []) if item != symbol]
        st.session_state[key] = others + [symbol] * (key == wanted)
