"""``thermoscreen plan``: what a campaign will cost, before it starts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pyarrow as pa
import typer

from screen import console
from screen.core.errors import SettingsError
from screen.core.settings import Campaign, read_campaign
from screen.pipeline.potentials import name_without_loading
from screen.pipeline.spending import runs_on_gpu

if TYPE_CHECKING:
    from screen.clusters.simulate import SimulateOptions
    from screen.planning.costs import CostModel
    from screen.planning.plan import Plan, Total
    from screen.planning.simulation import Simulated


def plan(
    campaign_toml: Annotated[Path, typer.Argument(help="Campaign file (TOML).")],
    ledger: Annotated[
        Path | None,
        typer.Option(help="Run folder whose measured costs to go by, instead of the shipped ones."),
    ] = None,
    sample: Annotated[
        int, typer.Option(min=1, help="Look at so many candidates at most, drawn at random.")
    ] = 2000,
    top: Annotated[int, typer.Option(min=0, help="Show the most expensive materials.")] = 10,
    stable: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of candidates that will be dynamically stable."),
    ] = 1.0,
    simulate: Annotated[
        str | None,
        typer.Option(
            help="Replay the campaign on a machine, e.g. 'gpus=8,cpus=64,mtbf_h=500'; also "
            "workers, walltime_h, restart_s, stragglers, slowdown, overhead_s, seed."
        ),
    ] = None,
    materials: Annotated[
        int | None, typer.Option(min=1, help="Replay so many materials instead of all.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Predict what a campaign costs, stage by stage; no potential is loaded or evaluated."""
    from screen.planning.plan import make_plan, totals

    campaign = read_campaign(campaign_toml)
    options = None if simulate is None else simulate_options(simulate)
    costs = _costs(ledger)
    names = [name_without_loading(model) for model in campaign.models]
    found = make_plan(campaign, costs, names, sample, stable)
    if not found.materials:
        raise SettingsError(f"{campaign_toml}: no candidate of its source can be computed")
    replay = None
    if options is not None:
        from screen.planning.simulation import simulate as replay_campaign

        replay = replay_campaign(found, options, materials)
    by_stage = totals(found)
    if as_json:
        console.print_json(_as_json(found, by_stage, top, replay))
        return
    _print(found, by_stage, top)
    if replay is not None:
        _print_replay(replay)


def simulate_options(text: str) -> SimulateOptions:
    """Read ``key=value`` pairs with commas between them.

    Raises
    ------
    SettingsError
        A pair has no ``=``, or an option is unknown or wrong.
    """
    from screen.clusters.simulate import SimulateOptions
    from screen.core.settings import validated

    values: dict[str, str] = {}
    for pair in text.split(","):
        key, separator, value = pair.partition("=")
        if not separator:
            raise SettingsError(
                f"--simulate {pair!r} needs the form key=value, e.g. gpus=8,cpus=64"
            )
        values[key.strip()] = value.strip()
    return validated(SimulateOptions, values, "--simulate")


def _costs(ledger: Path | None) -> CostModel:
    """Laws of a run where it has some, else the shipped ones."""
    from screen.planning.costs import fit_costs, shipped_costs
    from screen.planning.history import measured_stages

    if ledger is None:
        return shipped_costs()
    return fit_costs(measured_stages(ledger), f"ledger of {ledger}").over(shipped_costs())


def _print(plan: Plan, by_stage: list[Total], top: int) -> None:
    """Print totals, the most expensive materials, and what to know about the figures."""
    from screen.planning.plan import most_expensive

    unit = "GPU-h" if runs_on_gpu(plan.campaign) else "core-h"
    rows = [
        {
            "stage": total.stage,
            "where": "potential" if total.at_model else "processor",
            "materials": round(total.materials),
            "atoms": round(total.atoms),
            "hours": total.hours,
            "from": total.low,
            "to": total.high,
        }
        for total in by_stage
    ]
    console.print_table(
        pa.Table.from_pylist(rows),
        title=f"{plan.campaign.name}: hours by stage (potential: {unit}, processor: core-h)",
    )
    if top:
        expensive = [_material_row(material) for material in most_expensive(plan, top)]
        console.print_table(pa.Table.from_pylist(expensive), title="most expensive materials")
    for line in _summary(plan, by_stage):
        console.OUTPUT.print(line, highlight=False, soft_wrap=True)


def _material_row(material: Any) -> dict[str, Any]:
    size = material.size
    return {
        "material": material.id,
        "formula": material.formula,
        "potential": material.potential,
        "hours": material.seconds / 3600,
        "within": f"×/÷ {material.factor:.1f}",
        "fc2 cells": f"{size.fc2_cells} × {size.fc2_atoms}",
        "fc3 cells": f"{'≤ ' if size.cut else ''}{size.fc3_cells} × {size.fc3_atoms}",
        "unknowns": size.unknowns,
        "mesh": size.mesh_points,
        "bands": size.bands,
        "memory GB": material.memory_mb / 1024,
    }


