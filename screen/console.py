"""What the terminal shows: tables, progress, figures with units."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from screen.core.columns import Column
from screen.pipeline.state import State, Watch
from screen.store.export import write_table

FILE_WIDTH = 160  # columns of a table that goes to a file or a pipe
# no markup: names and messages hold brackets, e.g. [cluster] or thermoscreen[mace]
OUTPUT = Console(width=None if sys.stdout.isatty() else FILE_WIDTH, markup=False, emoji=False)
MESSAGES = Console(stderr=True, markup=False, emoji=False)
WIDEST = 16  # columns of a table that still can be read
SHOWN_RUNNING = 8  # lines of running materials in the progress display


def print_table(
    table: pa.Table, fmt: str = "table", columns: Sequence[Column] = (), title: str | None = None
) -> None:
    """Print a table for people (``table``) or for programs (csv, json, jsonl, parquet).

    ``columns`` give headers with units to the columns of the same name. A table too wide for a
    terminal is shown row by row, one value per line.
    """
    if fmt != "table":
        write_table(table, fmt, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    if table.num_columns > WIDEST:
        if not table.num_rows:
            OUTPUT.print("no rows")
        for number, row in enumerate(table.to_pylist(), start=1):
            print_pairs(f"row {number}", row)
        return
    headers = {column.name: column.header for column in columns}
    shown = Table(title=title, title_justify="left", header_style="bold")
    for name in table.column_names:
        numeric = _is_number(table.schema.field(name).type)
        header = headers.get(name, name).replace(" [", "\n[")  # the unit on a line of its own
        justify: Literal["left", "right"] = "right" if numeric else "left"
        shown.add_column(header, justify=justify, no_wrap=numeric, overflow="fold")
    for row in table.to_pylist():
        shown.add_row(*(figure(value) for value in row.values()))
    OUTPUT.print(shown)


def figure(value: Any) -> str:
    """Value for a table cell: four significant digits, ``–`` for absent."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return f"[{', '.join(figure(item) for item in value[:4])}{', …' if len(value) > 4 else ''}]"
    return str(value)


def seconds(value: float) -> str:
    """Duration for people: ``42 s``, ``3 min``, ``5 h 20 min``."""
    if value < 100:
        return f"{value:.0f} s"
    minutes = round(value / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def print_pairs(title: str, pairs: Mapping[str, Any]) -> None:
    """Print named values, one per line."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold")
    grid.add_column()
    for name, value in pairs.items():
        grid.add_row(name, figure(value))
    OUTPUT.print(title, style="bold underline", highlight=False)
    OUTPUT.print(grid)


def print_message(message: str) -> None:
    """Print to the standard error; a long path stays on one line."""
    MESSAGES.print(message, highlight=False, soft_wrap=True)


def print_from_handler(message: str) -> None:
    """Write to the standard error past all buffers: a signal may have interrupted a print."""
    with suppress(OSError):
        os.write(2, f"{message}\n".encode())


def print_error(heading: str, message: str) -> None:
    """Print a message to the standard error, its heading in red, on lines of any length."""
    MESSAGES.print(Text.assemble((heading, "red"), message), soft_wrap=True)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


@contextmanager
def progress(run: Path) -> Iterator[Watch]:
    """Show the progress of a campaign: a live display on a terminal, plain lines elsewhere."""
    if not MESSAGES.is_terminal:
        yield _Lines()
        return
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[eta]}"),
        console=MESSAGES,
    )
    task = bar.add_task(str(run), total=None, eta="")
    with Live(console=MESSAGES, refresh_per_second=4) as live:

        def watch(state: State) -> None:
            bar.update(task, completed=state.done, total=state.total, eta=_eta(state))
            live.update(_display(bar, state))

        yield watch


def _display(bar: Progress, state: State) -> Table:
    """Bar, running materials with their stage, failures so far."""
    grid = Table.grid()
    grid.add_row(bar)
    for material, stage in sorted(state.running.items())[:SHOWN_RUNNING]:
        grid.add_row(Text.assemble("  ", (material, "cyan"), f" {stage}"))
    if state.kinds:
        grid.add_row(Text.assemble("  ", ("failures:", "yellow"), f" {_kinds(state)}"))
    return grid


def _kinds(state: State) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in state.kinds.most_common())


def _eta(state: State) -> str:
    return "" if state.eta_s is None else f"about {seconds(state.eta_s)} left"


class _Lines:
    """Progress as one line whenever a material ends or a stage starts."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, state: State) -> None:
        running = ", ".join(f"{key}: {stage}" for key, stage in sorted(state.running.items()))
        failures = f"; failures: {_kinds(state)}" if state.kinds else ""
        line = f"{state.done}/{state.total} done{failures}" + (f" | {running}" if running else "")
        if line != self._last:
            self._last = line
            eta = _eta(state)
            MESSAGES.print(line + (f" | {eta}" if eta else ""), highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    OUTPUT.print_json(json.dumps(value, default=str, allow_nan=False))
