"""What a benchmark says of each compound: the table that summaries, pages and records are made of."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from screen.benchmark import scoring
from screen.core.catalogs import catalog_path
from screen.core.columns import Column
from screen.core.errors import CatalogError, StoreError
from screen.properties import conductivity, expansion
from screen.store import queries, scores
from screen.store.database import Snapshot
from screen.store.macros import STABLE
from screen.store.schema import COST_LEDGER, MATERIALS, OUTCOMES

RECORDED = "benchmarks"
"""Folder of ``catalogs/`` with the tables of runs whose folders are gone, by the run's name."""

_TRANSPORT = {column.name: column for column in conductivity.COLUMNS}
_BY_MODES = tuple(column for column in scoring.COLUMNS if column.name != scores.SRME.name)


def _known(columns: tuple[Column, ...], *names: str) -> list[Column]:
    by_name = {column.name: column for column in columns}
    return [by_name[name] for name in names]


_EXPANSION = tuple(_known(expansion.COLUMNS, "expansion_300", "expansion_a_300", "expansion_c_300"))

COLUMNS: tuple[Column, ...] = (
    Column("compound", "VARCHAR", "compound", "Identifier in the catalog, e.g. LiBr-rs"),
    *_known(MATERIALS.columns, "formula", "prototype"),
    Column("model", "VARCHAR", "potential", "Name of the potential"),
    Column("protocol", "VARCHAR", "protocol", "Name of the protocol"),
    *_known(OUTCOMES.columns, "status"),
    STABLE,
    Column("failure_kind", "VARCHAR", "failure", "Kind of the first failure"),
    *(_TRANSPORT[name] for name in ("kappa_300", "kappa_p_300", "kappa_c_300")),
    scores.NAC,
    scores.REFERENCE,
    scores.SRD,
    scores.SRE,
    scores.SRME,
    *(_TRANSPORT[name] for name in ("temperatures", "kappa_p", "kappa_c")),
    *_BY_MODES,
    *_EXPANSION,
    *_known(COST_LEDGER.columns, "wall_s", "cpu_s", "evaluations", "atoms"),
    *_known(OUTCOMES.columns, "model_digest", "protocol_digest"),
)
"""One row per compound, potential and protocol; errors are those at 300 K."""

_KEY = "material_id, model_digest, protocol_digest"


def read_compounds(snapshot: Snapshot) -> pa.Table:
    """Read the table from a published run.

    Raises
    ------
    StoreError
        No material of the run has a reference and a result.
    """
    present = {
        name: {column.name for column in queries.columns_of(snapshot, name)}
        for name in ("conductivity", scores.MODE_SUMMARY, "expansion")
    }
    if not present["conductivity"]:
        raise StoreError(f"{snapshot.path.parent}: the run holds no conductivities")
    table = snapshot.query(_sql(present))
    if not table.num_rows:
        raise StoreError(
            f"{snapshot.path.parent}: no material of this run has both a reference conductivity "
            'and a result; those of [source] name = "benchmark" have references'
        )
    return table


def _sql(present: dict[str, set[str]]) -> str:
    """Return the query; what the run lacks is NULL."""

    def of(table: str, *columns: Column) -> list[str]:
        return [
            f"{table}.{column.name}"
            if column.name in present[table]
            else f"NULL::{column.sql_type} AS {column.name}"
            for column in columns
        ]

    judged = ("formula", "prototype", "model", "protocol", "status", "stable", "failure_kind")
    errors = (scores.NAC, scores.REFERENCE, scores.SRD, scores.SRE, scores.SRME)
    selected = [
        "benchmark.material_id AS compound",
        *(f"benchmark.{name}" for name in (*judged, "kappa_300")),
        *of("conductivity", *(_TRANSPORT[name] for name in ("kappa_p_300", "kappa_c_300"))),
        *(f"benchmark.{column.name}" for column in errors),
        *of("conductivity", *(_TRANSPORT[name] for name in ("temperatures", "kappa_p", "kappa_c"))),
        *of(scores.MODE_SUMMARY, *_BY_MODES),
        *of("expansion", *_EXPANSION),
        *(f"spent.{name}" for name in ("wall_s", "cpu_s", "evaluations", "atoms")),
        *(f"benchmark.{name}" for name in ("model_digest", "protocol_digest")),
    ]
    joined = [f"LEFT JOIN {name} USING ({_KEY})" for name, columns in present.items() if columns]
    return f"""
SELECT {", ".join(selected)}
FROM benchmark
{" ".join(joined)}
LEFT JOIN (
  SELECT {_KEY}, sum(wall_s) AS wall_s, sum(cpu_s) AS cpu_s,
    sum(evaluations)::BIGINT AS evaluations, sum(atoms)::BIGINT AS atoms
  FROM cost_ledger GROUP BY ALL
) AS spent USING ({_KEY})
ORDER BY model, protocol, prototype, compound"""


def recorded(name: str) -> pa.Table | None:
    """Read the table of the run called ``name`` from the catalogs; None if there is none."""
    try:
        path = catalog_path(f"{RECORDED}/{name}.parquet")
    except CatalogError:
        return None
    return pq.read_table(path)


def record(table: pa.Table, path: Path) -> pa.Table:
    """Write the table beside what ``path`` already holds; new rows replace those of one key.

    A run whose folder is lost goes on in a new folder, with other compounds.
    """
    key = ("compound", "model_digest", "protocol_digest")
    if path.is_file():
        old = pq.read_table(path).to_pylist()
        taken = {tuple(row[name] for name in key) for row in table.to_pylist()}
        kept = [row for row in old if tuple(row[name] for name in key) not in taken]
        table = pa.concat_tables([table, pa.Table.from_pylist(kept, schema=table.schema)])
    table = table.sort_by([(name, "ascending") for name in ("model", "prototype", "compound")])
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="zstd")
    return table
