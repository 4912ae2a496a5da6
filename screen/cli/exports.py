"""``thermoscreen export``: tables and force constants of a run as files of other programs."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Annotated

import typer

from screen import console
from screen.core.digest import digest_of_json
from screen.core.errors import SettingsError, StoreError
from screen.core.records import ForceConstants
from screen.store.artifacts import Artifacts
from screen.store.database import open_snapshot
from screen.store.layout import artifacts_folder
from screen.store.tables import export_tables

app = typer.Typer(help="Write a run's tables or force constants as files of other programs.")

Run = Annotated[Path, typer.Option("--run", help="Run folder, e.g. runs/demo.")]


@app.command()
def tables(run: Run, folder: Annotated[Path, typer.Argument(help="Folder to write to.")]) -> None:
    """Write every table as Parquet, with the meaning and unit of each column."""
    with open_snapshot(run) as snapshot:
        written = export_tables(snapshot, run, folder)
    console.print_message("\n".join(map(str, written)))


@app.command()
def phono3py(
    run: Run,
    folder: Annotated[Path, typer.Argument(help="Folder to write to.")],
    where: Annotated[
        str, typer.Option(help='SQL condition on the view results, e.g. "kappa_300 > 100".')
    ] = "true",
) -> None:
    """Write force constants for phono3py, one folder per material, potential and protocol."""
    from screen.physics.phono3py_files import write_phono3py_files

    artifacts = Artifacts(artifacts_folder(run))
    written = 0
    for target, stage, key in _force_constants(run, where):
        record = artifacts.read(stage, key)
        if not isinstance(record, ForceConstants):
            raise StoreError(f"{artifacts.path(stage, key)} is missing: thermoscreen store verify")
        try:
            write_phono3py_files(record, folder / target)
        except OSError as error:
            raise SettingsError(f"cannot write to {folder}: {error.strerror or error}") from error
        written += 1
    if not written:
        raise SettingsError(f"no material where {where} has force constants; see its failures")
    console.print_message(f"{folder}: force constants of {written} outcomes")


def _force_constants(run: Path, where: str) -> Iterator[tuple[Path, str, str]]:
    """Yield a folder's name, stage and key for each outcome that has force constants."""
    with open_snapshot(run) as snapshot:
        found = snapshot.query(
            "SELECT o.material_id, o.model_digest, o.protocol_digest, o.artifacts FROM outcomes AS o "
            "SEMI JOIN (SELECT material_id, model_digest, protocol_digest FROM results "
            f"WHERE {where}\n) AS chosen USING (material_id, model_digest, protocol_digest) "
            "ORDER BY ALL"
        ).to_pylist()
    pairs = {(row["model_digest"], row["protocol_digest"]) for row in found}
    folders = _folder_names({row["material_id"] for row in found})
    for row in found:
        keys = json.loads(row["artifacts"])
        stage = next((name for name in ("fc3", "fc2") if name in keys), None)
        if stage is not None:
            target = Path(folders[row["material_id"]])
            if len(pairs) > 1:
                target /= f"{row['model_digest'][:8]}-{row['protocol_digest'][:8]}"
            yield target, stage, keys[stage]


def _folder_names(materials: Collection[str]) -> dict[str, str]:
    """Return a folder's name for each material: its identifier, with its digest if need be.

    That is where letters are replaced, or where two names are one on a file system that does not
    tell upper from lower case.
    """
    taken = Counter(material.casefold() for material in materials)
    return {
        material: material
        if _plain(material) == material and taken[material.casefold()] == 1
        else f"{_plain(material)}-{digest_of_json([material])[:8]}"
        for material in materials
    }


def _plain(material: str) -> str:
    """Return an identifier with letters that any file system takes, and not hidden by a dot."""
    letters = (letter if letter.isalnum() or letter in "._-" else "_" for letter in material)
    return re.sub(r"^\.+", "_", "".join(letters))
