"""La2Zr2O7, 22 atoms, NAC: transport from stored γ, pair by pair.

Simoncelli, Marzari, Mauri, Nat. Phys. 15, 809 (2019), phono3py's example Wigner-La2Zr2O7: fc2,
Born charges and three-phonon γ of a 19×19×19 mesh. fc3 was not published, so everything but |V|² is
tested: dynamical matrix with NAC, velocity operator by analytic derivatives, transport. The printed
conductivities are in ``tests/benchmark/test_stored_rates.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from screen.core.lifetimes import lifetimes, wigner_limit
from screen.core.records import Conductivity
from screen.core.spectra import (
    coherence_plane,
    mode_conductivities,
    pair_conductivities,
    spectral_conductivity,
)
from screen.solvers.phono3py import wigner_factor
from screen.wigner.grid import Grid, build_grid
from screen.wigner.phonons import GridPhonons, solve_phonons
from screen.wigner.transport import Transport, compute_transport
from screen.wigner.velocity import velocity_operator
from tests.shared import shared_path

pytestmark = pytest.mark.slow  # 75 s of one core, of which 40 s for 6859 phonons of 66 bands

TEMPERATURES = (300.0, 1000.0)  # K
FOLDER = "dft/Wigner_La2Zr2O7_"


@dataclass(frozen=True, eq=False)
class Pyrochlore:
    """Harmonic La2Zr2O7 on the mesh, and γ that others computed."""

    interaction: Any  # phono3py's ``Interaction`` without fc3
    grid: Grid
    phonons: GridPhonons
    velocities: NDArray[np.complex128]  # (nq, 3, nb, nb) THz·Å
    stored: NDArray[np.float64]  # (nT, nq, nb) three-phonon γ, THz
    stored_frequencies: NDArray[np.float64]  # (nq, nb) THz
    stored_weights: NDArray[np.int64]  # (nq,)

    @property
    def frequencies(self) -> NDArray[np.float64]:
        return self.phonons.frequencies[self.grid.irreducible]

    def transport(self, gamma: NDArray[np.float64]) -> Transport:
        volume = float(self.interaction.primitive.volume)
        return compute_transport(
            TEMPERATURES, self.frequencies, gamma, self.velocities, self.grid, volume
        )


def conductivity_of(pyrochlore: Pyrochlore, transport: Transport) -> Conductivity:
    """What a solver would store."""
    grid = pyrochlore.grid
    return Conductivity(
        temperatures=np.array(TEMPERATURES),
        kappa_p=transport.kappa_p,
        kappa_c=transport.kappa_c,
        mesh=np.array(grid.mesh),
        q=grid.q[grid.irreducible],
        weights=grid.weights,
        frequencies=pyrochlore.frequencies,
        linewidths=2 * pyrochlore.stored,
        mode_kappa=transport.mode_kappa,
        pair_velocities=transport.pair_velocities,
        volume=float(pyrochlore.interaction.primitive.volume),
        solver="wigner",
        solver_version="stored γ",
        isotopes=False,
        nac=True,
    )


@pytest.fixture(scope="module")
def pyrochlore() -> Pyrochlore:
    from phono3py import Phono3py
    from phonopy.file_IO import parse_BORN
    from phonopy.interface.vasp import read_vasp

    phono3py = Phono3py(
        read_vasp(shared_path(f"{FOLDER}POSCAR")),
        supercell_matrix=np.diag([2, 2, 2]),
        phonon_supercell_matrix=np.diag([4, 4, 4]),
        primitive_matrix=np.eye(3),
        log_level=0,
    )
    with h5py.File(shared_path(f"{FOLDER}fc2.hdf5")) as file:
        phono3py.fc2 = file["force_constants"][:]
    phono3py.nac_params = parse_BORN(phono3py.primitive, filename=shared_path(f"{FOLDER}BORN"))
    phono3py.mesh_numbers = [19, 19, 19]
    phono3py.init_phph_interaction()
    interaction = phono3py.phph_interaction
    grid = build_grid(interaction.bz_grid)
    phonons = solve_phonons(interaction, grid)
    with h5py.File(shared_path(f"{FOLDER}kappa-m191919.hdf5")) as file:
        assert file["temperature"][:].tolist() == list(TEMPERATURES)
        return Pyrochlore(
            interaction=interaction,
            grid=grid,
            phonons=phonons,
            velocities=velocity_operator(
                interaction.dynamical_matrix, grid, phonons, interaction.frequency_factor_to_THz
            ),
            stored=file["gamma"][:],
            stored_frequencies=file["frequency"][:],
            stored_weights=file["weight"][:],
        )


def test_irreducible_points_and_frequencies_are_the_stored_ones(pyrochlore: Pyrochlore) -> None:
    """So that the stored γ belongs to our modes; frequencies within 2e-6 THz."""
    assert pyrochlore.grid.weights.tolist() == pyrochlore.stored_weights.tolist()
    np.testing.assert_allclose(pyrochlore.frequencies, pyrochlore.stored_frequencies, atol=2e-6)


def test_coherences_equal_phono3py_times_the_wigner_factor(pyrochlore: Pyrochlore) -> None:
    """κ_C from phono3py's SMM19 pairs × 4ff'/(f+f')², as ``solvers.phono3py`` does, within 1e-5.

    Without isotopes and boundary; phono3py's own isotope scattering takes half an hour here.
    """
    from phono3py.conductivity.factory import conductivity_calculator

    calculator = conductivity_calculator(
        pyrochlore.interaction, np.array(TEMPERATURES), [None], method="SMM19-rta"
    )
    calculator.gamma = pyrochlore.stored[None]
    calculator.run()
    f = np.array(calculator.frequencies)
    pairs = np.array(calculator.mode_kappa_matrix[0]) * wigner_factor(f)[None, ..., None]
    coherent = np.abs(f[:, :, None] - f[:, None, :]) >= 1e-4
    found = (pairs * coherent[None, ..., None]).sum(axis=(1, 2, 3))[:, :3] / pyrochlore.grid.points
    ours = pyrochlore.transport(pyrochlore.stored)
    np.testing.assert_allclose(found, np.diagonal(ours.kappa_c, axis1=1, axis2=2), rtol=1e-5)


def coherences_over_populations(
    record: Conductivity, index: int, shortest: float, longest: float
) -> float:
    """Of all modes with lifetimes between two multiples of the Wigner limit."""
    populations, coherences = mode_conductivities(record, index)
    tau = lifetimes(record.linewidths[index]) / wigner_limit(record.frequencies)
    chosen = (tau > shortest) & (tau < longest)
    return float(coherences[chosen].sum() / populations[chosen].sum())


def test_at_the_wigner_limit_modes_carry_as_much_by_tunnelling_as_by_drift(
    pyrochlore: Pyrochlore,
) -> None:
    """κ_C(s)/κ_P(s) ≈ τ_W/τ, which is what the limit means; a factor of 2π would be seen.

    Simoncelli, Marzari, Mauri, PRX 12, 041011 (2022). Ours: 1.2 and 1.5 at the limit, 300 and
    1000 K; the law holds in order of magnitude, hence 1.6.
    """
    record = conductivity_of(pyrochlore, pyrochlore.transport(pyrochlore.stored))
    limit = wigner_limit(record.frequencies)
    assert limit == pytest.approx(66 / (2 * np.pi * 22.187), rel=1e-4)  # ps; highest f in THz
    for index in range(2):
        assert 1 / 1.6 < coherences_over_populations(record, index, 0.7, 1.4) < 1.6
        assert coherences_over_populations(record, index, 1.4, 2.8) < 1
        assert coherences_over_populations(record, index, 0.35, 0.7) > 1


def test_the_record_holds_the_conductivity(pyrochlore: Pyrochlore) -> None:
    """Sum over pairs, spectrum and plane; 7.7 MB of pair velocities for 22 atoms."""
    found = pyrochlore.transport(pyrochlore.stored)
    record = conductivity_of(pyrochlore, found)
    assert record.pair_velocities.nbytes == 220 * 66 * 66 * 8
    for index in range(2):
        kappa_p, kappa_c = (np.trace(part[index]) / 3 for part in (found.kappa_p, found.kappa_c))
        populations, coherences = pair_conductivities(record, index)
        assert populations.sum() == pytest.approx(kappa_p, rel=1e-10)
        assert coherences.sum() == pytest.approx(kappa_c, rel=1e-10)
        spectrum, plane = spectral_conductivity(record, index), coherence_plane(record, index)
        assert spectrum.cumulative_p[-1] == pytest.approx(kappa_p, rel=1e-10)
        step = plane.edges[1] - plane.edges[0]
        assert plane.kappa_c.sum() * step**2 == pytest.approx(kappa_c, rel=1e-10)
