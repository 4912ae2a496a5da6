"""Files of one material for other programs: CIF, JSON, phono3py's force constants, its modes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pyarrow as pa

from dashboard import cells, sheet
from dashboard.filters import quoted
from dashboard.potentials import Row
from dashboard.sheet import Result
from screen.core.columns import Column
from screen.core.errors import StoreError
from screen.core.records import Conductivity, Relaxed
from screen.store.export import write_table
from screen.store.frames import plain
from screen.store.modes import mode_table


def file_name(result: Result, suffix: str) -> str:
    """Return a file's name from material, potential and protocol; any file system takes it."""
    row = result.row
    text = "-".join(str(row[key]) for key in ("material_id", "model", "protocol") if row[key])
    return re.sub(r"[^\w.-]+", "_", text) + suffix


def cif(result: Result, relaxed: Relaxed, version: int) -> str:
    """Write the relaxed crystal with its provenance."""
    about = ("potential", "protocol", "source", "source version", "licence", "citation")
    known = dict(sheet.provenance(result, version))
    comments = [(name, known[name]) for name in about if name in known]
    return cells.cif(relaxed.crystal, [("material", str(result.row["material_id"])), *comments])


def numbers(
    result: Result,
    columns: Mapping[str, Column],
    run: str,
    version: int,
    model: Row | None,
    protocol: Row | None,
    relaxed: Relaxed | None,
) -> str:
    """Write all that is stored about a result as JSON, with the unit of every column."""
    return json.dumps(
        plain(
            {
                "run": run,
                "snapshot": version,
                "results": result.row,
                "properties": dict(result.properties),
                "relaxed": None if relaxed is None else cells.cell_numbers(relaxed),
                "failures": list(result.failures),
                "costs": result.costs.to_pylist(),
                "artifacts": dict(result.artifacts),
                "versions": dict(result.versions),
                "potential": model,
                "protocol": protocol,
                "units": {name: column.unit for name, column in columns.items() if column.unit},
            }
        ),
        indent=1,
        ensure_ascii=False,
        allow_nan=False,
    )


def modes(record: Conductivity) -> bytes:
    """Write all phonon modes at all temperatures as Parquet; units are in the names."""
    buffer = BytesIO()
    write_table(mode_table(record), "parquet", buffer)
    return buffer.getvalue()


def phono3py(run: Path, result: Result) -> bytes:
    """Return a ZIP of the files that ``thermoscreen export phono3py`` writes.

    In a process of its own: the dashboard computes no physics, and phono3py's memory goes with it.

    Raises
    ------
    StoreError
        The command failed; its own message.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "screen", "export", "phono3py", "--run", str(run)]
        done = subprocess.run(
            [*command, "--where", where(result), folder],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise StoreError(done.stderr.strip() or f"the export failed ({done.returncode})")
        return _zipped(Path(folder))


def where(result: Result) -> str:
    """Return the SQL condition of one outcome on the view ``results``."""
    keys = ("material_id", "model_digest", "protocol_digest")
    return " AND ".join(f"{key} = {quoted(str(result.row[key]))}" for key in keys)


def _zipped(folder: Path) -> bytes:
    """Pack all files below a folder."""
    buffer = BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return buffer.getvalue()


def materials_project_url(identifier: str | None) -> str | None:
    """Return the address of an entry of the Materials Project; None if it is none of its ids."""
    if identifier is None or not re.fullmatch(r"(mp|mvc)-\w+", identifier):
        return None
    return f"https://next-gen.materialsproject.org/materials/{identifier}"


def csv(table: pa.Table) -> bytes:
    """Write a table exactly as it stands as CSV in UTF-8."""
    buffer = BytesIO()
    write_table(table, "csv", buffer)
    return buffer.getvalue()
