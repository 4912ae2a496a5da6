"""Thermal expansion: agreement of the routes to γ, isotropy of cubic α, and what it costs.

Each crystal goes through the real stages: relaxation, force constants, conductivity, expansion
(strained cells that keep the symmetry, fc3), all six components from strained cells. CPU-seconds
are those of the cost ledger. The last line is JSON.

    python benchmarks/expansion.py            # SevenNet-0, six crystals, an hour on one core
    python benchmarks/expansion.py --quick    # springs, exact forces, below 60 s

``gamma_fc3_vs_strained_max_rel``: largest |γ(fc3)/γ(strained) − 1| at 300 K. With springs it is the
error of the differences; with a potential of long range that of fc3 in a finite supercell, which
``benchmarks/expansion_supercells.py`` follows with its width.
``gamma_symmetric_vs_all_max_rel``: the same between few and all strained cells.
``alpha_cubic_anisotropy``: largest deviation of a component of Σ c γ, summed over the full mesh without
any average over the point group, from an isotropic tensor in a cubic crystal, relative.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy and torch are imported

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from screen.core.crystal import Crystal
from screen.core.records import Candidate, ForceConstants, Outcome
from screen.core.registry import find
from screen.core.settings import Campaign, campaign_from
from screen.physics.expansion import mode_heat_capacity
from screen.physics.gruneisen import mode_gruneisen
from screen.physics.phonons import harmonic_lattice
from screen.pipeline.walk import Task, walk
from screen.store.artifacts import Artifacts
from tests.crystals import FCC, rocksalt, wurtzite

PROPERTIES = ("conductivity", "expansion", "strained_gruneisen")
EXPANSION = ("expansion_cells", "expansion")
STRAINED = ("strained_gruneisen_cells", "strained_gruneisen")
FORCE_CONSTANTS = ("fc2_forces", "fc2", "fc3_forces", "fc3")
SPRINGS = {  # wider than two cutoffs of 7 Å in supercells of 14 Å: nothing is folded
    "RbI": rocksalt(7.3, 37, 53),
    "InSb": wurtzite(5.3, 8.5, 49, 51),
}


def zincblende(a: float, cation: int, anion: int) -> Crystal:
    """Conventional cell; ``a`` in Å."""
    positions = np.concatenate([FCC, FCC + 0.25]) % 1.0
    return Crystal(np.eye(3) * a, np.array([cation] * 4 + [anion] * 4), positions)


REAL = {
    "LiBr": rocksalt(5.5, 3, 35),
    "MgO": rocksalt(4.25, 12, 8),
    "Si": zincblende(5.46, 14, 14),
    "ZnSe": zincblende(5.7, 30, 34),
    "GaN": wurtzite(3.22, 5.24, 31, 7),
    "AlN": wurtzite(3.13, 5.02, 13, 7),
}
FIRST_CUBIC = 195  # space group
Q_LENGTH = 25.0  # Å
FINE = {"fmax": 1e-4, "max_steps": 500}
QUICK_PROTOCOL = {
    "base": "quick",
    "temperatures": [300],
    "relaxation": FINE,
    "displacements": {
        "fc2_minimum_image": 14.0,
        "fc3_minimum_image": 14.0,
        "fc3_scheme": "finite_differences",
        "distance": 0.005,
    },
    "conductivity": {"mesh": {"length": 30.0}},
    "expansion": {"mesh": {"length": 30.0}, "strain": 0.002},
}
REAL_PROTOCOL = {
    "base": "quick",
    "temperatures": [300],
    "relaxation": FINE,
    "displacements": {"fc2_minimum_image": 9.0, "fc3_minimum_image": 9.0, "distance": 0.01},
    "conductivity": {"mesh": {"length": 40.0}},
    "expansion": {"mesh": {"length": 40.0}},
}


def main() -> None:
    """Run all crystals, print a table and one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="springs, below 60 s")
    parser.add_argument("--crystals", nargs="+", help="some of them only")
    arguments = parser.parse_args()
    crystals, model, protocol = (
        (SPRINGS, "springs", QUICK_PROTOCOL)
        if arguments.quick
        else (REAL, "sevennet", REAL_PROTOCOL)
    )
    names = arguments.crystals or list(crystals)
    with tempfile.TemporaryDirectory() as folder:
        campaign = campaign_for(Path(folder), model, protocol)
        results = {name: outcome_of(campaign, name, crystals[name]) for name in names}
        anisotropies = [
            anisotropy(fc3_of(campaign, outcome))
            for outcome in results.values()
            if outcome.rows["stability"]["space_group"] >= FIRST_CUBIC
        ]
    figures = summary(results, anisotropies)
    print(json.dumps({"model": model, **figures}))


