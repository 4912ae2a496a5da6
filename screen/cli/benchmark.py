"""The command ``thermoscreen benchmark``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from screen import console
from screen.store.export import write_table


def benchmark(
    model: Annotated[
        str | None, typer.Option(help="Potential to run, e.g. sevennet-0; see `models list`.")
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            "--run", help="Run folder: goes on or is judged. With --model by default its own."
        ),
    ] = None,
    protocol: Annotated[
        str, typer.Option(help="ksrme-2024, matbench-2026 or another that has 300 K.")
    ] = "ksrme-2024",
    names: Annotated[
        list[str] | None, typer.Option("--name", help="Only this compound, e.g. LiBr-rs; repeat.")
    ] = None,
    prototypes: Annotated[
        list[str] | None,
        typer.Option("--prototype", help="Only rocksalt, zincblende or wurtzite; repeat."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of a random order.")] = None,
    limit: Annotated[int | None, typer.Option(help="Only the first so many.")] = None,
    cluster: Annotated[str, typer.Option(help="Where it runs, e.g. inline.")] = "local",
    forces: Annotated[
        Path | None,
        typer.Option(help="Folder with force sets of any code, instead; see docs/conformance.md."),
    ] = None,
    published: Annotated[
        str | None,
        typer.Option(help="With --forces: published model to compare with, e.g. MACE-MPA-0."),
    ] = None,
    nac: Annotated[
        bool, typer.Option("--nac", help="With --forces: DFT with NAC is the reference.")
    ] = False,
    references: Annotated[
        Path | None,
        typer.Option(help="Folder with the mode-resolved references, which are fetched else."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File for the table: .csv, .json, .jsonl, .parquet."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Judge a potential on the 103 phononDB-PBE compounds: SRD, SRE, SRME, ranking, cost.

    With --model the compounds are computed, or a run is gone on with; with --run alone a finished
    campaign is judged, or the record of one that comes with Thermoscreen; with --forces the
    post-processing of stored forces is checked.
    """
    from screen.cli import conformance, judging  # what they import takes a second

    subset = {"names": names, "prototypes": prototypes, "seed": seed, "limit": limit}
    given = {key: value for key, value in subset.items() if value not in (None, [])}
    if forces is not None:
        if given:
            raise typer.BadParameter(
                "--name, --prototype, --seed and --limit choose compounds of --model and --run; with "
                "--forces all force sets of the folder are taken"
            )
        conformance.check(forces, protocol, references, published, nac, output, as_json)
        return
    if model is not None:
        run = judging.computed(model, protocol, given, run, cluster)
    if run is None:
        raise typer.BadParameter("give --model to compute, --run to judge a campaign, or --forces")
    table = judging.chosen(judging.judged(run, references), given)
    if output is not None:
        write_table(table, output.suffix.removeprefix(".").lower(), output)
        console.print_message(f"{output}: {table.num_rows} compounds")
    judging.tell(table, as_json)
