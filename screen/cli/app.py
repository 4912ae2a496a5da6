"""The commands of ``thermoscreen``."""

from __future__ import annotations

import json
import os
import shutil
import sys
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import typer

from screen import console
from screen.cli import benchmark, catalog, exports, models, plan, report, sql, store
from screen.cli.extras import require_dashboard, require_run
from screen.cli.formats import Format, FormatOption
from screen.cli.running import run_and_tell
from screen.core.errors import SettingsError, ThermoscreenError
from screen.core.records import Conductivity, ForceConstants
from screen.core.settings import (
    PROTOCOLS,
    Campaign,
    ClusterSettings,
    ModelSettings,
    protocol_named,
    read_campaign,
)
from screen.ranking import COLUMNS as RANKING_COLUMNS
from screen.ranking import INSULATING, MATCH_COLUMNS, MAX_MISMATCH, RANKINGS, match_of
from screen.ranking import rank as rank_materials
from screen.store import queries
from screen.store.artifacts import Artifacts
from screen.store.database import open_snapshot
from screen.store.export import write_table
from screen.store.layout import artifacts_folder, campaign_file, database_file

app = typer.Typer(
    help="Screen crystals for heat management: zero-shot Wigner thermal conductivity and "
    "Grüneisen thermal expansion.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


app.add_typer(catalog.app, name="catalog")
app.add_typer(models.app, name="models")
app.command()(plan.plan)
app.command()(sql.sql)
app.command()(report.report)
app.command()(benchmark.benchmark)
app.add_typer(store.app, name="store")
app.add_typer(exports.app, name="export")


Ranking = StrEnum("Ranking", {name.replace("-", "_"): name for name in RANKINGS})  # type: ignore[misc]

OPTIONAL = (
    *("kappa_spread", "expansion_spread", "models_disagree", "fc3_fit_poor"),
    *("kappa_reference_300", "ratio_300"),
)
"""Columns of a ranking that are shown where they say something."""

Run = Annotated[Path, typer.Option("--run", help="Run folder, e.g. runs/demo.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def main() -> None:
    """Run the command line; an expected error is one line and exit code 2."""
    try:
        app()
    except ThermoscreenError as error:
        console.print_error("error:", f" {error}")
        sys.exit(2)


def _print_version(wanted: bool) -> None:
    if wanted:
        console.OUTPUT.print(f"thermoscreen {version('thermoscreen')}", highlight=False)
        raise typer.Exit


@app.callback()
def _options_of_all(
    _: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Version.")
    ] = False,
) -> None:
    """Screen crystals for heat management: Wigner conductivity and thermal expansion."""


@app.command()
def run(
    campaign_toml: Annotated[Path, typer.Argument(help="Campaign file (TOML).")],
    run_folder: Annotated[
        Path | None, typer.Option("--run", help="Run folder instead of the campaign's own.")
    ] = None,
    cluster: Annotated[
        str | None, typer.Option(help="Cluster instead of the campaign's own, e.g. inline.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Local weights for the campaign's model family.")
    ] = None,
) -> None:
    """Run a campaign. Ctrl-C stops it; the same command goes on where it was."""
    campaign = read_campaign(campaign_toml)
    changes: dict[str, Any] = {}
    if run_folder is not None:
        changes["run"] = run_folder
    if cluster is not None:
        changes["cluster"] = ClusterSettings(name=cluster)
    if weights is not None:
        changes["models"] = (_with_weights(campaign, weights),)
    campaign = campaign.model_copy(update=changes)
    _keep_campaign(campaign_toml, campaign.run_folder)
    run_and_tell(campaign)


def _with_weights(campaign: Campaign, weights: Path) -> ModelSettings:
    """Potential of the campaign's only family, from a local file."""
    if len(campaign.models) > 1:
        raise SettingsError(
            f"--weights {weights} is for one potential, the campaign has {len(campaign.models)}; "
            "give weights in the campaign file: [[models]] with family and weights"
        )
    return campaign.models[0].model_copy(update={"weights": weights, "name": None})


def _keep_campaign(campaign_toml: Path, folder: Path) -> None:
    """Make the run folder and copy the campaign file into it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if campaign_toml.resolve() != campaign_file(folder).resolve():
            shutil.copyfile(campaign_toml, campaign_file(folder))
    except OSError as error:
        raise SettingsError(
            f"cannot write to the run folder {folder}: {error.strerror}; choose another with --run"
        ) from error


@app.command()
def status(run: Run, as_json: Json = False) -> None:
    """Show how far a run is: materials, failures, cost."""
    with open_snapshot(run) as snapshot:
        tables = {
            "materials": queries.status_counts(snapshot),
            "failures": queries.failure_counts(snapshot),
            "costs": queries.cost_by_stage(snapshot),
        }
        version = snapshot.version
    if as_json:
        found = {name: table.to_pylist() for name, table in tables.items()}
        console.print_json({"run": str(run), "snapshot": version, **found})
        return
    for name, table in tables.items():
        if table.num_rows:
            hidden = [c for c in table.column_names if c.endswith("_digest")]
            console.print_table(table.drop_columns(hidden), title=name)


@app.command()
def rank(
    kind: Annotated[Ranking, typer.Argument(help="What to look for.")],
    run: Run,
    temperature: Annotated[float, typer.Option(help="Temperature in K.")] = 300.0,
    limit: Annotated[int, typer.Option(help="Number of materials.")] = 20,
    where: Annotated[str | None, typer.Option(help="SQL condition on the view results.")] = None,
    model: Annotated[str | None, typer.Option(help="Potential: name or digest.")] = None,
    protocol: Annotated[str | None, typer.Option(help="Protocol: name or digest.")] = None,
    match_expansion: Annotated[
        str | None,
        typer.Option(
            help="Rank only materials that expand like a substrate, e.g. Si, GaN or SiC, or like "
            "a linear expansion in 1/K, e.g. 2.6e-6."
        ),
    ] = None,
    max_mismatch: Annotated[
        float | None,
        typer.Option(
            help="Largest difference of expansion from the substrate's in 1/K.",
            show_default=f"{MAX_MISMATCH:g}",
        ),
    ] = None,
    min_band_gap: Annotated[
        float | None,
        typer.Option(
            help="Smallest band gap in eV; materials of unknown gap stay.",
            show_default=f"{INSULATING:g} for heat-spreaders that match an expansion",
        ),
    ] = None,
    fmt: FormatOption = Format.table,
) -> None:
    """Rank materials by conductivity: insulators (low κ) or heat-spreaders (high κ).

    With several potentials: by their median, with half their range as ±; --model takes one.
    With --match-expansion: those within --max-mismatch of the substrate's α, by κ;
    Pareto means that no other material is better in both κ and α.
    """
    match = match_of(kind.value, temperature, match_expansion, max_mismatch, min_band_gap)
    with open_snapshot(run) as snapshot:
        table = rank_materials(
            snapshot,
            kind.value,
            temperature=temperature,
            limit=limit,
            where=where,
            model=model,
            protocol=protocol,
            match_expansion=match_expansion,
            max_mismatch=max_mismatch,
            min_band_gap=min_band_gap,
        )
    if fmt is not Format.table:
        console.print_table(table, fmt.value)
        return
    values = {name: table[name].to_pylist() for name in table.column_names}
    constant = [
        name
        for name in ("model", "protocol", "status", "temperature")
        if len(set(values[name])) <= 1
    ]
    heading = [f"{values[name][0]}" for name in constant if table.num_rows]
    hidden = [
        *constant,
        *(name for name in OPTIONAL if all(value is None for value in values[name])),
        # where other columns need the room; their share is shown
        *(("kappa_p", "kappa_c") if match or any(values["kappa_spread"]) else ()),
    ]
    title = f"{kind.value} at {temperature:g} K" + (f" ({', '.join(heading)})" if heading else "")
    if match is not None:
        title += f"\nα within {match.max_mismatch:g}/K of {match_expansion} ({match.expansion:g}/K)"
        if not table.num_rows:
            title += ": none; raise --max-mismatch"
    gap = match.min_band_gap if match else min_band_gap
    if gap:
        title += f"\nband gap at least {gap:g} eV, or unknown"
    console.print_table(
        table.drop_columns(hidden), columns=RANKING_COLUMNS + MATCH_COLUMNS, title=title
    )


@app.command()
def show(
    material: Annotated[str, typer.Argument(help="Material id, e.g. LiBr-rs.")],
    run: Run,
    export: Annotated[
        Path | None,
        typer.Option(help="Folder for phono3py_params.yaml, fc2.hdf5 and fc3.hdf5."),
    ] = None,
    modes: Annotated[
        Path | None,
        typer.Option(
            help="File for all phonon modes (lifetimes, mean free paths, κ_P, κ_C ...): "
            ".csv, .json, .jsonl or .parquet."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show everything about one material; export its force constants or its phonon modes."""
    with open_snapshot(run) as snapshot:
        sheet = queries.material_sheet(snapshot, material)
    results = sheet.results.to_pylist()
    if as_json:
        console.print_json({"results": results, "failures": sheet.failures.to_pylist()})
    else:
        for row in results:
            given = {name: value for name, value in row.items() if value is not None}
            console.print_pairs(f"{material} · {row.get('model')} · {row.get('protocol')}", given)
        if sheet.failures.num_rows:
            wanted = ["stage", "kind", "message"]
            console.print_table(sheet.failures.select(wanted), title="failures")
    if export is not None:
        _export(run, material, sheet.outcomes, export)
    if modes is not None:
        _export_modes(run, material, sheet.outcomes, modes)


def _export(run: Path, material: str, outcomes: pa.Table, folder: Path) -> None:
    """Write phono3py's files for each model and protocol that has force constants."""
    from screen.physics.phono3py_files import write_phono3py_files

    artifacts = Artifacts(artifacts_folder(run))
    written = []
    rows = outcomes.to_pylist()
    for row in rows:
        keys = json.loads(row["artifacts"])
        stage = next((name for name in ("fc3", "fc2") if name in keys), None)
        record = artifacts.read(stage, keys[stage]) if stage is not None else None
        if isinstance(record, ForceConstants):
            parts = (row["model_digest"], row["protocol_digest"]) if len(rows) > 1 else ()
            try:
                written += write_phono3py_files(record, folder.joinpath(*parts))
            except OSError as error:
                raise SettingsError(
                    f"cannot write to {folder}: {error.strerror or error}; choose another --export"
                ) from error
    if not written:
        raise SettingsError(
            f"{material} has no force constants to export: see its failures, or if an artifact was "
            f"deleted, remove {database_file(run)} and run the campaign again"
        )
    console.print_message("\n".join(str(path) for path in written))


def _export_modes(run: Path, material: str, outcomes: pa.Table, file: Path) -> None:
    """Write the modes of all potentials and protocols that have a conductivity."""
    from screen.store.modes import mode_table

    artifacts = Artifacts(artifacts_folder(run))
    tables = []
    for row in outcomes.to_pylist():
        key = json.loads(row["artifacts"]).get("conductivity")
        record = None if key is None else artifacts.read("conductivity", key)
        if isinstance(record, Conductivity):
            table = mode_table(record)
            for name in ("protocol_digest", "model_digest"):
                table = table.add_column(0, name, pa.repeat(row[name], len(table)))
            tables.append(table)
    if not tables:
        raise SettingsError(
            f"{material} has no conductivity to export: see its failures, or if an artifact was "
            f"deleted, remove {database_file(run)} and run the campaign again"
        )
    write_table(pa.concat_tables(tables), file.suffix.removeprefix("."), file)
    console.print_message(str(file))


@app.command()
def protocols(
    name: Annotated[str | None, typer.Argument(help="Show one protocol in full.")] = None,
    as_json: Json = False,
) -> None:
    """List the named protocols, or show one with all its settings."""
    if name is not None:
        protocol = protocol_named(name)
        console.print_json({"digest": protocol.digest, **protocol.model_dump(mode="json")})
        return
    rows = [
        {"name": item.name, "digest": item.digest, "description": item.description}
        for item in PROTOCOLS.values()
    ]
    if as_json:
        console.print_json(rows)
    else:
        console.print_table(pa.Table.from_pylist(rows))


@app.command()
def dashboard(
    run: Run,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")] = 8501,
    address: Annotated[
        str,
        typer.Option(help="Address to listen on; beyond the loopback only with a password."),
    ] = "127.0.0.1",
    password_file: Annotated[
        Path | None,
        typer.Option(
            help="File with the password, for your eyes only (chmod 600); or set "
            "THERMOSCREEN_PASSWORD.",
        ),
    ] = None,
) -> None:
    """Open the dashboard of a run in the browser; other machines reach it only with a password."""
    require_dashboard("the dashboard", "streamlit")
    require_run(run)
    command = [sys.executable, "-m", "dashboard", "--run", str(run), "--port", str(port)]
    command += ["--address", address]
    if password_file is not None:
        command += ["--password-file", str(password_file)]
    os.execv(command[0], command)  # no child: a signal to this command is one to the server
