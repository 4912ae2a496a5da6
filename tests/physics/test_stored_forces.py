"""Post-processing of forces that others computed: MACE-MP-0b, repository of k_SRME.

The relaxed lattice parameter was not recorded. Frequencies do not depend on it; κ_P and κ_C
share one factor (volume), so that their ratio is exact.
"""

import numpy as np
import pytest
from ase.io import read
from scipy.spatial import KDTree

from screen.core.records import ForceConstants, SupercellForces
from screen.core.settings import ConductivitySettings, StabilitySettings, protocol_named
from screen.physics.convert import from_ase
from screen.physics.force_constants import second_order, third_order
from screen.physics.metrics import microscopic_error
from screen.physics.phonons import phonons_on_mesh
from screen.solvers.phono3py import solve
from tests.shared import shared_path

SETTINGS = protocol_named("ksrme-2024").displacements


def stored(name: str) -> dict[str, np.ndarray]:
    with np.load(shared_path(f"mace_mp_0b_forces/{name}.npz")) as arrays:
        return dict(arrays)


def harmonic(name: str, forces: np.ndarray) -> ForceConstants:
    mp_id = str(stored(name)["mp_id"])
    frames = read(shared_path("phonondb/structures_103.extxyz"), ":")
    atoms = next(frame for frame in frames if frame.info["mp_id"] == mp_id)
    supercells = (atoms.info["fc2_supercell"], atoms.info["fc3_supercell"])
    return second_order(from_ase(atoms), supercells, SupercellForces(forces), SETTINGS)


@pytest.mark.parametrize(
    ("name", "mesh"),
    [("RbF-rs", (19, 19, 19)), ("GaAs-zb", (19, 19, 19)), ("BeO-wz", (19, 19, 15))],
)
def test_frequencies_equal_the_published_ones(name: str, mesh: tuple[int, int, int]) -> None:
    """Tolerance 1e-6 THz: the published figures come from phono3py 3 and the same forces."""
    data = stored(name)
    phonons = phonons_on_mesh(harmonic(name, data["fc2_forces"]), mesh, StabilitySettings())
    assert phonons.weights.tolist() == data["weights"].tolist()
    np.testing.assert_allclose(phonons.q, data["q_points"], atol=1e-9)
    published = np.sort(data["frequencies"], axis=1)  # on all grid points, borders included
    for rows, others in ((phonons.frequencies, published), (published, phonons.frequencies)):
        distance, _ = KDTree(others).query(rows, p=np.inf)
        assert distance.max() < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize(("name", "ratio"), [("RbF-rs", 0.0492), ("LiBr-rs", None)])
def test_coherences_over_populations_equal_the_published_ratio(
    name: str, ratio: float | None
) -> None:
    """κ_C/κ_P within 1 % and SRME of the mode κ below 0.02.

    The published runs used phono3py 3's Wigner solver. phono3py's SMM19 operator alone gives
    0.0511 for RbF (4 % more); ours carries the factor 4ωω'/(ω+ω')².
    """
    data = stored(name)
    constants = third_order(
        harmonic(name, data["fc2_forces"]), SupercellForces(data["fc3_forces"]), SETTINGS
    )
    result = solve(constants, (19, 19, 19), [300.0], ConductivitySettings())
    kappa_p = np.trace(result.kappa_p[0]) / 3
    kappa_c = np.trace(result.kappa_c[0]) / 3
    published_p, published_c = data["kappa_P_RTA"][:3].mean(), data["kappa_C"][:3].mean()
    assert kappa_c / kappa_p == pytest.approx(published_c / published_p, rel=0.01)
    if ratio is not None:
        assert kappa_c / kappa_p == pytest.approx(ratio, rel=0.01)
    theirs = data["mode_kappa_TOT"][0, :, :, :3].mean(axis=-1)  # (nq, nb)
    scale = (published_p + published_c) / (kappa_p + kappa_c)  # the unknown lattice parameter
    assert scale == pytest.approx(1.0, abs=0.03)
    assert microscopic_error(scale * result.mode_kappa[0], theirs, result.weights) < 0.02
