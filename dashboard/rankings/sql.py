"""The SQL of a page of ranked materials: complete, without parameters, for people to take away.

It rests on the macros of every snapshot (``screen.store.macros``, ``screen.store.ranked``), so
that any DuckDB client gives the rows that the page shows.
"""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.filters import between, conditions, quoted
from dashboard.rankings.columns import columns_of
from dashboard.rankings.question import Box, Question
from dashboard.rankings.rows import Rows, listed

POINTS_OF_BEST = 300  # in the plot in any case
POINTS = 1500  # in the plot, with a sample of the others


def table_sql(question: Question, rows: Rows) -> str:
    """Return the query of all rows that a page lists, in their order, without LIMIT."""
    names = ", ".join(column.name for column in columns_of(question, rows.facts))
    return (
        f"{_ranked(question, rows)}\nSELECT {names}\nFROM ranked{_where(_shown(question))}\n"
        f"{_order(question)}"
    )


def shown_sql(question: Question, rows: Rows, size: int, page: int) -> str:
    """Return one query of all that a page shows, for ranking takes longer than what comes after.

    Its rows are those of ``points_sql``, ``part`` 1, and those of ``page_sql``, ``part`` 2, each in
    their order; every row has the columns and the counts of both.
    """
    names = dict.fromkeys(column.name for column in columns_of(question, rows.facts))
    listed = ", ".join(names | dict.fromkeys(_plotted(question, rows)))
    table = f"SELECT {listed} FROM ranked{_where(_shown(question))}\n    {_order(question)}"
    cut = f"LIMIT {size} OFFSET {size * (page - 1)}"
    return f"""{_ranked(question, rows, kept=True)}, counts AS (
  SELECT {_counts(question)}
  FROM ranked
)
FROM (
  SELECT 1 AS part, row_number() OVER () AS place, * FROM (
    SELECT {listed} FROM ranked
    {_best_first(question, ())}
  )
  UNION ALL SELECT 2, row_number() OVER (), * FROM (
    {table} {cut}
  )
), counts
ORDER BY part, place"""


def page_sql(question: Question, rows: Rows, size: int, page: int) -> str:
    """Return the query of one page of the table, counted from 1."""
    return f"{table_sql(question, rows)}\nLIMIT {size} OFFSET {size * (page - 1)}"


def points_sql(question: Question, rows: Rows, picked: Sequence[str]) -> str:
    """Return the query of what is plotted: the best, the Pareto front, what is picked, a sample.

    Every row has ``materials``, how many pass the filters, ``plotted``, how many of them have a
    value on the axis, and ``listed``, how many the table lists. The sample is that of the smallest
    hashes: the same for the same materials, no matter in which order they came.
    """
    return (
        f"{_ranked(question, rows)}\nSELECT {', '.join(_plotted(question, rows))},\n"
        f"  {_counts(question, ' OVER ()')}\nFROM ranked\n{_best_first(question, picked)}"
    )


def picked_sql(question: Question, rows: Rows, picked: Sequence[str]) -> str:
    """Return the query of some materials by id, with their places in the ranking."""
    names = ", ".join(column.name for column in columns_of(question, rows.facts))
    ids = ", ".join(quoted(item) for item in picked)
    return (
        f"{_ranked(question, rows)}\nSELECT {names}\nFROM ranked\n"
        f"WHERE material_id IN ({ids})\nORDER BY rank"
    )


def _plotted(question: Question, rows: Rows) -> list[str]:
    """Return the columns that a plot needs."""
    x, spread = question.criterion.column.name, question.criterion.spread
    flags = ("models_disagree", "fc3_fit_poor", "expansion_doubt")
    about = ("material_id", "formula", "prototype", "rank", "temperature")
    shown = dict.fromkeys((*about, "kappa", "kappa_spread", x, spread or x, *flags))
    there = {column.name for column in columns_of(question, rows.facts)}
    return [name for name in shown if name in there] + ["pareto_optimal"] * question.has_front


def _counts(question: Question, over: str = "") -> str:
    """Count the materials that pass, that have a value on the axis, and that the table lists."""
    x, inside = question.criterion.column.name, " AND ".join(_shown(question)) or "TRUE"
    return (
        f"count(*){over} AS materials, count({x}){over} AS plotted,\n"
        f"  count_if({inside}){over} AS listed"
    )


def _best_first(question: Question, picked: Sequence[str]) -> str:
    """Put first what is plotted in any case, then the others in an order of chance; cut."""
    first = [f"rank <= {POINTS_OF_BEST}"] + ["pareto_optimal"] * question.has_front
    if picked:
        first.append(f"material_id IN ({', '.join(quoted(item) for item in picked)})")
    x = question.criterion.column.name
    return f"ORDER BY {x} IS NULL, ({' OR '.join(first)}) DESC, hash(material_id)\nLIMIT {POINTS}"


def _order(question: Question) -> str:
    """Return the order of the table."""
    order = question.order
    direction = " DESC" if order.descending else ""
    ties = "" if order.column == "rank" else ", rank"
    return f"ORDER BY {order.column}{direction} NULLS LAST{ties}"


def _ranked(question: Question, rows: Rows, kept: bool = False) -> str:
    """Return the rows that pass the filters, with rank and, where asked for, Pareto front.

    Parameters
    ----------
    kept
        They are read several times, and to be computed once.
    """
    lowest_first = question.kind == "insulators"
    match = question.match
    extra, wanted = "", conditions(question.filters)
    if match is not None:
        distance = f"abs(expansion - {match.expansion!r})"
        extra = f",\n    expansion - {match.expansion!r} AS expansion_mismatch"
        wanted.append(f"{distance} <= {match.max_mismatch!r}")
        if match.min_band_gap is not None:
            wanted.append(f"(band_gap IS NULL OR band_gap >= {match.min_band_gap!r})")
        goal, ties = distance, f", {distance}"
    else:
        goal = f"{'-' * (question.prefer == 'high')}{question.criterion.column.name}"
        ties = ""
    if question.has_front:
        extra += f",\n    {_front(goal, lowest_first)} AS pareto_optimal"
    window = (
        "\n  WINDOW better AS (ORDER BY goal GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),\n"
        "    as_good AS (ORDER BY goal GROUPS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
    ).replace("goal", goal)
    return f"""WITH listed AS (
{listed(question, rows)}
), ranked AS{" MATERIALIZED" * kept} (
  SELECT row_number() OVER (ORDER BY kappa{" DESC" * (not lowest_first)}{ties}, material_id) AS rank, *{extra}
  FROM listed{_where(wanted)}{window * question.has_front}
)"""


def _front(goal: str, lowest_first: bool) -> str:
    """Return SQL for: no other material is at least as good in κ and goal, and better in one."""
    best, better = ("min", "<") if lowest_first else ("max", ">")
    return (
        f"{goal} IS NOT NULL AND kappa = {best}(kappa) OVER as_good\n"
        f"      AND coalesce(kappa {better} {best}(kappa) OVER better, TRUE)"
    )


def _shown(question: Question) -> list[str]:
    """Return what the table leaves out of the ranking without changing ranks or front."""
    found = ["pareto_optimal"] * (question.front_only and question.has_front)
    return found + ([] if question.box is None else _inside(question.box, question))


def _inside(box: Box, question: Question) -> list[str]:
    return between(question.criterion.column.name, *box.x) + between("kappa", *box.kappa)


def _where(wanted: Sequence[str]) -> str:
    return "".join(
        f"\n  {'AND' if index else 'WHERE'} {condition}" for index, condition in enumerate(wanted)
    )
