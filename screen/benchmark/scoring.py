"""Score a run: what the modes of its conductivities say, and how far they are from references."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

from screen.benchmark import accuracy
from screen.benchmark.references import ModeReference, read_references
from screen.benchmark.verdicts import BY_TEMPERATURE, verdict_columns
from screen.core.errors import CatalogError
from screen.core.records import Conductivity
from screen.store.artifacts import Artifacts
from screen.store.database import Snapshot, Writer, open_snapshot
from screen.store.frames import Row, table_of
from screen.store.layout import artifacts_folder
from screen.store.schema import OUTCOME_KEY_NAMES, property_table
from screen.store.scores import MODE_SUMMARY

COLUMNS = (*accuracy.COLUMNS, *BY_TEMPERATURE)
TABLE = property_table(MODE_SUMMARY, COLUMNS)

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
        rows = list(_rows(run, snapshot, _References(references), scored))
    with Writer(run, {MODE_SUMMARY: COLUMNS}) as writer:
        writer.restore({MODE_SUMMARY: table_of(MODE_SUMMARY, TABLE.columns, rows)})
        writer.publish()
    return scored


def _rows(run: Path, snapshot: Snapshot, known: _References, scored: Scored) -> Iterator[Row]:
    """Yield the errors of every conductivity that has a reference."""
    artifacts = Artifacts(artifacts_folder(run))
    for item in snapshot.query(_COMPARABLE).to_pylist():
        compound = item["material_id"]
        record = artifacts.read("conductivity", item["key"])
        if not isinstance(record, Conductivity):
            scored.left_out[compound] = "its record is gone"
            continue
        try:
            found = accuracy.accuracy(record, known.of(compound, item["nac"]))
            nac = known.with_nac.get(compound)
            srme_nac = None if nac is None else accuracy.accuracy(record, nac).srme_300
        except CatalogError as error:
            scored.left_out[compound] = str(error)
            continue
        scored.compared += 1
        key = {name: item[name] for name in OUTCOME_KEY_NAMES}
        yield {**key, **asdict(found), "srme_nac_300": srme_nac, **verdict_columns(record)}


@dataclass(frozen=True)
class _References:
    """Where references come from, read when they are needed."""

    folder: Path | None

    def of(self, compound: str, nac: bool) -> ModeReference:
        """Return the reference of a compound; raises ``CatalogError`` where there is none."""
        found = self.with_nac if nac else self.without_nac
        if nac and not found:
            read_references(self.folder, nac=True)  # raises, with the way out
        if compound not in found:
            raise CatalogError(f"there is no mode-resolved reference of {compound}")
        return found[compound]

    @cached_property
    def without_nac(self) -> Mapping[str, ModeReference]:
        return read_references(self.folder)

    @cached_property
    def with_nac(self) -> Mapping[str, ModeReference]:
        """Empty where the file is not to be had: it is in no public repository."""
        try:
            return read_references(self.folder, nac=True)
        except CatalogError:
            return {}
