"""A run of benchmark compounds whose conductivities are those of the DFT reference, changed or not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from screen.benchmark.references import ModeReference
from screen.core.crystal import Crystal
from screen.core.protocols import ModelIdentity
from screen.core.records import Conductivity, Failure, ForceConstants, Outcome
from screen.core.settings import protocol_named
from screen.pipeline.campaign import property_columns
from screen.sources import benchmark
from screen.store.artifacts import Artifacts
from screen.store.database import Writer
from screen.store.layout import artifacts_folder
from tests.store.samples import execution

PROTOCOL = protocol_named("ksrme-2024")
MODEL = "5e" * 12
IDENTITY = ModelIdentity("sevennet", "sevennet-0", "w" * 24, "float64", "sevenn", "1")


def conductivity(reference: ModeReference, factor: float = 1.0) -> Conductivity:
    """Record at 300 K whose modes are ``factor`` times those of the reference."""
    kappa = factor * reference.kappa_300 * np.eye(3)[None]
    n_points, n_bands = reference.frequencies.shape
    return Conductivity(
        temperatures=np.array([300.0]),
        kappa_p=kappa,
        kappa_c=0 * kappa,
        mesh=np.array([19, 19, 19]),
        q=reference.q,
        weights=reference.weights,
        frequencies=reference.frequencies,
        linewidths=np.full((1, n_points, n_bands), 0.1),
        mode_kappa=factor * reference.mode_kappa[None],
        pair_velocities=np.tile(np.eye(n_bands), (n_points, 1, 1)),
        volume=40.0,
        solver="wigner",
        solver_version="test",
        isotopes=True,
        nac=False,
    )


def write_run(
    run: Path, records: dict[str, Conductivity | Failure], alpha: float | None = None
) -> None:
    """Write outcomes of benchmark compounds, each with its record, and publish.

    Parameters
    ----------
    alpha
        Expansion at 300 K in 1/K, a row without record; None: not asked for.
    """
    artifacts = Artifacts(artifacts_folder(run))
    names = ["conductivity"] + ["expansion"] * (alpha is not None)
    outcomes = [_outcome(name, record, artifacts) for name, record in records.items()]
    if alpha is not None:
        rows = {"expansion": {"expansion_300": alpha}}
        outcomes = [replace(item, rows={**item.rows, **rows}) for item in outcomes]
    with Writer(run, property_columns(names)) as writer:
        writer.add_candidates(list(benchmark.candidates({"names": list(records)})))
        writer.add_protocol(PROTOCOL)
        writer.add_model(MODEL, IDENTITY)
        writer.upsert(outcomes)
        writer.publish()


def _outcome(compound: str, record: Conductivity | Failure, artifacts: Artifacts) -> Outcome:
    (candidate,) = benchmark.candidates({"names": [compound]})
    failed = isinstance(record, Failure)
    if not failed:
        artifacts.write("conductivity", f"k-{compound}", record)
        artifacts.write("fc3", f"k-{compound}", _force_constants(candidate.crystal))
    return Outcome(
        material_id=compound,
        crystal_digest=candidate.crystal.digest,
        model_digest=MODEL,
        protocol_digest=PROTOCOL.digest,
        rows={} if failed else {"conductivity": _row(record)},
        failures=(record,) if failed else (),
        artifacts={} if failed else dict.fromkeys(("fc3", "conductivity"), f"k-{compound}"),
        executions=(replace(execution(f"e-{compound}", compound), cpu_s=9.0),),
        versions={},
    )


def _force_constants(crystal: Crystal) -> ForceConstants:
    """What the row of a conductivity asks for the quality of the fit, of which there is none."""
    one = np.eye(3, dtype=np.int64)
    n = len(crystal)
    return ForceConstants(crystal, np.eye(3), one, one, np.zeros((n, n, 3, 3)))


def _row(record: Conductivity) -> dict[str, object]:
    kappa = record.kappa_p[:, 0, 0]
    return {
        "temperatures": record.temperatures,
        "kappa": kappa,
        "kappa_p": kappa,
        "kappa_c": 0 * kappa,
        "kappa_300": kappa[0],
        "kappa_p_300": kappa[0],
        "kappa_c_300": 0.0,
        "nac": record.nac,
    }
