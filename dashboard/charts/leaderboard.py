"""Published κ_SRME of potentials, and the error of those of the run."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboard.benchmark.leaderboard import PUBLISHED, Place
from dashboard.charts import style

ROW_HEIGHT = 24  # px
OWN = "mean SRE of this run"
ROOM = 0.4  # of the axis, for the number of compounds


def leaderboard(places: Sequence[Place]) -> go.Figure:
    """Draw one row per potential, the best first: 0 is exact, 2 is the worst.

    The run's own numbers are another quantity over other compounds: they have another colour,
    another symbol, and the number of compounds beside them.
    """
    fig = style.figure(
        "κ_SRME or SRE: 0 is exact, 2 the worst", "", height=120 + ROW_HEIGHT * max(len(places), 3)
    )
    published = [place for place in places if place.srme is not None]
    fig.add_scatter(
        x=[place.srme for place in published],
        y=[place.potential for place in published],
        name=f"published κ_SRME, {PUBLISHED} compounds".replace("κ_SRME", "κ<sub>SRME</sub>"),
        mode="markers",
        marker={"color": style.BLUE, "size": 11},
        customdata=[str(place.card and place.card.kappa_srme_source) for place in published],
        hovertemplate="%{y}: κ<sub>SRME</sub> = %{x:.3f}<br>%{customdata}<extra></extra>",
    )
    own = [place for place in places if place.sre is not None]
    fig.add_scatter(
        x=[place.sre for place in own],
        y=[place.potential for place in own],
        name=OWN,
        mode="markers+text",
        marker={"color": style.ORANGE, "symbol": "diamond-open", "size": 12, "line": {"width": 3}},
        text=[f"  {place.coverage}  " for place in own],
        textposition=[_side(place) for place in own],
        textfont={"color": style.GREY},
        hovertemplate="%{y}: mean SRE = %{x:.3f}<br>%{text} compounds<extra></extra>",
        showlegend=True,
    )
    fig.update_xaxes(range=[0, 2], dtick=0.5)
    fig.update_yaxes(
        type="category",
        categoryorder="array",
        categoryarray=[place.potential for place in reversed(places)],
        range=[-0.6, len(places) - 0.4],
        automargin=True,
        dtick=1,
        title=None,
    )
    return fig


def _side(place: Place) -> str:
    """Say where a text hits neither the published number nor the edge."""
    near = place.srme is not None and place.sre is not None and place.srme > place.sre > ROOM
    return "middle left" if near else "middle right"
