"""``thermoscreen store``: check, rebuild, clean and compact a run."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import typer

from screen import console
from screen.core.errors import SettingsError
from screen.core.registry import find, names
from screen.core.settings import read_campaign
from screen.store import census, queries
from screen.store.artifacts import Artifacts
from screen.store.compact import compact as compact_run
from screen.store.current import current_snapshot
from screen.store.database import Snapshot, Writer, open_snapshot
from screen.store.garbage import Garbage, delete, garbage
from screen.store.layout import artifacts_folder, campaign_file
from screen.store.rebuild import rebuild as rebuild_run
from screen.store.tenants import tenant_of, tenants
from screen.store.verify import verify as verify_artifacts

app = typer.Typer(help="Check, rebuild, clean and compact what a run has stored.")

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
    with current_snapshot(run) as snapshot:
        referenced = census.referenced(snapshot)
        wanted = _wanted(snapshot, _properties([run], properties))
        verdict = verify_artifacts(artifacts, referenced, wanted)
        missing = [
            {"stage": place[0], "key": place[1], "materials": census.owners(snapshot, place)}
            for place in verdict.missing
        ]
    if set_aside:
        for name in (*(artifacts.name(*place) for place in verdict.broken), *verdict.packs):
            artifacts.storage.set_aside(name)
    whys = {artifacts.name(*place): why for place, why in verdict.broken.items()} | verdict.packs
    broken = {str(artifacts.storage.where(name)): whys[name] for name in sorted(whys)}
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
            with current_snapshot(folder) as snapshot:
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
    if done.broken_packs:
        console.print_message(
            f"{done.broken_packs} broken packs left as they are; `store verify` names them"
        )
    console.print_message(
        f"{run}: {done.artifacts} artifacts packed, {done.ledger_files} ledger files and "
        f"{done.manifest_lines} lines of the manifest merged, {done.snapshots} snapshots dropped"
    )


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
    own = frozenset[tuple[str, ...]]().union(*(tenant_of(run, location).names for run in runs))
    others = [f"{t} ({name})" for name, t in tenants(location).items() if t.name not in own]
    if others:
        raise SettingsError(
            f"{location} also holds artifacts of {'; '.join(others)}: give each with --run, or if "
            "one is gone for good delete its file, which is named in brackets"
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
