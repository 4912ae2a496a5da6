"""Score a run: compare its stored conductivities with references and write down the errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from screen.benchmark.accuracy import COLUMNS, accuracy
from screen.benchmark.references import read_references
from screen.core.errors import CatalogError
from screen.core.records import Conductivity
from screen.store.artifacts import Artifacts
from screen.store.database import Snapshot, Writer, open_snapshot
from screen.store.frames import Row, table_of
from screen.store.layout import artifacts_folder
from screen.store.schema import OUTCOME_KEY_NAMES, property_table
from screen.store.scores import ACCURACY

TABLE = property_table(ACCURACY, COLUMNS)

_COMPARABLE = f"""
SELECT {", ".join(OUTCOME_KEY_NAMES)}, json_extract_string(artifacts, '$.conductivity') AS key,
  coalesce(conductivity.nac, FALSE) AS nac
FROM outcomes
JOIN conductivity USING ({", ".join(OUTCOME_KEY_NAMES)})
JOIN materials USING (material_id)
WHERE materials.source = 'benchmark' AND key IS NOT NULL
ORDER BY ALL
"""


@dataclass
class Scored:
    """How many conductivities were compared mode by mode, and why others were not."""

    compared: int = 0
    left_out: dict[str, str] = field(default_factory=dict)  # compound -> reason


def score(run: Path, references: Path | None = None) -> Scored:
    """Compare all conductivities of benchmark compounds, store the errors and publish.

    Doing it again changes nothing; a campaign that computes a compound anew drops its errors, and
    so does a database that is rebuilt.

    Parameters
    ----------
    references
        See ``screen.benchmark.references.read_references``.

    Raises
    ------
    StoreError
        The run has no results, or a driver writes to it.
    CatalogError
        The references are not to be had.
    """
    scored = Scored()
    with open_snapshot(run) as snapshot:
        rows = list(_rows(run, snapshot, references, scored))
    with Writer(run, {ACCURACY: COLUMNS}) as writer:
        writer.restore({ACCURACY: table_of(ACCURACY, TABLE.columns, rows)})
        writer.publish()
    return scored


def _rows(run: Path, snapshot: Snapshot, folder: Path | None, scored: Scored) -> Iterator[Row]:
    """Yield the errors of every conductivity that has a reference."""
    artifacts = Artifacts(artifacts_folder(run))
    known = {}
    for item in snapshot.query(_COMPARABLE).to_pylist():
        nac = item["nac"]
        if nac not in known:
            known[nac] = read_references(folder, nac)
        compound = item["material_id"]
        record = artifacts.read("conductivity", item["key"])
        if not isinstance(record, Conductivity) or compound not in known[nac]:
            scored.left_out[compound] = "its record or its reference is gone"
            continue
        try:
            found = accuracy(record, known[nac][compound])
        except CatalogError as error:
            scored.left_out[compound] = str(error)
            continue
        scored.compared += 1
        yield {**{name: item[name] for name in OUTCOME_KEY_NAMES}, **asdict(found)}
