"""What ``thermoscreen benchmark`` does: compute compounds, compare them, tell."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from screen import console
from screen.benchmark import compounds
from screen.benchmark.references import TEMPERATURE
from screen.benchmark.scoring import score
from screen.benchmark.summary import COLUMNS as SUMMARY_COLUMNS
from screen.benchmark.summary import by_prototype, summarize, summary_table
from screen.cli.running import run_and_tell
from screen.core.columns import Column
from screen.core.errors import SettingsError
from screen.core.registry import find
from screen.core.settings import campaign_from
from screen.store.database import open_snapshot
from screen.store.frames import plain
from screen.store.layout import campaign_file, database_file

SHOWN = ("compound", "kappa_300", "kappa_reference_300", "srd_300", "srme_300", "failure_kind")
SCORE = Column("score", "VARCHAR", "score", "What is summed up")
TOLD = 3
"""Compounds without SRME of which the reason is told."""
SOURCE = "benchmark"
SHORT = {"srd_300": "srd", "sre_300": "sre", "srme_300": "srme", "srme_nac_300": "srme_nac"}
"""What JSON calls errors, all of which are at 300 K."""


def computed(
    model: str, protocol: str, subset: dict[str, Any], run: Path | None, cluster: str
) -> Path:
    """Run the campaign, or go on with it; return its folder."""
    name = f"benchmark-{model}"
    folder = Path("runs") / name if run is None else run
    find("sources", SOURCE).candidates(subset)  # an unknown name is told before anything is written
    text = _campaign(name, model, protocol, subset, cluster)
    campaign = campaign_from({**tomllib.loads(text), "run": folder}, where="benchmark")
    if TEMPERATURE not in campaign.protocol.temperatures:
        raise SettingsError(
            f"protocol {protocol} leaves out 300 K, where the references are; use ksrme-2024"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        campaign_file(folder).write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"cannot write to the run folder {folder}: {error.strerror}; choose another with --run"
        ) from error
    run_and_tell(campaign)
    return folder


def _campaign(name: str, model: str, protocol: str, subset: Mapping[str, Any], cluster: str) -> str:
    """Write the campaign file, which the run keeps."""
    source = {"name": SOURCE, **subset}
    lines = [
        f"name = {json.dumps(name)}",
        f"models = {json.dumps([model])}",
        f"protocol = {json.dumps(protocol)}",
        'properties = ["conductivity"]',
        "\n[source]",
        *(f"{key} = {json.dumps(value)}" for key, value in source.items()),
        "\n[cluster]",
        f"name = {json.dumps(cluster)}",
    ]
    return "\n".join([*lines, ""])


def judged(run: Path, references: Path | None) -> pa.Table:
    """Return the table of compounds: of the run, with its modes compared, or as recorded."""
    if not run.exists() and (kept := compounds.recorded(run.name)) is not None:
        console.print_message(
            f"no folder {run} here: what follows is the record in catalogs/{compounds.RECORDED}"
        )
        return kept
    if database_file(run).is_file():
        scored = score(run, references)
        for compound, reason in list(scored.left_out.items())[:TOLD]:
            told = reason.removeprefix(f"{compound}: ")
            console.print_message(f"no SRME of {compound}: {told}")
        if len(scored.left_out) > TOLD:
            console.print_message(f"no SRME of {len(scored.left_out) - TOLD} more compounds")
    with open_snapshot(run) as snapshot:
        return compounds.read_compounds(snapshot)


def chosen(table: pa.Table, subset: Mapping[str, Any]) -> pa.Table:
    """Return the compounds of a subset, in the order of the table; all without one.

    Raises
    ------
    SettingsError
        A name or prototype is unknown, or the table has no compound of the subset.
    """
    if not subset:
        return table
    wanted = [candidate.id for candidate in find("sources", SOURCE).candidates(subset)]
    found = table.filter(pc.is_in(table["compound"], pa.array(wanted, pa.string())))
    if not found.num_rows:
        raise SettingsError(
            f"the run has none of the {len(wanted)} chosen compounds; "
            "choose others, or compute them with --model"
        )
    return found


def tell(table: pa.Table, as_json: bool) -> None:
    """Print the compounds, and what they say together for each potential and protocol."""
    sets = _sets(table)
    if as_json:
        console.print_json(
            {
                "summaries": [_summary(part) for part in sets],
                "compounds": [_short(row) for row in plain(table.to_pylist())],
            }
        )
        return
    for part in sets:
        model, protocol = (part[name][0].as_py() for name in ("model", "protocol"))
        worst_first = part.sort_by([("sre_300", "descending"), ("compound", "ascending")])
        console.print_table(
            worst_first.select(SHOWN), columns=compounds.COLUMNS, title=f"{model} · {protocol}"
        )
        found = {"all": summarize(part), **by_prototype(part)}
        console.print_table(_scores(summary_table(found)), columns=[SCORE])


def _scores(summaries: pa.Table) -> pa.Table:
    """One row for each score that there is, one column for each summary."""
    labels = {column.name: column.header for column in SUMMARY_COLUMNS}
    rows = summaries.to_pylist()
    return pa.Table.from_pylist(
        [
            {SCORE.name: labels[name]} | {row["name"]: console.figure(row[name]) for row in rows}
            for name in labels
            if name != "name" and any(row[name] is not None for row in rows)
        ]
    )


def _sets(table: pa.Table) -> list[pa.Table]:
    """Compounds of each potential and protocol."""
    keys = ("model_digest", "protocol_digest")
    pairs = dict.fromkeys(zip(*(table[key].to_pylist() for key in keys), strict=True))
    return [
        table.filter(pc.and_(*(pc.equal(table[k], v) for k, v in zip(keys, pair, strict=True))))
        for pair in pairs
    ]


def _summary(part: pa.Table) -> dict[str, Any]:
    """Scores of one potential and protocol as plain values."""
    return {
        **{name: part[name][0].as_py() for name in ("model", "protocol")},
        "summary": plain(asdict(summarize(part))),
        "prototypes": {name: plain(asdict(item)) for name, item in by_prototype(part).items()},
    }


def _short(row: Mapping[str, Any]) -> dict[str, Any]:
    """Row of a compound as JSON names its values."""
    return {SHORT.get(name, name): value for name, value in row.items()}
