"""What a page shows, read from Streamlit's test harness."""

from __future__ import annotations

import json
from collections.abc import Callable

from streamlit.testing.v1 import AppTest

OpenPage = Callable[..., AppTest]
CHARTS = [
    *("conductivity", "bands", "lifetimes", "carriers", "coherences"),
    *("expansion", "gruneisen", "structure"),
]


def checked(app: AppTest) -> AppTest:
    assert not app.exception, app.exception[0].value
    return app


def charts(app: AppTest) -> dict[str, dict]:
    """Figures on the page by key."""
    found = {}
    for element in app.get("plotly_chart"):
        key = element.proto.id.split("-")[-1]
        found[key] = json.loads(element.proto.spec)
    return found


def texts(app: AppTest) -> str:
    """All that the page says outside of tables and charts."""
    kinds = ("title", "subheader", "caption", "info", "warning", "error", "markdown")
    return "\n".join(str(item.value) for kind in kinds for item in app.get(kind))


def table(app: AppTest, *columns: str) -> dict[str, list]:
    """The first table that has these columns."""
    for item in app.dataframe:
        if set(columns) <= set(item.value.columns):
            return {name: item.value[name].tolist() for name in item.value.columns}
    raise AssertionError(
        f"no table with {columns}: {[list(i.value.columns) for i in app.dataframe]}"
    )


def facts(app: AppTest, index: int) -> dict[str, str]:
    """The pairs of name and value in one of the page's static tables."""
    pairs = app.table[index].value
    return dict(zip(pairs["quantity"], pairs["value"], strict=True))


def select_row(row: int) -> dict[str, object]:
    return {"selection": {"rows": [row], "columns": [], "cells": []}}
