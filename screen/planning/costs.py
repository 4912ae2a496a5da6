"""The cost model: a law for each stage and potential, fitted to a run or shipped."""

from __future__ import annotations

import json
import platform
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from screen.core.catalogs import catalog_path
from screen.planning.features import OCCASIONAL, Features
from screen.planning.history import Measured
from screen.planning.laws import Law, fit_law
from screen.planning.sizes import Size

SHIPPED = "costs.json"
FC3_COPIES = 3  # as fitted, symmetrised and stored
ANY = ""  # potential of stages that ask none
MEGABYTE = 2**20
LEAST = 3  # stages after warming up that a law is fitted to without the first ones


@dataclass(frozen=True)
class CostModel:
    """Cost laws, and where they come from."""

    laws: Mapping[tuple[str, str], Law]  # by stage and potential
    memory: Mapping[str, Law]  # MB of a process, by potential
    hardware: str = ""  # of which the seconds are
    source: str = ""  # command or run that measured them

    def law(self, stage: str, potential: str) -> tuple[Law, bool]:
        """Law of a stage, and whether it was measured for this potential.

        A potential that nobody has measured takes the law of the best-measured one; a stage that
        nobody has measured costs nothing, with ``measured = 0``.
        """
        for key in ((stage, potential), (stage, ANY)):
            if key in self.laws:
                return self.laws[key], True
        others = [law for (name, _), law in self.laws.items() if name == stage]
        return max(others, key=lambda law: law.measured, default=Law()), False

    def memory_mb(self, size: Size, potential: str) -> float:
        """Peak memory in MB of a process that does all stages of a material.

        The graph of the largest supercell in the potential, and copies of fc3; what the fit of
        fc3 takes besides is not in it.
        """
        best = max(self.memory.values(), key=lambda law: law.measured, default=Law())
        graph = self.memory.get(potential, best).seconds(_memory_features(size))
        return graph + FC3_COPIES * size.fc3_bytes / MEGABYTE

    def over(self, other: CostModel) -> CostModel:
        """Return these laws, and those of ``other`` where there is none."""
        return CostModel(
            {**other.laws, **self.laws},
            {**other.memory, **self.memory},
            f"{self.hardware}; where that run has none: {other.hardware}",
            f"{self.source}; {other.source}",
        )


def fit_costs(measured: Sequence[Measured], source: str) -> CostModel:
    """Fit a law to every stage of every potential that has been measured."""
    on_gpu = any(item.on_gpu for item in measured)
    groups: dict[tuple[str, str], list[Measured]] = defaultdict(list)
    for item in measured:
        groups[item.stage, item.potential if item.at_model else ANY].append(item)
    laws = {}
    for key, items in groups.items():
        warm = [item for item in items if not item.first]
        chosen = warm if len(warm) >= LEAST else items
        laws[key] = fit_law(
            [item.features for item in chosen],
            [item.seconds for item in chosen],
            occasional=key[0] in OCCASIONAL,
        )
    hardware = "a GPU, and " if on_gpu else ""
    return CostModel(laws, _memory_laws(measured), hardware + this_machine(), source)


def _memory_features(size: Size) -> Features:
    """Terms of the memory of a process: the graph of a supercell, and one for the programs."""
    return {"edges": max(size.fc2_atoms, size.fc3_atoms) * size.density, "task": 1.0}


def _memory_laws(measured: Iterable[Measured]) -> dict[str, Law]:
    """Fit to the materials that raised the peak of their process, which never falls."""
    peaks: dict[str, float] = {}
    rises: dict[str, dict[tuple[str, str], tuple[Features, float]]] = defaultdict(dict)
    for item in measured:
        if item.at_model and item.peak_mb > 1.01 * peaks.get(item.process, 0.0):
            rise = (_memory_features(item.size), item.peak_mb)
            rises[item.potential][item.process, item.material] = rise
        peaks[item.process] = max(item.peak_mb, peaks.get(item.process, 0.0))
    return {
        potential: fit_law(
            [terms for terms, _ in found.values()],
            [megabytes for _, megabytes in found.values()],
            all_terms=True,
        )
        for potential, found in rises.items()
    }


def shipped_costs() -> CostModel:
    """Laws that come with Thermoscreen; ``hardware`` says for which machine they hold."""
    return read_costs(catalog_path(SHIPPED))


def read_costs(path: Path) -> CostModel:
    """Read laws from JSON."""
    values = json.loads(path.read_text(encoding="utf-8"))
    laws = {(item["stage"], item["potential"]): Law(**item["law"]) for item in values["laws"]}
    memory = {potential: Law(**law) for potential, law in values["memory"].items()}
    return CostModel(laws, memory, values["hardware"], values["source"])


def write_costs(path: Path, costs: CostModel) -> None:
    """Write laws as JSON."""
    values: dict[str, Any] = {
        "hardware": costs.hardware,
        "source": costs.source,
        "memory": {name: law.as_dict() for name, law in sorted(costs.memory.items())},
        "laws": [
            {"stage": stage, "potential": potential, "law": law.as_dict()}
            for (stage, potential), law in sorted(costs.laws.items())
        ],
    }
    path.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def this_machine() -> str:
    """Name of this machine's processor."""
    with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
        names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
        return f"one core of {next(names, platform.processor())}"
