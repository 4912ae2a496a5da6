"""``thermoscreen catalog``: candidates of a source, listed or written to a catalog file."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pyarrow as pa
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from screen import console
from screen.cli.formats import Format, FormatOption
from screen.core.errors import SettingsError, StoreError
from screen.core.identities import told_apart
from screen.core.records import Candidate, Rejected
from screen.core.registry import find, names
from screen.store.files import write_atomically

if TYPE_CHECKING:
    from screen.sources.catalog import Pull, Watch

app = typer.Typer(
    help="Candidates of a source: list them, or write them to a catalog file.",
    no_args_is_help=True,
)

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("formula", pa.string()),
        ("atoms", pa.int64()),
        ("prototype", pa.string()),
        ("problem", pa.string()),
    ]
)

Sources = ", ".join(names("sources"))
Options = Annotated[
    list[str] | None,
    typer.Option("--option", help="Option of the source as key=value, e.g. path=cifs/."),
]


@app.command("list")
def list_candidates(
    source: Annotated[str, typer.Argument(help=f"One of {Sources}.")],
    option: Options = None,
    fmt: FormatOption = Format.table,
) -> None:
    """List the candidates of a source, and what it rejects, without computing anything."""
    found = told_apart(find("sources", source).candidates(_options(option or [])))
    table = pa.Table.from_pylist([_row(entry) for entry in found], SCHEMA)
    console.print_table(table, fmt.value)


def _row(entry: Candidate | Rejected) -> dict[str, Any]:
    """Line of the list."""
    if isinstance(entry, Rejected):
        return {"id": entry.id, "problem": f"{entry.kind}: {entry.message}"}
    return {
        "id": entry.id,
        "formula": entry.crystal.formula,
        "atoms": len(entry.crystal),
        "prototype": entry.metadata.prototype,
    }


@app.command()
def pull(
    source: Annotated[str, typer.Option(help=f"One of {Sources}.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Catalog to write (.parquet).")],
    where: Annotated[
        str | None,
        typer.Option(help='Filter, e.g. "band_gap > 0.5 and nsites <= 12"; see docs/sources.md.'),
    ] = None,
    option: Options = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Only the first entries, to see what a filter does.")
    ] = False,
) -> None:
    """Write the candidates of a source to a catalog, with where they come from.

    Ctrl-C keeps what has come; the same command goes on. Use the catalog in a campaign as
    [source] name = "catalog", file = "...".
    """
    from screen.sources.catalog import pull_from, write

    options = _options(option or [])
    if where is not None:
        if "where" in options:
            raise SettingsError("give the filter by --where or by --option where=..., not by both")
        options["where"] = where
    try:
        with _progress(source) as watch:
            found = pull_from(source, options, watch, quick).nonempty()
    except KeyboardInterrupt:
        console.print_message("stopped; what has come is kept. Go on with the same command.")
        sys.exit(130)
    try:
        write_atomically(output, partial(write, found))
    except OSError as error:
        raise StoreError(f"cannot write {output}: {error.strerror or error}") from error
    console.print_pairs(str(output), _summary(found))


def _summary(found: Pull) -> Mapping[str, Any]:
    """Say what came, what was dropped and what was written."""
    origin = found.provenance
    received = f"{origin.received} entries" + (
        f" of {origin.found}" if origin.found is not None and not origin.complete else ""
    )
    return {
        "found": received,
        "database version": origin.db_version,
        **{f"dropped: {reason}": count for reason, count in found.dropped.items()},
        **{f"rejected: {kind}": count for kind, count in found.rejected.items()},
        "written": len(found.items),
        "licences": ", ".join(f"{name} ({count})" for name, count in found.licences.items()),
    }


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help="Catalog (.parquet).")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show where a catalog comes from: database, version, filter, date, licences, citation."""
    from screen.sources.catalog import read_provenance

    origin = read_provenance(file)
    if as_json:
        console.print_json(origin)
        return
    flat = {
        name: ", ".join(f"{key}: {item}" for key, item in value.items())
        if isinstance(value, dict)
        else " and ".join(value)
        if isinstance(value, list)
        else value
        for name, value in origin.items()
    }
    console.print_pairs(str(file), flat)


def _options(pairs: list[str]) -> dict[str, Any]:
    """``key=value`` pairs; the value is TOML if it is valid TOML, else text."""
    options: dict[str, Any] = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not separator:
            raise SettingsError(f"--option {pair!r} needs the form key=value")
        try:
            options[key] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            options[key] = value
    return options


@contextmanager
def _progress(source: str) -> Iterator[Watch]:
    """Show how many documents have come: a bar on a terminal, plain lines elsewhere."""
    if not console.MESSAGES.is_terminal:
        yield lambda done, total, note: console.print_message(
            f"{source}: {done}/{'?' if total is None else total} {note}".rstrip()
        )
        return
    columns = (
        *(TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn()),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Progress(*columns, console=console.MESSAGES) as bar:
        task = bar.add_task(source, total=None, note="")
        yield lambda done, total, note: bar.update(task, completed=done, total=total, note=note)