def _summary(plan: Plan, by_stage: list[Total]) -> list[str]:
    """Lines below the tables."""
    from screen.planning.plan import bottleneck_hours, hours

    gpu = runs_on_gpu(plan.campaign)
    at_model, all_stages = hours(by_stage, at_model=True), hours(by_stage)
    looked = len(plan.materials)
    lines = [
        f"{plan.candidates} candidates × potentials, {looked} looked at"
        + (f", refused: {_counts(plan.refused)}" if plan.refused else "")
    ]
    if gpu:
        lines.append(f"GPU-hours  {_interval(at_model)}")
    # a core waits for its GPU at work, as `screen.pipeline.spending` counts
    lines.append(f"core-hours {_interval(all_stages)}")
    memory = max(material.memory_mb for material in plan.materials) / 1024
    lines.append(f"memory     {memory:.1f} GB for the largest material, in one worker process")
    slots = _slots(plan.campaign)
    if slots is not None:
        wall = bottleneck_hours(plan, by_stage, slots)
        lines.append(
            f"wall time  {wall:.3g} h or more on {slots} workers (--simulate for a replay)"
        )
    lines += _over_budget(plan, at_model[0] if gpu else 0.0, all_stages[0])
    lines.append(f"seconds of {plan.costs.hardware} ({plan.costs.source})")
    if gpu and not plan.costs.hardware.startswith("a GPU"):
        lines.append(
            "no GPU has been measured: the GPU-hours above are hours of that core; run a dozen "
            "materials on the GPU, then --ledger RUN"
        )
    unknown = sorted({s.stage for m in plan.materials for s in m.stages if not s.measured})
    if unknown:
        lines.append(
            f"nobody has measured {', '.join(unknown)} for this potential here: the law of another "
            "potential stands in, or none. Run a dozen materials, then --ledger RUN"
        )
    if plan.campaign.funnel is not None and plan.kept == 1.0:
        lines.append(
            "the funnel's limits say nothing beforehand: all stable candidates are counted"
        )
    return lines


def _over_budget(plan: Plan, gpu_hours: float, core_hours: float) -> list[str]:
    """Say which cap will be reached, and how far it goes."""
    budget = plan.campaign.budget
    pairs = (
        ("gpu_hours", gpu_hours, budget.gpu_hours),
        ("core_hours", core_hours, budget.core_hours),
    )
    return [
        f"over the budget: {name} = {cap:g} pays for {100 * cap / needed:.0f} % of {needed:.4g}"
        for name, needed, cap in pairs
        if cap is not None and needed > cap
    ]


def _slots(campaign: Campaign) -> int | None:
    """Workers that the campaign names."""
    workers = campaign.cluster.options.get("workers")
    if campaign.cluster.name == "inline":
        return 1
    return workers if isinstance(workers, int) and workers > 0 else None


def _interval(hours: tuple[float, float, float]) -> str:
    middle, low, high = hours
    return f"{middle:.4g} ({low:.3g} to {high:.3g}, 90 %)"


def _counts(found: Any) -> str:
    return ", ".join(f"{number} {kind}" for kind, number in found.items())


def _print_replay(replay: Simulated) -> None:
    """Print what a replay has shown."""
    rows = [
        {
            "workers": kind,
            "number": usage.workers,
            "busy": replay.utilisation(kind),
            "useful hours": usage.busy / 3600,
            "lost hours": usage.lost / 3600,
            "lost tasks": usage.losses,
            "restarts": usage.restarts,
        }
        for kind, usage in replay.usage.items()
    ]
    console.print_table(
        pa.Table.from_pylist(rows),
        title=f"replay of {replay.materials} materials: {replay.makespan_s / 3600:.4g} h",
    )
    console.OUTPUT.print(
        f"{_counts(replay.statuses)}; {replay.condemned} condemned; {replay.gpu_hours:.4g} GPU-h, "
        f"{replay.core_hours:.4g} core-h; simulated in {replay.took_s:.1f} s",
        highlight=False,
        soft_wrap=True,
    )


def _as_json(
    plan: Plan, by_stage: list[Total], top: int, replay: Simulated | None
) -> dict[str, Any]:
    """Everything as plain values."""
    from dataclasses import asdict

    from screen.planning.plan import hours, most_expensive

    values: dict[str, Any] = {
        "campaign": plan.campaign.name,
        "candidates": plan.candidates,
        "looked_at": len(plan.materials),
        "refused": dict(plan.refused),
        "stages": [asdict(total) for total in by_stage],
        "hours_at_potential": hours(by_stage, at_model=True),
        "hours_at_processor": hours(by_stage, at_model=False),
        "on_gpu": runs_on_gpu(plan.campaign),
        "hardware": plan.costs.hardware,
        "source": plan.costs.source,
        "most_expensive": [
            {**_material_row(material), "size": asdict(material.size)}
            for material in most_expensive(plan, top)
        ],
    }
    if replay is not None:
        values["replay"] = {
            **asdict(replay),
            "utilisation": {kind: replay.utilisation(kind) for kind in replay.usage},
        }
    return values
