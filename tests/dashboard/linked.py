"""What a user does with the linked plot and table, and where the page leads from there."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from dashboard.downloads import OPEN

from .reading import checked


def mark(app: AppTest, *rows: int) -> AppTest:
    """Mark rows of the table of a ranking, counted from 0."""
    key = next(item.proto.id for item in app.dataframe if "-table-" in item.proto.id)
    name = key[key.index("table-") :]
    app.session_state[name] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}
    return checked(app.run())


def click(app: AppTest, *materials: str) -> AppTest:
    """Click points of the plot."""
    return _select(app, materials, [])


def draw_box(app: AppTest, x: tuple[float, float], kappa: tuple[float, float]) -> AppTest:
    """Draw a box in the units of the axes."""
    return _select(app, (), [{"x": list(x), "y": list(kappa)}])


def _select(app: AppTest, materials: tuple[str, ...], box: list[dict[str, list[float]]]) -> AppTest:
    points = [{"customdata": [material]} for material in materials]
    app.session_state["scatter"] = {
        "selection": {"points": points, "box": box, "lasso": []},
    }
    return checked(app.run())


def links(app: AppTest) -> dict[str, str]:
    """Labels of the links to materials on the page, and their query strings."""
    return {
        item.proto.label: item.proto.query_string
        for item in app.get("page_link")
        if item.proto.label != OPEN
    }
