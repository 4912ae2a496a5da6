"""``thermoscreen store``: check, rebuild, clean and compact a run; ``thermoscreen export``."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import typer

from screen import console
from screen.core.errors import SettingsError, StoreError
from screen.core.records import ForceConstants
from screen.core.registry import find, names
from screen.core.settings import read_campaign
from screen.store import census, queries
from screen.store.artifacts import Artifacts
from screen.store.compact import compact as compact_run
from screen.store.database import Snapshot, Writer, open_snapshot
from screen.store.garbage import Garbage, delete, garbage
from screen.store.layout import artifacts_folder, campaign_file
from screen.store.rebuild import rebuild as rebuild_run
from screen.store.tables import export_tables
from screen.store.tenants import tenant_of, tenants
from screen.store.verify import verify as verify_artifacts

app = typer.Typer(help="Check, rebuild, clean and compact what a run has stored.")
exports = typer.Typer(help="Write a run's tables or force constants as files of other programs.")

Run = Annotated[Path, typer.Option("--run", help="Run folder, e.g. runs/demo.")]
Property = Annotated[
    list[str] | None,
    typer.Option("--property", help="Import path of a property that is not Thermoscreen's."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Hours = Annotated[
    float, typer.Option(min=0, help="Hours for which a file must not have been written to.")
]
_SHOWN = 20  # lines of one kind that people see


def register(root: typer.Typer) -> None:
    """Add the commands to the command line."""
    root.add_typer(app, name="store")
    root.add_typer(exports, name="export")


@app.command()
def verify(
    run: Run,
    set_aside: Annotated[
        bool,
        typer.Option("--set-aside", help="Rename what is broken, so that it is computed again."),
    ] = False,
    properties: Property = None,
    as_json: Json = False,
) -> None:
    """Compare every artifact with the digest that it was written with; exit code 1 on damage."""
    artifacts = Artifacts(artifacts_folder(run))
    with open_snapshot(run) as snapshot:
        referenced = census.referenced(snapshot)
        wanted = _wanted(snapshot, _properties([run], properties))
        verdict = verify_artifacts(artifacts, referenced, wanted)
        missing = [
            {"stage": place[0], "key": place[1], "materials": census.owners(snapshot, place)}
            for place in verdict.missing
        ]
    if set_aside:
        for place in verdict.broken:
            artifacts.set_aside(*place)
    broken = {str(artifacts.path(*place)): why for place, why in sorted(verdict.broken.items())}
    orphaned = [str(artifacts.path(*place)) for place in sorted(verdict.orphaned)]
    if as_json:
        found = {"checked": verdict.checked, "bytes": verdict.size}
        console.print_json({**found, "broken": broken, "missing": missing, "orphaned": orphaned})
    else:
        _list("broken", [f"{where}: {why}" for where, why in broken.items()])
        _list(
            "missing", [f"{m['stage']} {m['key']} of {', '.join(m['materials'])}" for m in missing]
        )
        _list("orphaned", orphaned)
        console.print_message(
            f"{verdict.checked} artifacts, {verdict.size / 1e6:.1f} MB: {len(broken)} broken, "
            f"{len(missing)} missing, {len(orphaned)} orphaned"
        )
        if verdict.damaged:
            console.print_message(
                "to compute them again: `store verify --set-aside`, `store rebuild`, and run the "
                "campaign"
            )
    if verdict.damaged:
        sys.exit(1)


@app.command()
def rebuild(run: Run, properties: Property = None, as_json: Json = False) -> None:
    """Make the database anew from manifest, artifacts and cost ledger, and publish it.

    Exit code 1 if artifacts of some outcomes are gone: running the campaign computes those again.
    """
    from screen.pipeline.campaign import property_columns
    from screen.pipeline.stages import table_name

    known = _properties([run], properties)
    rows = {table_name(name): find("properties", name).row for name in known}
    rebuilt = rebuild_run(run, property_columns(known), rows)
    if as_json:
        console.print_json(vars(rebuilt))
    else:
        _list("lost", [f"{material}: {why}" for material, why in sorted(rebuilt.lost.items())])
        console.print_message(
            f"{run}: {rebuilt.materials} materials, {rebuilt.outcomes} outcomes, "
            f"{rebuilt.executions} executions"
        )
    if rebuilt.lost:
        sys.exit(1)


@app.command()
def gc(
    run: Annotated[
        list[Path], typer.Option("--run", help="Run folder; several if they share artifacts.")
    ],
    really: Annotated[
        bool, typer.Option("--delete/--dry-run", help="Delete, or only say what would go.")
    ] = False,
    older_than: Hours = 24,
    properties: Property = None,
    as_json: Json = False,
) -> None:
    """Delete what nobody will read again; what a campaign that goes on would ask for stays."""
    from screen.pipeline.walk import TRANSIENT

    artifacts = _shared_artifacts(run)
    with ExitStack() as stack:
        if really:
            for folder in run:
                stack.enter_context(_locked(folder))
        keep, parts = set[census.Place](), set[census.Place]()
        for folder in run:
            with open_snapshot(folder) as snapshot:
                keep |= census.referenced(snapshot)
                keep |= _wanted(snapshot, _properties(run, properties))
                joined = census.joined_parts(snapshot, TRANSIENT)
                parts = joined if folder == run[0] else parts & joined
        found = garbage(artifacts, keep, parts, older_than * 3600)
        if really:
            delete(artifacts, found)
    _say_garbage(found, really, as_json)


@app.command()
def compact(run: Run, older_than: Hours = 24) -> None:
    """Pack small artifacts, turn the cost ledger into Parquet, drop all but the newest snapshot."""
    with _locked(run):
        done = compact_run(run, older_than * 3600)
    console.print_message(
        f"{run}: {done.artifacts} artifacts packed, {done.ledger_files} ledger files and "
        f"{done.manifest_lines} lines of the manifest merged, {done.snapshots} snapshots dropped"
    )


@exports.command()
def tables(run: Run, folder: Annotated[Path, typer.Argument(help="Folder to write to.")]) -> None:
    """Write every table as Parquet, with the meaning and unit of each column."""
    with open_snapshot(run) as snapshot:
        written = export_tables(snapshot, run, folder)
    console.print_message("\n".join(map(str, written)))


@exports.command()
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
    for row in found:
        keys = json.loads(row["artifacts"])
        stage = next((name for name in ("fc3", "fc2") if name in keys), None)
        if stage is not None:
            target = Path(_file_name(row["material_id"]))
            if len(pairs) > 1:
                target /= f"{row['model_digest'][:8]}-{row['protocol_digest'][:8]}"
            yield target, stage, keys[stage]


def _file_name(material: str) -> str:
    """Return a material's identifier as one folder's name."""
    return "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in material)


def _wanted(snapshot: Snapshot, properties: Sequence[str]) -> set[census.Place]:
    """Return all artifacts that a campaign of this run would ask for, done or not."""
    from screen.pipeline.stages import keys_of, pipeline_for, table_name
    from screen.pipeline.walk import FAILURES

    known = {table_name(name) for name in properties}
    unknown = [name for name in queries.property_names(snapshot) if name not in known]
    if unknown:
        raise SettingsError(
            f"the run has results of {', '.join(unknown)}, which are no properties of Thermoscreen: "
            f"give their import path, e.g. --property mygroup.{unknown[0]}"
        )
    stages = pipeline_for(properties)
    wanted = set[census.Place]()
    for item in census.asked(snapshot):
        for stage, key in keys_of(item.candidate, item.model_digest, item.protocol, stages).items():
            wanted.update(((stage, key), (FAILURES, key)))
    return wanted


def _properties(runs: Sequence[Path], given: Sequence[str] | None) -> list[str]:
    """Return all properties of Thermoscreen, of the campaign files in the runs, and those given."""
    found = dict.fromkeys(names("properties"))
    for run in runs:
        if campaign_file(run).is_file():
            found.update(dict.fromkeys(read_campaign(campaign_file(run)).properties))
    return list(found | dict.fromkeys(given or ()))


def _shared_artifacts(runs: Sequence[Path]) -> Artifacts:
    """Return the artifacts of runs that keep them in one place, which no other run uses."""
    for run in runs:
        open_snapshot(run).close()  # says so if there is no run
    location = artifacts_folder(runs[0])
    elsewhere = [run for run in runs if artifacts_folder(run) != location]
    if elsewhere:
        raise SettingsError(f"{elsewhere[0]} keeps its artifacts elsewhere than {runs[0]}")
    others = tenants(location) - {tenant_of(run) for run in runs}
    if others:
        raise SettingsError(
            f"{location} also holds artifacts of {'; '.join(map(str, others))}: give each with "
            f"--run, or if one is gone for good delete its file in {location}/_runs"
        )
    return Artifacts(location)


@contextmanager
def _locked(run: Path) -> Iterator[None]:
    """Keep drivers out, with a snapshot published that holds everything."""
    open_snapshot(run).close()  # a writer would make a run that is not there
    with Writer(run) as writer:
        writer.publish()
        yield


def _say_garbage(found: Sequence[Garbage], deleted: bool, as_json: bool) -> None:
    """Print what has gone, or would go."""
    if as_json:
        files = [{"kind": item.kind, "name": item.stored.name} for item in found]
        console.print_json({"deleted": deleted, "files": files})
        return
    counts, sizes = Counter(i.kind for i in found), Counter[str]()
    for item in found:
        sizes[item.kind] += item.stored.size
    if found:
        rows = [{"kind": kind, "files": n, "MB": sizes[kind] / 1e6} for kind, n in counts.items()]
        console.print_table(pa.Table.from_pylist(rows))
    total = f"{len(found)} files, {sum(sizes.values()) / 1e6:.1f} MB"
    hint = "" if deleted or not found else "; --delete deletes them"
    console.print_message(f"{'deleted' if deleted else 'would delete'} {total}{hint}")


def _list(title: str, lines: Sequence[str]) -> None:
    """Print the first lines of a kind."""
    for line in lines[:_SHOWN]:
        console.print_message(f"{title}: {line}")
    if len(lines) > _SHOWN:
        console.print_message(f"{title}: {len(lines) - _SHOWN} more; --json lists all")
