"""Where everything lies inside a run folder."""

from __future__ import annotations

from pathlib import Path


def campaign_file(run: Path) -> Path:
    """Return the copy of the campaign's settings."""
    return run / "campaign.toml"


def database_file(run: Path) -> Path:
    """Return the live database: only the driver opens it, and only through DuckDB."""
    return run / "campaign.duckdb"


def snapshots_folder(run: Path) -> Path:
    """Return the folder of published snapshots."""
    return run / "snapshots"


def artifacts_folder(run: Path) -> Path:
    """Return the folder of stage records."""
    return run / "artifacts"


def ledger_folder(run: Path) -> Path:
    """Return the folder of the cost ledger."""
    return run / "ledger"
