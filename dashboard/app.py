"""The pages of the dashboard; started by ``thermoscreen dashboard --run RUN``.

Their folder must not be called ``pages``: Streamlit would serve the files of such a folder without
running this one, for the first visitor of a fresh server who follows a link to a page.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard.gate import is_open, require_password

ICON = Path(__file__).parent / "icon.svg"  # a named icon would be asked for at Google
LESS_EMPTY = "<style>[data-testid='stMainBlockContainer'] {padding: 4rem 3rem 2rem}</style>"

st.set_page_config(page_title="Thermoscreen", page_icon=str(ICON), layout="wide")
st.html(LESS_EMPTY)

navigation = st.navigation(
    [
        st.Page("views/overview.py", title="Overview", icon=":material/monitoring:", default=True),
        st.Page("views/insulators.py", title="Insulators", icon=":material/ac_unit:"),
        st.Page(
            "views/heat_spreaders.py",
            title="Heat-spreaders",
            icon=":material/local_fire_department:",
        ),
        st.Page("views/material.py", title="Material", icon=":material/deployed_code:"),
        st.Page("views/compare.py", title="Compare", icon=":material/compare_arrows:"),
        st.Page("views/benchmark.py", title="Benchmark", icon=":material/target:"),
        st.Page("views/regimes.py", title="Regimes", icon=":material/blur_on:"),
        st.Page("views/sql.py", title="SQL", icon=":material/database:"),
        st.Page("views/runs.py", title="Runs", icon=":material/folder_open:"),
    ],
    position="top" if is_open() else "hidden",  # without it the address would be forgotten
)
# after the navigation: stopped before it, Streamlit would forget the page that the address names
require_password()
navigation.run()
