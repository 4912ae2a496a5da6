"""The pages of the dashboard; started by ``thermoscreen dashboard --run RUN``."""

from __future__ import annotations

import streamlit as st

st.set_page_config(page_title="Thermoscreen", page_icon=":material/thermostat:", layout="wide")

st.navigation(
    [
        st.Page("pages/overview.py", title="Overview", icon=":material/monitoring:", default=True),
        st.Page("pages/ranking.py", title="Ranking", icon=":material/leaderboard:"),
        st.Page("pages/material.py", title="Material", icon=":material/deployed_code:"),
    ],
    position="top",
).run()
