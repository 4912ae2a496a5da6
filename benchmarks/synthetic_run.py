"""A run folder of any size with made-up numbers, written by the real writer.

Kappa falls with the mean mass and with a random factor, as 1/T with a part that stays; expansion,
gaps and moduli scatter about plausible values. One material in ten is unstable, some fail, the
funnel holds some back, some are pending: every state that a page has to count is there. One material
in ten has a reference conductivity.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from ase.data import atomic_masses

from screen.core.crystal import Crystal
from screen.core.protocols import ModelIdentity
from screen.core.records import Candidate, Execution, Failure, Metadata, Outcome, Rejected
from screen.core.settings import protocol_named
from screen.properties import conductivity, expansion, slack, stability
from screen.store.artifacts import Artifacts
from screen.store.database import Writer
from screen.store.layout import artifacts_folder
from tests.dashboard.conftest import RECIPES, candidate_of, outcome_of

MODELS = ("mace-mpa-0", "sevennet-0", "chgnet")
PROTOCOL = protocol_named("quick")
PROPERTIES = {
    "stability": stability.COLUMNS,
    "slack": slack.COLUMNS,
    "conductivity": conductivity.COLUMNS,
    "expansion": expansion.COLUMNS,
}
STAGES = {  # the stages of a material, with typical seconds
    "relax": 20.0,
    "fc2_forces": 8.0,
    "fc2": 1.0,
    "stability": 2.0,
    "fc3_forces": 240.0,
    "fc3": 15.0,
    "conductivity": 60.0,
    "expansion": 45.0,
}
BEFORE_FC3 = tuple(STAGES)[:4]
PROTOTYPES = (
    *("rocksalt", "zincblende", "wurtzite", "fluorite", "perovskite", "half-heusler"),
    *("spinel", "rutile", "antifluorite", "chalcopyrite", "delafossite", "corundum"),
)
CATIONS = (3, 4, 11, 12, 13, 14, 19, 20, 21, 22, 25, 26, 29, 30, 31, 32, 37, 38, 39, 40, 47, 48, 49)
HEAVY = (50, 55, 56, 57, 72, 74, 79, 81, 82, 83)
ANIONS = (1, 5, 6, 7, 8, 9, 15, 16, 17, 33, 34, 35, 51, 52, 53)
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
BATCH = 2000
DEVIATION = 0.15  # of ln κ between potentials


def model_digest(index: int) -> str:
    """Digest of one of ``MODELS``."""
    return f"{index + 1:024x}"


def write_synthetic_run(run: Path, materials: int, potentials: int = 1, seed: int = 7) -> Path:
    """Write and publish a run of ``materials`` candidates.

    Parameters
    ----------
    potentials
        How many of ``MODELS`` have computed each material.
    """
    rng = np.random.default_rng(seed)
    with Writer(run, PROPERTIES, memory_limit="4GB") as writer:
        for index in range(potentials):
            identity = ModelIdentity("mace", MODELS[index], f"{index:024x}", "float64", "x", "1.0")
            writer.add_model(model_digest(index), identity)
        writer.add_protocol(PROTOCOL)
        for first in range(0, materials, BATCH):
            numbers = range(first, min(first + BATCH, materials))
            entries = [entry(number, rng) for number in numbers]
            writer.add_candidates(entries)
            outcomes = [
                made
                for item, number in zip(entries, numbers, strict=True)
                for made in outcomes_of(item, number, potentials, rng)
            ]
            writer.upsert(outcomes)
    add_with_artifacts(run)
    return run


def add_with_artifacts(run: Path) -> None:
    """Add a handful of materials that have all their records, for the pages that draw them."""
    artifacts = Artifacts(artifacts_folder(run))
    with Writer(run, PROPERTIES) as writer:
        writer.add_candidates([candidate_of(recipe) for recipe in RECIPES])
        made = [outcome_of(recipe, artifacts, PROTOCOL) for recipe in RECIPES]
        writer.upsert([replace(outcome, model_digest=model_digest(0)) for outcome in made])
        writer.publish()


def entry(number: int, rng: np.random.Generator) -> Candidate | Rejected:
    """Return a candidate, or one entry in fifty that is none."""
    identifier = f"syn-{number:06d}"
    if number % 50 == 49:
        return Rejected(identifier, "synthetic", "partial_occupancy", "sites are partly occupied")
    atoms = int(rng.integers(2, 9))
    species = [*rng.choice(CATIONS + HEAVY, size=1 + atoms // 5), *rng.choice(ANIONS, size=1)]
    numbers = np.sort(rng.choice(species, size=atoms))
    lattice = np.eye(3) * (20.0 * atoms) ** (1 / 3) * rng.uniform(0.9, 1.15)
    crystal = Crystal(lattice, numbers, rng.random((atoms, 3)))
    gap = None if number % 9 == 0 else float(max(0.0, rng.normal(1.5, 1.5)))
    metadata = Metadata(
        prototype=None if number % 4 == 0 else str(rng.choice(PROTOTYPES)),
        mp_id=f"mp-{number}",
        band_gap=gap,
        energy_above_hull=float(max(0.0, rng.normal(0.01, 0.03))),
        theoretical=bool(number % 3 == 0),
        kappa_reference_300=_typical_kappa(crystal, rng) if number % 10 == 0 else None,
    )
    return Candidate(identifier, "synthetic", crystal, metadata=metadata)


def outcomes_of(
    item: Candidate | Rejected, number: int, potentials: int, rng: np.random.Generator
) -> Iterator[Outcome]:
    """Yield what became of an entry under each potential; a pending one has nothing."""
    if number % 40 == 7:
        return
    for index in range(potentials):
        same = np.random.default_rng(number)  # potentials differ by a factor only
        made = _outcome(item, number, same, float(rng.lognormal(0.0, DEVIATION)))
        executions = tuple(
            replace(item, execution_id=f"{item.execution_id}-{index}") for item in made.executions
        )
        yield replace(made, model_digest=model_digest(index), executions=executions)


def _outcome(
    item: Candidate | Rejected, number: int, rng: np.random.Generator, factor: float
) -> Outcome:
    """Return what one potential finds; κ is multiplied by ``factor``."""
    if isinstance(item, Rejected):
        return _ended(item.id, None, {}, (Failure("source", item.kind, item.message),), (), rng)
    rows: dict[str, dict[str, Any]] = {"stability": _stability(item, number % 10 != 3, rng)}
    if number % 10 == 3:
        unstable = Failure("stability", "imaginary_modes", "imaginary modes down to -1.2 THz")
        return _ended(item.id, item.crystal, rows, (unstable,), BEFORE_FC3, rng)
    kappa = factor * _typical_kappa(item.crystal, rng)
    rows["slack"] = _slack(kappa * float(rng.lognormal(0.0, 0.6)), rng)
    if number % 10 == 5:
        held = Failure("funnel", "not_selected", "estimated κ is not among the best")
        return _ended(item.id, item.crystal, rows, (held,), BEFORE_FC3, rng)
    if number % 60 == 11:
        failed = Failure("fc3_forces", "out_of_memory", "the supercell has 640 atoms: 7.9 GB")
        return _ended(item.id, item.crystal, rows, (failed,), BEFORE_FC3, rng)
    rows["conductivity"] = _conductivity(kappa, rng)
    if number % 30 == 12:
        failed = Failure("expansion", "not_positive_definite", "the elastic tensor is no minimum")
        return _ended(item.id, item.crystal, rows, (failed,), tuple(STAGES)[:-1], rng)
    rows["expansion"] = _expansion(rng)
    return _ended(item.id, item.crystal, rows, (), tuple(STAGES), rng)


def _ended(
    identifier: str,
    crystal: Crystal | None,
    rows: dict[str, dict[str, Any]],
    failures: tuple[Failure, ...],
    stages: tuple[str, ...],
    rng: np.random.Generator,
) -> Outcome:
    """Return an outcome with the costs of its stages."""
    begun = BEGIN + timedelta(seconds=float(rng.integers(0, 30 * 86400)))
    seconds = rng.lognormal(0.0, 0.4, size=len(stages))
    executions = tuple(
        Execution(
            execution_id=f"{identifier}-{stage}-{rng.integers(2**62):x}",
            artifact=f"{rng.integers(2**62):024x}",
            stage=stage,
            material_id=identifier,
            wall_s=STAGES[stage] * factor,
            cpu_s=0.9 * STAGES[stage] * factor,
            peak_mb=900.0,
            evaluations=20,
            atoms=1280,
            started_at=begun.isoformat(),
            host="node-3",
            pid=4711,
        )
        for stage, factor in zip(stages, seconds.tolist(), strict=True)
    )
    digest = None if crystal is None else crystal.digest
    return Outcome(
        identifier, digest, "", PROTOCOL.digest, rows, failures, {}, executions, {"phonopy": "4.4"}
    )


def _typical_kappa(crystal: Crystal, rng: np.random.Generator) -> float:
    """κ at 300 K in W/m/K: falls with the mean atomic mass, scatters by a factor of e."""
    return 400.0 / float(np.mean(atomic_masses[crystal.numbers])) * float(rng.lognormal(0.0, 1.0))


def _stability(item: Candidate, stable: bool, rng: np.random.Generator) -> dict[str, Any]:
    return {
        "stable": stable,
        "min_frequency": 0.02 if stable else -1.2,
        "max_frequency": float(rng.uniform(4, 40)),
        "space_group": 225,
        "space_group_before": 225,
        "volume_per_atom": item.crystal.volume / len(item.crystal),
    }


def _slack(kappa: float, rng: np.random.Generator) -> dict[str, Any]:
    return {"kappa_slack_300": kappa, "sound_velocity": float(rng.uniform(1500, 8000))}


def _conductivity(kappa: float, rng: np.random.Generator) -> dict[str, Any]:
    """κ_P falls as 1/T, κ_C grows to its plateau; ``kappa`` at 300 K, W/m/K."""
    grid = np.array(PROTOCOL.temperatures)
    share = float(rng.beta(1.0, 8.0))
    populations = kappa * (1 - share) * 300 / grid
    coherences = kappa * share * (1 - np.exp(-grid / 150)) / (1 - np.exp(-2))
    total = populations + coherences
    at = int(np.searchsorted(grid, 300.0))
    return {
        "temperatures": grid,
        "kappa": total,
        "kappa_p": populations,
        "kappa_c": coherences,
        "kappa_tensor": total[:, None] * np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0]),
        "kappa_300": total[at],
        "kappa_p_300": populations[at],
        "kappa_c_300": coherences[at],
        "wave_like_share_300": min(1.0, 2 * share),
        "overdamped_share_300": share / 5,
        "mesh": "11×11×11",
        "solver": "wigner",
        "isotopes": True,
        "nac": False,
        "fc3_fit_poor": bool(rng.random() < 0.05),
    }


def _expansion(rng: np.random.Generator) -> dict[str, Any]:
    grid = np.array(PROTOCOL.temperatures)
    curve = float(rng.normal(2.0e-5, 1.2e-5)) / (1 + (170 / grid) ** 2)
    return {
        "expansion_temperatures": grid,
        "expansion": curve,
        "expansion_tensor": curve[:, None] * np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0]),
        "expansion_300": curve[int(np.searchsorted(grid, 300.0))],
        "gruneisen_300": float(rng.normal(1.6, 0.4)),
        "bulk_modulus": float(rng.lognormal(4.2, 0.6)),
        "expansion_flags": ["soft_mode"] if rng.random() < 0.07 else [],
    }
