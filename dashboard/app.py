"""The pages of the dashboard; started by ``thermoscreen dashboard --run RUN``.

Their folder must not be called ``pages``: Streamlit would serve the files of such a folder without
running this one, for the first visitor of a fresh server who follows a link to a page.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

ICON = Path(__file__).parent / "icon.svg"  # a named icon would be asked for at Google
LESS_EMPTY = "<style>[data-testid='stMainBlockContainer'] {padding: 4rem 3rem 2rem}</style>"

st.set_page_config(page_title="Thermoscreen", page_icon=str(ICON), layout="wide")
st.html(LESS_EMPTY)

st.navigation(
    [
        st.Page("views/overview.py", title="Overview", icon=":material/monitoring:", default=True),
        st.Page("views/ranking.py", title="Ranking", icon=":material/leaderboard:"),
        st.Page("views/material.py", title="Material", icon=":material/deployed_code:"),
    ],
    position="top",
).run()
