"""SQL macros for what lies between the points of a stored temperature grid.

Between two points ln κ is linear in ln T, which is exact for κ ∝ 1/T, and α is linear in T;
on a point its own value stands; outside the grid there is none.
"""

from __future__ import annotations

from screen.core.columns import Column
from screen.store.relations import (
    Function,
    Relation,
    Selected,
    Stored,
    columns_of,
    listed,
    named,
    of,
    renamed,
)
from screen.store.schema import MATERIALS, MODELS, OUTCOME_KEY, OUTCOMES, PROTOCOLS

PARAMETERS = ("grid", "vals", "kelvin")

_LINEAR = (
    "vals[place_.low] + (vals[place_.high] - vals[place_.low])\n"
    "      * (kelvin - grid[place_.low]) / (grid[place_.high] - grid[place_.low])"
)
_POWERS = (
    "vals[place_.low] * (vals[place_.high] / vals[place_.low])\n"
    "      ** (ln(kelvin / grid[place_.low]) / ln(grid[place_.high] / grid[place_.low]))"
)


def _between(*branches: str) -> str:
    """Return SQL for a value at ``kelvin``.

    A list of one struct serves as LET: the two neighbours are looked up once, not in each branch.
    Names of lambda parameters end in ``_``: an argument's column of the same name would be hidden.
    """
    cases = "\n    ".join(("WHEN place_.low = place_.high THEN vals[place_.low]", *branches))
    return f"""list_transform(
  [{{low: len(list_filter(grid, lambda point_: point_ <= kelvin)),
    high: 1 + len(list_filter(grid, lambda point_: point_ < kelvin))}}],
  lambda place_: CASE
    {cases}
    ELSE {_LINEAR}
  END)[1]"""


FUNCTIONS = (
    Function(
        "at_temperature",
        "Value at a temperature in K between the points of a rising grid: linear in T, for α, "
        "heat capacities, lattice parameters; NULL outside the grid.",
        PARAMETERS,
        _between(),
    ),
    Function(
        "by_powers",
        "Value at a temperature in K between the points of a rising grid: its logarithm linear in "
        "ln T, for κ (exact for κ ∝ 1/T), linear in T next to a zero; NULL outside the grid.",
        PARAMETERS,
        _between(
            "WHEN vals[place_.low] > 0 AND vals[place_.high] > 0 AND grid[place_.low] > 0\n"
            f"      THEN {_POWERS}"
        ),
    ),
)

TEMPERATURE = Column("temperature", "DOUBLE", "T", "Temperature that was asked for", "K")
KAPPA = Column("kappa", "DOUBLE", "κ", "Lattice thermal conductivity", "W/m/K")
KAPPA_P = Column("kappa_p", "DOUBLE", "κ_P", "Its populations part", "W/m/K")
KAPPA_C = Column("kappa_c", "DOUBLE", "κ_C", "Its coherences part", "W/m/K")
SHARE = Column("coherence_share", "DOUBLE", "κ_C/κ", "Share of the coherences in κ")
EXPANSION = Column("expansion", "DOUBLE", "α", "Linear thermal expansion coefficient", "1/K")
STABLE = Column("stable", "BOOLEAN", "stable", "No imaginary phonon and the space group was kept.")
GRIDS = ("temperatures", "expansion_temperatures")  # names of a property's temperature grid


def kappa_sql(stored: Stored, name: str) -> str:
    """Return SQL for a conductivity at ``kelvin``."""
    values = stored.value("conductivity", name, "DOUBLE[]")
    return f'by_powers("conductivity"."temperatures", {values}, kelvin)'


def expansion_sql(stored: Stored) -> str:
    """Return SQL for α at ``kelvin``, NULL if the run has none."""
    grids = [
        column.name
        for table in stored.tables
        for column in table.columns
        if table.name == "expansion" and column.name in GRIDS
    ]
    if not grids:
        return "NULL::DOUBLE"
    return f'at_temperature("expansion"."{grids[0]}", "expansion"."expansion", kelvin)'


def kappa_at(stored: Stored) -> Relation:
    """Return the macro for κ of every outcome at any temperature."""
    selected = [
        *_identity("conductivity"),
        *of(OUTCOMES, ["status"]),
        (STABLE, stored.value("stability", "stable", "BOOLEAN")),
        (TEMPERATURE, "kelvin::DOUBLE"),
        *((column, kappa_sql(stored, column.name)) for column in (KAPPA, KAPPA_P, KAPPA_C)),
    ]
    joins = "JOIN outcomes USING (material_id, model_digest, protocol_digest)\n" + stored.joined(
        "stability"
    )
    return _macro(
        "kappa_at",
        "κ, κ_P and κ_C of every material, potential and protocol at a temperature in K; "
        "grids that do not reach it are left out.",
        selected,
        f'FROM "conductivity"\n{joins}\n{named("conductivity")}'
        if stored.has("conductivity")
        else "",
        "kappa",
        ((SHARE, "kappa_c / nullif(kappa, 0)"),),
    )


def expansion_at(stored: Stored) -> Relation:
    """Return the macro for α of every outcome at any temperature."""
    selected = [
        *_identity("expansion"),
        (TEMPERATURE, "kelvin::DOUBLE"),
        (EXPANSION, expansion_sql(stored)),
    ]
    return _macro(
        "expansion_at",
        "Linear thermal expansion of every material, potential and protocol at a temperature in "
        "K; grids that do not reach it are left out.",
        selected,
        f'FROM "expansion"\n{named("expansion")}' if stored.has("expansion") else "",
        "expansion",
    )


def _identity(table: str) -> list[Selected]:
    """Select whose number it is."""
    (name, model), (protocol_name, protocol) = of(MODELS, ["name"])[0], of(PROTOCOLS, ["name"])[0]
    return [
        *of(MATERIALS, ["formula"]),
        *((column, f'"{table}".{column.name}') for column in OUTCOME_KEY),
        (renamed(name, "model"), model),
        (renamed(protocol_name, "protocol"), protocol),
    ]


def _macro(
    name: str,
    description: str,
    selected: list[Selected],
    source: str,
    wanted: str,
    derived: tuple[Selected, ...] = (),
) -> Relation:
    """Return a macro with one row per outcome that has the wanted number; none without source."""
    if not source:  # the run has not computed it
        selected = [(column, f"NULL::{column.sql_type}") for column, _ in selected]
    more = "".join(f',\n  {sql} AS "{column.name}"' for column, sql in derived)
    where = f"{wanted} IS NOT NULL"
    sql = f"SELECT *{more} FROM (\nSELECT\n  {listed(selected)}\n{source}\n)\nWHERE {where}"
    return Relation(name, description, columns_of([*selected, *derived]), sql, ("kelvin",))
