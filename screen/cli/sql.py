"""The command ``thermoscreen sql``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from screen import console
from screen.cli.formats import Format, FormatOption
from screen.core.errors import SettingsError, StoreError
from screen.store.database import open_snapshot
from screen.store.described import described, headers, known_columns
from screen.store.export import write_table

STDIN = "-"


def sql(
    run: Annotated[Path, typer.Option("--run", help="Run folder, e.g. runs/demo.")],
    query: Annotated[
        str | None,
        typer.Argument(help="SQL on the run's snapshot; - reads it from the standard input."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="File with the SQL instead.")
    ] = None,
    fmt: FormatOption = Format.table,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="File to write: .csv, .json, .jsonl or .parquet, or --format."
        ),
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0.001, help="Seconds after which the query is stopped.")
    ] = 60,
    memory: Annotated[str, typer.Option(help="Memory that the query may take.")] = "1GB",
) -> None:
    """Query a run with SQL (read-only). `SELECT * FROM columns` explains every column.

    Views: results, insulators, heat_spreaders, failures, costs, benchmark. At any temperature in
    K: FROM kappa_at(450), expansion_at(450), insulators_at(450), heat_spreaders_at(450).
    """
    text = _text(query, file)
    kind = _kind(fmt, output)
    with open_snapshot(run, memory_limit=memory) as snapshot:
        table = snapshot.query(text, timeout=timeout)
        if kind == Format.table:
            table = table.rename_columns(headers(described(table, known_columns(snapshot))))
    try:
        if output is not None:
            write_table(table, kind, output)
            console.print_message(f"{output}: {table.num_rows} rows")
        else:
            console.print_table(table, kind)
    except (OverflowError, ValueError) as error:  # dates beyond the years that Python knows
        raise StoreError(
            f"a value cannot be written as {kind}: {error}; cast its column to VARCHAR"
        ) from error


def _text(query: str | None, file: Path | None) -> str:
    """Return the SQL that is asked, wherever it is."""
    if (query is None) == (file is None):
        raise typer.BadParameter("Missing argument 'QUERY': give SQL, - or --file, one of them")
    if file is not None:
        try:
            return file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"cannot read the SQL in {file}: {error}") from error
    return sys.stdin.read() if query == STDIN else str(query)


def _kind(fmt: Format, output: Path | None) -> str:
    """Return the format of what is written."""
    if output is not None and fmt is Format.table:
        return output.suffix.removeprefix(".").lower()
    if output is None and fmt is Format.parquet and sys.stdout.isatty():
        raise SettingsError("Parquet is not for terminals: give --output FILE, or a pipe")
    return fmt.value
