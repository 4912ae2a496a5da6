"""Where everything lies inside a run folder."""

from __future__ import annotations

from pathlib import Path

from screen.core.digest import digest_of_json
from screen.store.location import Location, pointed


def campaign_file(run: Path) -> Path:
    """Return the copy of the campaign's settings."""
    return run / "campaign.toml"


def database_file(run: Path) -> Path:
    """Return the live database: only the driver opens it, and only through DuckDB."""
    return run / "campaign.duckdb"


def snapshots_folder(run: Path) -> Path:
    """Return the folder of published snapshots."""
    return run / "snapshots"


def manifest_folder(run: Path) -> Path:
    """Return the folder of what no artifact holds: candidates, potentials, protocols, failures."""
    return run / "manifest"


def artifacts_folder(run: Path) -> Location:
    """Return where stage records lie: the run folder's own place, or the one that it points to."""
    return pointed(run) or run / "artifacts"


def ledger_folder(run: Path, artifacts: Location | None = None) -> Location:
    """Return where the cost ledger lies: beside records in a bucket, else in the run folder.

    Workers that reach a bucket need not see the run folder. ``artifacts`` is where the records
    are; None looks it up in the run folder. Runs that share a bucket have a ledger each, named by
    the run folder's resolved path, which workers are given.
    """
    if artifacts is None:
        run, artifacts = run.resolve(), artifacts_folder(run)
    if isinstance(artifacts, Path):
        return run / "ledger"
    return f"{artifacts}/_ledger/{digest_of_json([str(run)])}"
