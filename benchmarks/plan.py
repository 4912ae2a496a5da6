"""Predicted against measured cost of ten small materials that the cost laws have not seen.

The prediction is made before the run, by `thermoscreen plan`'s laws: the shipped ones, or with
``--quick`` (springs) those of a run of other crystals just before. Measured is the processor time
of the cost ledger; a first material, not counted, loads and compiles. The last line is JSON.

    python benchmarks/plan.py [--quick]
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from screen.core.settings import Campaign, campaign_from
from screen.pipeline.campaign import run_campaign
from screen.planning.costs import CostModel, fit_costs, shipped_costs
from screen.planning.history import Measured, measured_of, sizes_of_source
from screen.planning.plan import MaterialCost, make_plan
from screen.store.database import open_snapshot

WARM_UP = "LiBr-rs"
TEN = [
    *("KCl-rs", "NaBr-rs", "RbI-rs", "BaTe-rs", "CaSe-rs"),
    *("InSb-zb", "CdS-zb", "AgI-zb", "GaAs-zb", "MgTe-zb"),
]
OTHERS = ["KF-rs", "NaI-rs", "CsF-rs", "CdTe-zb", "ZnS-zb", "GaSb-zb"]
"""Crystals that the laws of ``--quick`` are fitted to."""

SMALL = {
    "base": "quick",
    "temperatures": [300],
    "displacements": {"fc2_minimum_image": 6.0, "fc3_minimum_image": 6.0},
    "conductivity": {"mesh": {"length": 15}},
}
"""Protocol of ``--quick``: one or two conventional cells."""


def main() -> None:
    """Predict, run, compare."""
    quick = parsed().quick
    model = "springs" if quick else "sevennet-0"
    with tempfile.TemporaryDirectory() as folder:
        costs = _fitted(Path(folder) / "others", model) if quick else shipped_costs()
        campaign = _campaign(Path(folder) / "run", model, [WARM_UP, *TEN])
        plan = make_plan(campaign, costs, [model])
        started = time.perf_counter()
        run_campaign(campaign)
        wall_s = time.perf_counter() - started
        figures = compared(plan.materials, _measured(campaign))
    for row in figures:
        print(
            f"{row['material']:>8}: predicted {row['predicted_s']:7.1f} s, measured "
            f"{row['measured_s']:7.1f} s, ratio {row['ratio']:.2f}"
        )
    errors = [abs(row["ratio"] - 1) for row in figures]
    summary = {
        "model": model,
        "materials": len(figures),
        "median_error": statistics.median(errors),
        "largest_error": max(errors),
        "predicted_s": sum(row["predicted_s"] for row in figures),
        "measured_s": sum(row["measured_s"] for row in figures),
        "inside_90_interval": sum(row["inside"] for row in figures),
        "wall_s": wall_s,
    }
    print(json.dumps(summary))


def parsed() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="springs, within 50 s")
    return parser.parse_args()


def compared(
    predicted: Sequence[MaterialCost], measured: Sequence[Measured]
) -> list[dict[str, Any]]:
    """Predicted and measured seconds of each material, over the stages that were computed."""
    found: Mapping[str, list[Measured]] = defaultdict(list)
    for item in measured:
        found[item.material].append(item)
    rows = []
    for material in predicted:
        if material.id == WARM_UP:
            continue
        computed = {item.stage for item in found[material.id]}
        expected = sum(stage.seconds for stage in material.stages if stage.stage in computed)
        seconds = sum(item.seconds for item in found[material.id])
        ratio = expected / seconds
        inside = 1 / material.factor <= ratio <= material.factor
        rows.append(
            {
                "material": material.id,
                "predicted_s": expected,
                "measured_s": seconds,
                "ratio": ratio,
                "inside": inside,
            }
        )
    return rows


def _fitted(run: Path, model: str) -> CostModel:
    """Run other crystals and fit the laws to what they cost."""
    campaign = _campaign(run, model, [WARM_UP, *OTHERS])
    run_campaign(campaign)
    return fit_costs(_measured(campaign), "a run of other crystals")


def _measured(campaign: Campaign) -> list[Measured]:
    with open_snapshot(campaign.run_folder) as snapshot:
        return measured_of(snapshot, campaign, sizes_of_source(campaign))


def _campaign(run: Path, model: str, names: Sequence[str]) -> Campaign:
    quick = model == "springs"
    return campaign_from(
        {
            "name": "plan",
            "run": run,
            "source": {"name": "benchmark", "names": list(names)},
            "model": model,
            "protocol": SMALL if quick else "quick",
            "properties": ["conductivity"] if quick else ["conductivity", "expansion"],
            "cluster": {"name": "inline"},
        }
    )


if __name__ == "__main__":
    main()
