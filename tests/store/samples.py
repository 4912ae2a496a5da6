"""Columns, outcomes and candidates that the store's tests share."""

from __future__ import annotations

from typing import Any

import numpy as np

from screen.core.columns import Column
from screen.core.crystal import Crystal
from screen.core.protocols import ModelIdentity
from screen.core.records import Candidate, Execution, Failure, Metadata, Outcome
from screen.core.settings import PROTOCOLS

MODEL = "a" * 24
PROTOCOL = PROTOCOLS["quick"].digest
GRID = np.array([200.0, 300.0, 400.0])

PROPERTIES = {
    "stability": (
        Column("stable", "BOOLEAN", "stable", "No imaginary modes"),
        Column("min_frequency", "DOUBLE", "lowest frequency", "It's the lowest one", "THz"),
        Column("space_group", "BIGINT", "space group", "After the relaxation"),
    ),
    "conductivity": (
        Column("temperatures", "DOUBLE[]", "T", "Temperatures", "K"),
        Column("kappa", "DOUBLE[]", "κ", "Conductivity", "W/m/K"),
        Column("kappa_tensor", "DOUBLE[6][]", "κ tensor", "xx, yy, zz, yz, xz, xy", "W/m/K"),
        Column("kappa_300", "DOUBLE", "κ (300 K)", "Conductivity at 300 K", "W/m/K"),
        Column("solver", "VARCHAR", "solver", "Solver"),
        Column("mesh", "VARCHAR", "mesh", "Mesh"),
        Column("grid_points", "BIGINT[]", "grid points", "No property has integers in a list yet"),
    ),
    "expansion": (
        Column("temperatures", "DOUBLE[]", "T", "Temperatures", "K"),
        Column("expansion", "DOUBLE[]", "α", "Linear expansion", "1/K"),
        Column("expansion_300", "DOUBLE", "α (300 K)", "Linear expansion at 300 K", "1/K"),
        Column("solver", "VARCHAR", "solver", "How it was computed"),
    ),
}

IDENTITY = ModelIdentity("springs", "springs-1", "w" * 24, "float64", "none", "1.0")
LIBR = Crystal(np.eye(3) * 5.5, np.array([3, 35]), np.array([[0, 0, 0], [0.5, 0.5, 0.5]]))


def candidate(material: str, **metadata: Any) -> Candidate:
    """LiBr under any name."""
    return Candidate(material, "files", LIBR, metadata=Metadata(**metadata))


def execution(name: str, material: str, stage: str = "relax", artifact: str = "k1") -> Execution:
    """Ten seconds of work that began at 10:00 UTC."""
    started = "2026-11-22T11:00:00+01:00"
    return Execution(name, artifact, stage, material, 10.0, 9.0, 512.0, 4, 64, started, "n1", 77)


def rows_of(kappa: float) -> dict[str, dict[str, Any]]:
    """A row of each property."""
    values = kappa * 300.0 / GRID
    return {
        "stability": {"stable": True, "min_frequency": 0.5, "space_group": 225},
        "conductivity": {
            "temperatures": GRID,
            "kappa": values,
            "kappa_tensor": np.outer(values, [1, 1, 1, 0, 0, 0]),
            "kappa_300": kappa,
            "solver": "phono3py",
            "mesh": "19×19×19",
            "grid_points": (0, 1, 19),
        },
        "expansion": {
            "temperatures": GRID.tolist(),
            "expansion": [1e-5, 2e-5, 3e-5],
            "expansion_300": 2e-5,
            "solver": "fc3",
        },
    }


def outcome(
    material: str = "m1",
    kappa: float = 1.5,
    *,
    failures: tuple[Failure, ...] = (),
    rows: dict[str, dict[str, Any]] | None = None,
    executions: tuple[Execution, ...] | None = None,
    model: str = MODEL,
    crystal_digest: str | None = LIBR.digest,
) -> Outcome:
    """A complete outcome unless told otherwise."""
    done = (execution(f"e-{material}", material),) if executions is None else executions
    return Outcome(
        material_id=material,
        crystal_digest=crystal_digest,
        model_digest=model,
        protocol_digest=PROTOCOL,
        rows=rows_of(kappa) if rows is None else rows,
        failures=failures,
        artifacts={"relax": "k1", "fc2": "k2"},
        executions=done,
        versions={"phono3py": "4.10"},
    )


def failed(material: str = "m1", kind: str = "relaxation", stage: str = "relax") -> Outcome:
    """An outcome without any property."""
    return outcome(material, failures=(Failure(stage, kind, f"{kind} happened"),), rows={})