def campaign_for(folder: Path, model: str, protocol: Mapping[str, Any]) -> Campaign:
    """Campaign with all three properties; its source is not used."""
    return campaign_from(
        {
            "name": "expansion",
            "run": folder,
            "source": {"name": "files", "path": str(folder)},
            "model": model,
            "protocol": protocol,
            "properties": PROPERTIES,
            "cluster": {"name": "inline"},
        }
    )


def outcome_of(campaign: Campaign, name: str, crystal: Crystal) -> Outcome:
    """Walk one crystal through all stages and print its line."""
    settings = campaign.models[0]
    task = Task(
        candidate=Candidate(name, "benchmark", crystal),
        model=settings,
        model_digest=find("models", settings.family).identify(settings).weights_digest,
        protocol=campaign.protocol,
        properties=campaign.properties,
        run=campaign.run_folder,
    )
    outcome = walk(frozenset({"cpu", f"model:{settings.family}"}), lambda stage: None, task).outcome
    if outcome is None or outcome.failures:
        raise SystemExit(f"{name}: {outcome and outcome.failures}")
    strained, expansion = outcome.rows["strained_gruneisen"], outcome.rows["expansion"]
    print(
        f"{name:>6}: γ(300 K) fc3 {expansion['gruneisen_fc3_300']:.4f} strained "
        f"{strained['gruneisen_strained_300']:.4f} ({strained['gruneisen_deviation_300']:+.2%}), "
        f"symmetric strains {expansion['gruneisen_300']:.4f}; "
        f"α_L {expansion['expansion_300'] * 1e6:.2f} 1e-6/K",
        flush=True,
    )
    return outcome


def fc3_of(campaign: Campaign, outcome: Outcome) -> ForceConstants:
    """Read the third-order force constants of one crystal."""
    record = Artifacts(campaign.run_folder / "artifacts").read("fc3", outcome.artifacts["fc3"])
    if not isinstance(record, ForceConstants):
        raise SystemExit(f"{outcome.material_id}: no fc3")
    return record


def summary(results: Mapping[str, Outcome], anisotropies: Sequence[float]) -> dict[str, float]:
    """Figures of all crystals; costs are CPU-seconds, the sum over crystals."""
    deviations = [
        abs(outcome.rows["strained_gruneisen"]["gruneisen_deviation_300"])
        for outcome in results.values()
    ]
    numbers_of_strains = [
        abs(
            outcome.rows["expansion"]["gruneisen_300"]
            / outcome.rows["strained_gruneisen"]["gruneisen_strained_300"]
            - 1
        )
        for outcome in results.values()
    ]
    seconds = {
        stage: sum(
            execution.cpu_s
            for outcome in results.values()
            for execution in outcome.executions
            if execution.stage == stage
        )
        for stage in (*FORCE_CONSTANTS, *EXPANSION, *STRAINED, "conductivity")
    }
    return {
        "gamma_fc3_vs_strained_max_rel": max(deviations),
        "gamma_symmetric_vs_all_max_rel": max(numbers_of_strains),
        "alpha_cubic_anisotropy": max(anisotropies, default=float("nan")),
        "force_constants_cpu_s": sum(seconds[stage] for stage in FORCE_CONSTANTS),
        "conductivity_cpu_s": seconds["conductivity"],
        "expansion_cells_cpu_s": seconds["expansion_cells"],
        "expansion_cpu_s": seconds["expansion"],
        "strained_cells_cpu_s": seconds["strained_gruneisen_cells"],
        "strained_cpu_s": seconds["strained_gruneisen"],
    }


def anisotropy(force_constants: ForceConstants) -> float:
    """Largest relative deviation of Σ c γ at 300 K from isotropy, fc3, full mesh, no averages."""
    phonopy = harmonic_lattice(force_constants)
    phonopy.run_mesh(Q_LENGTH, is_mesh_symmetry=False, is_gamma_center=True)
    q = np.array(phonopy.mesh.qpoints)
    frequencies, tensors = mode_gruneisen(force_constants, phonopy, q)
    heat = mode_heat_capacity(q, frequencies, np.array([300.0]))[0]
    total = np.einsum("qs,qskl->kl", heat, tensors)
    isotropic = np.trace(total) / 3 * np.eye(3)
    return float(np.abs(total - isotropic).max() / np.abs(isotropic).max())


if __name__ == "__main__":
    main()
