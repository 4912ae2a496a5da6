"""The command ``thermoscreen report``."""

from __future__ import annotations

import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from screen.cli.extras import require_dashboard, require_run
from screen.ranking import RANKINGS

Ranking = StrEnum("Ranking", {name.replace("-", "_"): name for name in RANKINGS})  # type: ignore[misc]
FIRST = Ranking(next(iter(RANKINGS)))


def report(
    run: Annotated[Path, typer.Option("--run", help="Run folder, e.g. runs/demo.")],
    more: Annotated[
        list[str] | None,
        typer.Argument(metavar="[MATERIAL]...", help="Material ids, e.g. LiBr-rs MgO-rs."),
    ] = None,
    materials: Annotated[
        list[str] | None,
        typer.Option("--materials", metavar="A B C", help="The same, behind an option."),
    ] = None,
    best: Annotated[
        int | None, typer.Option(min=1, help="The first N of a ranking instead.")
    ] = None,
    ranking: Annotated[Ranking, typer.Option(help="Which ranking.")] = FIRST,
    temperature: Annotated[
        float, typer.Option(help="Temperature in K of ranking and κ(ω).")
    ] = 300.0,
    where: Annotated[
        str | None, typer.Option(help="SQL condition on the view results, for the ranking.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Potential: name or digest.")] = None,
    protocol: Annotated[str | None, typer.Option(help="Protocol: name or digest.")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")] = Path(
        "report.html"
    ),
) -> None:
    """Write a shortlist as one HTML page: figures, tables, provenance, citations.

    The page needs no other file and no network; print it for a PDF. Either name the materials, or
    give --best N for the first of --ranking.
    """
    require_run(run)
    require_dashboard("the report", "plotly", "jinja2")
    named = [*(materials or []), *(more or [])]
    words = ["--run", str(run)]
    words += ["--materials", *named] if named else []
    words += [] if best is None else ["--best", str(best), "--ranking", ranking.value]
    for option, value in (("--where", where), ("--model", model), ("--protocol", protocol)):
        words += [] if value is None else [option, value]
    words += ["--temperature", f"{temperature:g}", "--output", str(output)]
    command = [sys.executable, "-m", "dashboard.report", *words]
    sys.exit(subprocess.run(command, check=False).returncode)
