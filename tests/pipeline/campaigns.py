"""Small real campaigns: fcc crystals of springs, every stage in well under a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
from ase.build import bulk
from ase.io import write

from screen.core.settings import Campaign, campaign_from
from screen.store.database import open_snapshot

TINY = {
    "base": "quick",
    "temperatures": [100, 300],
    "displacements": {
        "fc2_minimum_image": 7.0,
        "fc3_minimum_image": 7.0,
        "fc3_scheme": "finite_differences",
    },
    "stability": {"tolerance": 0.01},
    "conductivity": {"mesh": {"length": 12}},
    "expansion": {"mesh": {"length": 12}, "temperatures": [0, 100, 300]},
}


FCC = {"Cu": 3.61, "Ag": 4.09, "Au": 4.08, "Al": 4.05, "Ni": 3.52, "Pb": 4.95, "Xe": 6.13}
"""Lattice parameters of fcc metals in Å (Kittel, Introduction to Solid State Physics)."""


def write_fcc(folder: Path, *elements: str) -> Path:
    """Write POSCAR files of fcc crystals; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for element in elements:
        write(folder / f"{element}.vasp", bulk(element, "fcc", a=FCC[element], cubic=True))
    return folder


def tiny(run: Path, crystals: Path, **changes: Any) -> Campaign:
    """Campaign over a folder of structure files; ``changes`` replace keys, None removes one."""
    values = {
        "name": "tiny",
        "run": run,
        "source": {"name": "files", "path": str(crystals)},
        "model": "springs",
        "protocol": TINY,
        "cluster": {"name": "inline"},
    }
    given = {**values, **changes}
    return campaign_from({key: value for key, value in given.items() if value is not None})


def table(run: Path, sql: str) -> list[dict[str, Any]]:
    """Rows of a query on the run's snapshot."""
    with open_snapshot(run) as snapshot:
        found: pa.Table = snapshot.query(sql)
    return found.to_pylist()


NUMBERS = (
    "SELECT material_id, status, kappa_300, kappa_p_300, kappa_c_300, expansion_300, "
    "gruneisen_300, bulk_modulus, min_frequency FROM results ORDER BY material_id"
)
"""Everything physical about a run: two runs of one campaign must agree on it."""
EXECUTIONS = "SELECT material_id, stage, artifact, count(*) AS n FROM costs GROUP BY ALL"
