"""A run folder as such: what was asked for, by which versions it was done, what it has cost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from screen.core.settings import Campaign, read_campaign
from screen.store import queries
from screen.store.database import Snapshot
from screen.store.layout import (
    artifacts_folder,
    campaign_file,
    database_file,
    snapshots_folder,
)
from screen.store.snapshots import snapshot_file, versions

MEGABYTE = 1e6


def is_run(folder: Path) -> bool:
    """Say whether a folder is a run, finished or just begun."""
    return database_file(folder).is_file() or snapshots_folder(folder).is_dir()


def runs_below(folder: Path) -> list[Path]:
    """Return the runs in a folder that is none itself, by name; none where it is one."""
    if not folder.is_dir() or is_run(folder):
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and is_run(path))


COSTS = """SELECT stage, coalesce(models.name, 'not attributed') AS potential,
  count(*) AS executions, sum(wall_s) AS wall_s, sum(cpu_s) AS cpu_s,
  median(wall_s) AS median_wall_s, max(peak_mb) AS peak_mb,
  sum(evaluations)::BIGINT AS evaluations, sum(atoms)::BIGINT AS atoms,
  count(DISTINCT host) AS hosts
FROM {ledger} AS ledger LEFT JOIN models ON models.model_digest = ledger.model_digest
GROUP BY ALL ORDER BY wall_s DESC, stage, potential"""
VERSIONS = """SELECT versions, count(*) AS outcomes, min(finished_at) AS first, max(finished_at) AS last
FROM outcomes GROUP BY versions ORDER BY last DESC NULLS LAST, versions"""


@dataclass(frozen=True)
class SnapshotFile:
    """A published snapshot on the disk."""

    version: int
    published_at: datetime  # UTC
    size: int  # bytes
    shown: bool


def snapshots(run: Path, shown: int) -> list[SnapshotFile]:
    """Return the snapshots that the run still keeps, the newest first; ``shown`` is the one on the page."""
    folder = snapshots_folder(run)
    found = []
    for version in reversed(versions(folder)):
        try:
            status = snapshot_file(folder, version).stat()
        except FileNotFoundError:  # the writer has dropped it meanwhile
            continue
        moment = datetime.fromtimestamp(status.st_mtime, UTC)
        found.append(SnapshotFile(version, moment, status.st_size, version == shown))
    return found


def campaign_text(run: Path) -> str | None:
    """Return the campaign file that the run keeps; None if it has none."""
    try:
        return campaign_file(run).read_text(encoding="utf-8")
    except (FileNotFoundError, UnicodeDecodeError):
        return None


def campaign_facts(run: Path) -> list[tuple[str, str]]:
    """Return what the campaign asks for.

    Raises
    ------
    SettingsError
        The file is missing, or this version of Thermoscreen cannot read it.
    """
    campaign = read_campaign(campaign_file(run))
    return [
        ("campaign", campaign.name),
        ("source", campaign.source.name),
        ("potentials", ", ".join(str(item.name or item.family) for item in campaign.models)),
        ("protocol", campaign.protocol.name),
        ("protocol digest", campaign.protocol.digest),
        ("temperatures [K]", ", ".join(f"{value:g}" for value in campaign.protocol.temperatures)),
        ("properties", ", ".join(campaign.properties)),
        ("cluster", campaign.cluster.name),
        ("funnel", _funnel(campaign)),
    ]


def _funnel(campaign: Campaign) -> str:
    return "none: every stable candidate goes all the way" if campaign.funnel is None else "yes"


def folder_facts(run: Path) -> list[tuple[str, str]]:
    """Return where the run's parts lie."""
    database = database_file(run)
    size = f"{database.stat().st_size / MEGABYTE:.1f} MB" if database.is_file() else "none"
    return [
        ("run folder", str(run)),
        ("records of stages", str(artifacts_folder(run))),
        ("live database", size),
    ]


def costs(snapshot: Snapshot) -> pa.Table:
    """Sum up what each stage has cost, by potential."""
    return snapshot.query(costs_sql(snapshot))


def costs_sql(snapshot: Snapshot) -> str:
    """Return the query of ``costs``: earlier snapshots have the ledger under another name."""
    there = queries.columns_of(snapshot, "cost_ledger")
    return COSTS.format(ledger="cost_ledger" if there else "costs")


def package_versions(snapshot: Snapshot) -> pa.Table:
    """Return which versions of packages made how many outcomes, one row per set of versions."""
    rows = snapshot.query(VERSIONS).to_pylist()
    sets: list[Mapping[str, str]] = [json.loads(row["versions"] or "{}") for row in rows]
    packages = sorted({package for item in sets for package in item})
    return pa.table(
        {
            "outcomes": [row["outcomes"] for row in rows],
            "first [UTC]": [row["first"] for row in rows],
            "last [UTC]": [row["last"] for row in rows],
            **{package: [item.get(package) for item in sets] for package in packages},
        }
    )


def mixed(versions: pa.Table) -> bool:
    """Say whether some package has several versions; potentials have packages of their own."""
    packages = versions.column_names[3:]
    return any(len(versions[name].drop_null().unique()) > 1 for name in packages)
