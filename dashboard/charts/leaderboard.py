"""Published κ_SRME of potentials, and the error of those of the run."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboard.benchmark.leaderboard import Place
from dashboard.benchmark.questions import PUBLISHED
from dashboard.charts import style

ROW_HEIGHT = 24  # px
OWN_SRME = "mean SRME of this run"
OWN = "mean SRE of this run"
SAME = "published, compounds of this run"
ROOM = 0.4  # of the axis, for the number of compounds
WORST = 2.0  # end of the axis
GAP = "\u00a0\u00a0\u00a0"  # between a mark and its text


def leaderboard(places: Sequence[Place]) -> go.Figure:
    """Draw one row per potential, the best first: 0 is exact, 2 is the worst.

    The run's own numbers may be over fewer compounds, and where modes were not compared another
    quantity: they have another colour, another symbol, and the number of compounds beside them.
    A hollow circle is the published number over just those compounds, of the same quantity.
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
    alike = [place for place in places if place.same is not None]
    if alike:
        fig.add_scatter(
            x=[place.same for place in alike],
            y=[place.potential for place in alike],
            name=SAME,
            mode="markers",
            marker={"color": style.BLUE, "symbol": "circle-open", "size": 11, "line": {"width": 2}},
            hovertemplate=f"%{{y}}: {SAME}: %{{x:.3f}}<extra></extra>",
        )
    by_modes = [place for place in places if place.mean_srme is not None]
    if by_modes:
        _add_own(fig, OWN_SRME, by_modes, [place.mean_srme for place in by_modes], "diamond")
    by_total = [place for place in places if place.sre is not None and place.mean_srme is None]
    if by_total:
        _add_own(fig, OWN, by_total, [place.sre for place in by_total], "diamond-open")
    fig.update_xaxes(range=[0, WORST], dtick=0.5)
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


def _add_own(
    fig: go.Figure,
    name: str,
    places: Sequence[Place],
    values: Sequence[float | None],
    symbol: str,
) -> None:
    """Add the run's own errors, and beside all marks of a line the number of compounds."""
    names = [place.potential for place in places]
    coverage = [f"{GAP}{place.coverage}{GAP}" for place in places]
    fig.add_scatter(
        x=list(values),
        y=names,
        name=name,
        mode="markers",
        marker={"color": style.ORANGE, "symbol": symbol, "size": 12, "line": {"width": 3}},
        customdata=coverage,
        hovertemplate=f"%{{y}}: {name} = %{{x:.3f}}<br>%{{customdata}} compounds<extra></extra>",
        showlegend=True,
    )
    ends = [_free_end(place, value) for place, value in zip(places, values, strict=True)]
    fig.add_scatter(
        x=[x for x, _ in ends],
        y=names,
        mode="text",
        text=coverage,
        textposition=[side for _, side in ends],
        textfont={"color": style.GREY},
        hoverinfo="skip",
        showlegend=False,
    )


def _free_end(place: Place, value: float | None) -> tuple[float, str]:
    """Return the outermost mark of a line on the side with room, and that side."""
    marks = [mark for mark in (place.srme, place.same, value) if mark is not None]
    room = WORST - max(marks) > ROOM
    return (max(marks), "middle right") if room else (min(marks), "middle left")
