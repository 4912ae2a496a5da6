"""Crystals without a thermal expansion end as rows that say why, whatever else is known stays."""

from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.io import write

from screen.core.errors import ExpansionError
from screen.core.records import ElasticCells
from screen.core.voigt import from_voigt, to_voigt
from screen.physics.elasticity import ENGINEERING, distinct_strains, fit_elasticity
from screen.pipeline.campaign import run_campaign
from tests.crystals import fcc
from tests.pipeline.campaigns import FCC, TINY, table, tiny, write_fcc

KEPT = "SELECT material_id, stable, kappa_300, expansion_300 FROM results ORDER BY material_id"


@pytest.fixture(scope="module")
def stretched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folder of copper at rest, silver beyond its spinodal and simple cubic copper.

    The cells are held. Silver stretched by 22 % has no imaginary modes, C11 and C44 being positive,
    but its tension falls as it expands: B = −3 GPa.
    """
    folder = tmp_path_factory.mktemp("stretched")
    crystals = write_fcc(folder / "crystals", "Cu")
    write(crystals / "silver.vasp", bulk("Ag", "fcc", a=1.22 * FCC["Ag"], cubic=True))
    write(crystals / "simple_cubic.vasp", bulk("Cu", "sc", a=2.5))
    protocol = {**TINY, "relaxation": {"cell_mask": [False] * 6}}
    state = run_campaign(tiny(folder / "run", crystals, protocol=protocol))
    assert state.first_traceback is None
    return folder / "run"


def test_a_mechanically_unstable_crystal_is_a_row_with_the_reason(stretched: Path) -> None:
    failures = {row["material_id"]: row for row in table(stretched, "SELECT * FROM failures")}
    failure = failures["silver"]
    assert (failure["stage"], failure["kind"]) == ("expansion", "mechanically_unstable")
    assert "GPa" in failure["message"]
    assert "Born" in failure["message"]


def test_its_other_properties_stay(stretched: Path) -> None:
    copper, silver, unstable = (
        row for row in table(stretched, KEPT) if row.pop("material_id") is not None
    )
    assert copper["stable"]
    assert copper["expansion_300"] > 0
    assert silver["stable"]
    assert silver["kappa_300"] > 0
    assert silver["expansion_300"] is None
    assert unstable == {"stable": False, "kappa_300": None, "expansion_300": None}


def test_nothing_is_strained_after_imaginary_modes(stretched: Path) -> None:
    rows = table(stretched, "SELECT stage FROM costs WHERE material_id = 'simple_cubic'")
    assert {row["stage"] for row in rows} == {"relax", "fc2_forces", "fc2", "stability"}
    (failure,) = table(
        stretched, "SELECT stage, kind FROM failures WHERE material_id = 'simple_cubic'"
    )
    assert failure == {"stage": "stability", "kind": "imaginary_modes"}


def test_vanishing_third_order_constants_are_a_row_with_the_way_out(tmp_path: Path) -> None:
    """In one conventional cell every atom is a centre of inversion with its images: fc3 is 0."""
    crystals = write_fcc(tmp_path / "crystals", "Cu")
    displacements = {**TINY["displacements"], "fc3_minimum_image": 2.0}
    protocol = {**TINY, "displacements": displacements}
    state = run_campaign(tiny(tmp_path / "run", crystals, protocol=protocol))
    assert state.first_traceback is None
    failures = {row["stage"]: row for row in table(tmp_path / "run", "SELECT * FROM failures")}
    assert set(failures) == {"conductivity", "expansion"}
    assert failures["expansion"]["kind"] == "harmonic"
    assert "fc3_minimum_image" in failures["expansion"]["message"]
    (row,) = table(tmp_path / "run", "SELECT stable FROM stability")
    assert row == {"stable": True}


@pytest.mark.parametrize(
    ("c11", "c12", "c44"),
    [
        (80, 40, 0),  # no resistance to shear
        (81.3, 81.3, 0.7),  # to a tetragonal strain: rounded, the lowest eigenvalue is 6e-15 GPa
        (80, -40, 40),  # to a change of volume
        (0, 0, 0),  # to anything: atoms that do not see each other
    ],
)
def test_a_singular_elastic_tensor_is_refused_before_it_is_inverted(
    c11: float, c12: float, c44: float
) -> None:
    crystal = fcc(3.6, 29)
    stiffness = np.diag([c11 - c12] * 3 + [c44] * 3)
    stiffness[:3, :3] += c12
    strains = distinct_strains(crystal, 0.005)
    stresses = from_voigt(to_voigt(strains) * ENGINEERING @ stiffness) / 160.2
    with pytest.raises(ExpansionError, match="Born criteria") as caught:
        fit_elasticity(ElasticCells(strains, stresses), crystal)
    assert caught.value.kind == "mechanically_unstable"
