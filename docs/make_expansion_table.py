"""Expansion of a run beside experiment: ``python docs/make_expansion_table.py --run RUN``.

Writes the tables between the markers of ``docs/expansion.md``. The run is that of
``catalogs/campaigns/expansion.toml``; values come from its database and ``catalogs/experiment.csv``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from screen.core.experiment import measured
from screen.store.database import open_snapshot

BEGIN, END = "<!-- tables begin -->\n", "<!-- tables end -->"
SQL = """
SELECT results.*, expansion.expansion_temperatures, expansion.expansion
FROM results LEFT JOIN expansion USING (material_id, model_digest, protocol_digest)
ORDER BY list_position(['rocksalt', 'zincblende', 'wurtzite'], prototype), material_id
"""
ROUTES = {"linear": "", "fc3": "_fc3", "QHA": "_qha"}
DIRECTIONS = {"alpha": "", "alpha_a": "_a", "alpha_c": "_c"}  # property of the catalog to column
SMOOTH = 0.02  # qha_residual_300, above which QHA stands in brackets and is not counted
Row = Mapping[str, Any]


def main() -> None:
    """Read the run and rewrite the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True, help="run folder of the campaign")
    parser.add_argument("--into", type=Path, default=Path(__file__).with_name("expansion.md"))
    chosen = parser.parse_args()
    with open_snapshot(chosen.run) as snapshot:
        rows = snapshot.query(SQL).to_pylist()
    before, rest = chosen.into.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    tables = "\n".join([*room_temperature(rows), "", *low_temperature(rows), "", *left_out(rows)])
    chosen.into.write_text(f"{before}{BEGIN}{tables}{END}{after}", encoding="utf-8")
    sys.stdout.write(tables)


def room_temperature(rows: Sequence[Row]) -> Iterator[str]:
    """α(300 K) by each route and measured, 10⁻⁶/K; then the mean errors."""
    yield "| Crystal | linear | fc3 alone | QHA | experiment | γ | γ, fc3 alone | B [GPa] | flags |"
    yield "|---|---|---|---|---|---|---|---|---|"
    ratios: dict[str, list[float]] = {route: [] for route in ROUTES}
    for row in rows:
        for name, direction in DIRECTIONS.items():
            values = experiment(row, name)
            if not values or row["expansion_300"] is None:
                continue
            found = {
                route: row.get(f"expansion{direction}{suffix}_300")
                for route, suffix in ROUTES.items()
            }
            smooth = (row["qha_residual_300"] or 0) < SMOOTH
            for route, value in found.items():
                if value is not None and (smooth or route != "QHA"):
                    ratios[route].append(value * 1e6 / float(np.mean(values)))
            axis = direction.replace("_", ", ")
            values_shown = [millionths(value) for value in found.values()]
            cells = [
                f"{row['material_id']}{axis}",
                *values_shown[:2],
                values_shown[2] if smooth else f"({values_shown[2]})",
                ", ".join(f"{value:.2f}" for value in values),
                f"{row['gruneisen_300']:.2f}",
                f"{row['gruneisen_fc3_300']:.2f}",
                f"{row['bulk_modulus']:.0f}",
                ", ".join(row["expansion_flags"]),
            ]
            yield f"| {' | '.join(cells)} |"
    yield ""
    for route, values in ratios.items():
        if values:
            yield (
                f"- {route}: median of α/experiment {np.median(values):.2f}, median "
                f"|α/experiment − 1| {np.median(np.abs(np.array(values) - 1)):.2f}, {len(values)} values."
            )


def low_temperature(rows: Sequence[Row]) -> Iterator[str]:
    """Where α is negative, computed and measured."""
    yield "| Crystal | lowest α | at | negative up to | experiment: negative below | γ(T → 0), experiment |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        if row["expansion"] is None or min(row["expansion"]) >= 0:
            continue
        grid, alpha = np.array(row["expansion_temperatures"]), np.array(row["expansion"])
        limits = measured(row["formula"], row["prototype"])
        below = [f"{item.value:g} K" for item in limits if item.property == "contracts_below"]
        zero = [f"{item.value:g}" for item in limits if item.property == "gruneisen_0"]
        cells = [
            row["material_id"],
            millionths(alpha.min()),
            f"{grid[alpha.argmin()]:g} K",
            f"{grid[alpha < 0].max():g} K",
            ", ".join(below) or "–",
            ", ".join(zero) or "–",
        ]
        yield f"| {' | '.join(cells)} |"


def left_out(rows: Sequence[Row]) -> Iterator[str]:
    """Crystals without an expansion, and why."""
    for row in rows:
        if row["expansion_300"] is None:
            yield f"{row['material_id']} failed in stage {row['failure_stage']}: {row['failure_kind']}."
    yield ""


def experiment(row: Row, name: str) -> list[float]:
    """Measured values near room temperature in 10⁻⁶/K; no means over a wide range."""
    return [
        1e6 * item.value
        for item in measured(row["formula"], row["prototype"])
        if item.property == name and item.temperature_to is None
    ]


def millionths(value: float | None) -> str:
    """Expansion in 10⁻⁶/K."""
    return "–" if value is None else f"{1e6 * value:.2f}"


if __name__ == "__main__":
    main()
