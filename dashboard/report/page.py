"""A report as one file of HTML: nothing is fetched when it is opened, which its policy enforces."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import plotly.graph_objects as go
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from dashboard.report.content import Report

HERE = Path(__file__).resolve().parent


def page(report: Report) -> str:
    """Return the HTML: Plotly, styles, drawings and numbers inline, all texts escaped."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("page.html.jinja").render(
        report=report,
        css=Markup((HERE / "page.css").read_text(encoding="utf-8")),
        plotly=Markup(get_plotlyjs()),
        overview=_drawn(report.figures, "overview"),
        sections=[
            (section, _drawn(section.figures, section.head.anchor)) for section in report.sections
        ],
    )


def _drawn(figures: Sequence[tuple[str, go.Figure]], prefix: str) -> list[tuple[str, Markup]]:
    """Return titles and HTML of figures; Plotly escapes what stands in a script."""
    return [
        (
            title,
            Markup(
                figure.to_html(
                    full_html=False,
                    include_plotlyjs=False,
                    include_mathjax=False,
                    div_id=f"{prefix}-figure-{index}",
                    config={"displayModeBar": False, "displaylogo": False},
                )
            ),
        )
        for index, (title, figure) in enumerate(figures)
    ]
