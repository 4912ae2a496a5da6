"""One material under one potential and protocol, cut out of all that the run knows about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dashboard import display
from screen.core.columns import Column
from screen.core.crystal import Crystal
from screen.store.queries import MaterialSheet

Row = Mapping[str, Any]

HEADLINES = ("kappa_300", "kappa_c_300", "expansion_300", "gruneisen_300", "bulk_modulus")
DETAILS = (
    "kappa_p_300",
    "wave_like_share_300",
    "overdamped_share_300",
    "median_mean_free_path_300",
    "kappa_reference_300",
    "kappa_reference_nac_300",
    "heat_capacity_300",
    "min_frequency",
    "max_frequency",
    "volume_per_atom",
    "band_gap",
    "energy_above_hull",
)


@dataclass(frozen=True)
class Result:
    """What one potential has found under one protocol."""

    row: Row  # of the view ``results``
    properties: Mapping[str, Row]  # property -> its own row
    failures: tuple[Row, ...]
    costs: pa.Table
    artifacts: Mapping[str, str]  # stage -> key
    versions: Mapping[str, str]  # package -> version

    @property
    def label(self) -> str:
        """What has computed it."""
        return f"{self.row['model'] or 'unknown potential'} · {self.row['protocol'] or 'unknown'}"

    @property
    def reference_300(self) -> float | None:
        """The reference conductivity at 300 K in W/m/K that compares: with NAC if κ is."""
        nac = self.properties.get("conductivity", {}).get("nac")
        value: float | None = self.row["kappa_reference_nac_300" if nac else "kappa_reference_300"]
        return value


def results(sheet: MaterialSheet) -> list[Result]:
    """Return one result per potential and protocol, newest first."""
    rows = sorted(sheet.results.to_pylist(), key=lambda row: str(row["finished_at"]), reverse=True)
    return [_result(sheet, row) for row in rows]


def _result(sheet: MaterialSheet, row: Row) -> Result:
    """Collect what belongs to one row of the view."""
    outcome = _of(sheet.outcomes, row).to_pylist()[0]
    properties = {name: _of(table, row).to_pylist() for name, table in sheet.properties.items()}
    return Result(
        row=row,
        properties={name: found[0] for name, found in properties.items() if found},
        failures=tuple(_of(sheet.failures, row).to_pylist()),
        costs=_of(sheet.costs, row),
        artifacts=json.loads(outcome["artifacts"] or "{}"),
        versions=json.loads(outcome["versions"] or "{}"),
    )


def _of(table: pa.Table, row: Row) -> pa.Table:
    """Return the rows of the same potential and protocol."""
    same = pc.and_(
        pc.equal(table["model_digest"], row["model_digest"]),
        pc.equal(table["protocol_digest"], row["protocol_digest"]),
    )
    return table.filter(same)


def crystal_given(sheet: MaterialSheet) -> Crystal | None:
    """Return the crystal as the source gave it; None if it had no readable one."""
    for row in sheet.material.to_pylist():
        if row["lattice"] is not None:
            return Crystal(row["lattice"], row["numbers"], row["fractional"])
    return None


def headline(row: Row, columns: Mapping[str, Column], name: str) -> tuple[str, str, str]:
    """Return label with unit, value and description of a number."""
    column = columns[name]
    return (
        display.shown_column(column).header,
        display.number(row[name], column),
        column.description,
    )


def key_numbers(result: Result, columns: Mapping[str, Column]) -> list[tuple[str, str]]:
    """Return the quantities that have a value, with unit, and the space groups."""
    row, reference = result.row, result.reference_300
    found = [
        headline(row, columns, name)[:2]
        for name in (*HEADLINES, *DETAILS)
        if name in columns and row[name] is not None
    ]
    if reference and row.get("kappa_300") is not None:
        found.append(("κ / reference κ (300 K)", display.plain(row["kappa_300"] / reference)))
    return [*found, *_space_groups(row)]


def _space_groups(row: Row) -> list[tuple[str, str]]:
    """Return the space groups before and after the relaxation."""
    if row.get("space_group") is None:
        return []
    before, after = row["space_group_before"], row["space_group"]
    return [
        ("space group as given", display.space_group(before)),
        ("space group relaxed", display.space_group(after)),
    ]


def provenance(result: Result, snapshot_version: int) -> list[tuple[str, str]]:
    """Return where the numbers come from: names, versions, digests."""
    row, transport = result.row, result.properties.get("conductivity", {})
    solver = " ".join(str(transport[key]) for key in ("solver", "solver_version") if transport)
    facts = [
        ("potential", row["model"]),
        ("model digest", row["model_digest"]),
        ("protocol", row["protocol"]),
        ("protocol digest", row["protocol_digest"]),
        ("crystal digest", row["crystal_digest"]),
        ("transport solver", solver),
        ("q-mesh", transport.get("mesh")),
        ("isotope scattering", _yes_or_no(transport.get("isotopes"))),
        ("non-analytical correction", _yes_or_no(transport.get("nac"))),
        ("source", row["source"]),
        ("source version", row["db_version"]),
        ("licence", row["licence"]),
        ("citation", row.get("citation")),  # later than the first snapshots
        ("reference", row["reference"]),
        ("finished", f"{row['finished_at']:%Y-%m-%d %H:%M} UTC" if row["finished_at"] else None),
        ("wall time", display.duration(row["wall_s"])),
        ("CPU time", display.duration(row["cpu_s"])),
        ("snapshot", str(snapshot_version)),
    ]
    return [(name, str(value)) for name, value in facts if value]


def _yes_or_no(value: bool | None) -> str | None:
    return None if value is None else display.number(value)


def ensemble(row: Mapping[str, Any]) -> str | None:
    """Say what several potentials found together; None where only one was asked."""
    median, spread = row.get("kappa_300_median"), row.get("kappa_300_spread")
    disagree = row.get("models_disagree")
    if spread is not None:
        text = (
            f"Median of {row['models_compared']} potentials at 300 K: "
            f"κ = {median:.3g} ± {spread:.2g} W/m/K (half their range)."
        )
    elif disagree:
        text = "Some potentials find imaginary modes, others none."
    else:
        return None
    return f"{text} :orange-badge[potentials disagree]" if disagree else text
