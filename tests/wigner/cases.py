"""Crystals for the engine's tests, and what phono3py says about them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import torch

from screen.core.crystal import Crystal
from screen.core.records import ForceConstants, Nac
from screen.physics.displacements import restored
from screen.wigner.engine import Conventions, Solution, run_engine
from screen.wigner.scattering import Resources, choose_resources
from tests.shared import dft_force_constants

TEMPERATURES = (100.0, 300.0, 800.0)
BOUNDARY = 1e6  # µm
DIAGONALS = (np.arange(3), np.arange(3))


@cache
def constants(name: str) -> ForceConstants:
    """``NaCl-rd:wang`` has the NAC of Wang instead of that of Gonze and Lee."""
    material, _, method = name.partition(":")
    given = dft_force_constants(material)
    if not method:
        return given
    assert given.nac is not None
    return replace(given, nac=replace(given.nac, method=method))


@cache
def _restored(name: str) -> Any:
    return restored(constants(name))


def prepared(name_or_constants: str | ForceConstants, mesh: tuple[int, int, int]) -> Any:
    given = name_or_constants
    phono3py = _restored(given) if isinstance(given, str) else restored(given)
    phono3py.mesh_numbers = mesh
    return phono3py


def solved(
    name_or_constants: str | ForceConstants,
    mesh: tuple[int, int, int],
    conventions: Conventions | None = None,
    temperatures: tuple[float, ...] = TEMPERATURES,
    resources: Resources | None = None,
) -> Solution:
    phono3py = prepared(name_or_constants, mesh)
    return run_engine(phono3py, temperatures, True, BOUNDARY, conventions, resources)


def by_phono3py(phono3py: Any, independent: bool = True, shared: bool = True) -> Any:
    """phono3py's solution.

    ``independent`` of the basis of degenerate modes by its own options; ``shared``: with the
    engine's phonons, see ``share_phonons``.
    """
    phono3py.init_phph_interaction(
        average_degenerate_weights=independent, exclude_gamma_acoustic=independent
    )
    if shared:
        share_phonons(phono3py)
    phono3py.run_thermal_conductivity(
        temperatures=list(TEMPERATURES),
        is_isotope=True,
        boundary_mfp=BOUNDARY,
        transport_type="SMM19",
        log_level=0,
    )
    return phono3py.thermal_conductivity


def share_phonons(phono3py: Any) -> None:
    """Give phono3py at each image q + G of a mesh point the phonons of the first image.

    The engine has one set of phonons for a mesh point. phono3py solves every image on the surface of
    the Brillouin zone by itself, and e(q + G) = e(q) exp(−2πi G·τ) holds up to rounding, the basis
    of degenerate modes and, with Gonze-Lee NAC, whose reciprocal sum is cut, 1e-10.
    """
    phono3py.run_phonon_solver()
    frequencies, eigenvectors, addresses = phono3py.get_phonon_data()
    bz_grid = phono3py.phph_interaction.bz_grid
    first = bz_grid.grg2bzg[bz_grid.bzg2grg]
    G = (addresses - addresses[first]) / bz_grid.D_diag
    np.testing.assert_array_equal(G, np.rint(G))
    positions = np.repeat(phono3py.primitive.scaled_positions, 3, axis=0)
    phases = np.exp(-2j * np.pi * G @ positions.T)
    phono3py.set_phonon_data(
        frequencies[first], phases[:, :, None] * eigenvectors[first], addresses
    )


def eager() -> Resources:
    return choose_resources(backend="eager")


def small_batches() -> Resources:
    return Resources(torch.device("cpu"), choose_resources().backend, budget=1)


def rotated(given: ForceConstants, rotation: np.ndarray) -> ForceConstants:
    """The same crystal, turned in space."""
    cell = given.unitcell
    nac = given.nac
    if nac is not None:
        born = np.einsum("ax,by,nxy->nab", rotation, rotation, nac.born)
        nac = Nac(born, rotation @ nac.dielectric @ rotation.T, nac.factor)
    return replace(
        given,
        unitcell=Crystal(cell.lattice @ rotation.T, cell.numbers, cell.fractional),
        fc2=np.einsum("ax,by,nmxy->nmab", rotation, rotation, given.fc2),
        fc3=np.einsum(
            "ax,by,cz,nmlxyz->nmlabc", rotation, rotation, rotation, given.fc3, optimize=True
        ),
        nac=nac,
    )


def relabelled(given: ForceConstants, order: np.ndarray, basis: np.ndarray) -> ForceConstants:
    """The same crystal with the unit cell's atoms in another order and another primitive cell.

    ``basis`` (3, 3) unimodular, columns: new primitive vectors in terms of the old ones.
    """
    cell = given.unitcell
    changed = replace(
        given,
        unitcell=Crystal(cell.lattice, cell.numbers[order], cell.fractional[order]),
        primitive_matrix=given.primitive_matrix @ basis,
    )
    old, new = restored(given), restored(changed)
    fc2_map = _maps(
        old.phonon_primitive, old.phonon_supercell, new.phonon_primitive, new.phonon_supercell
    )
    fc3_map = _maps(old.primitive, old.supercell, new.primitive, new.supercell)
    nac = given.nac
    if nac is not None:
        nac = Nac(nac.born[[row for row, _ in fc2_map]], nac.dielectric, nac.factor)
    return replace(
        changed,
        fc2=np.array([given.fc2[row][atoms] for row, atoms in fc2_map]),
        fc3=np.array([given.fc3[row][np.ix_(atoms, atoms)] for row, atoms in fc3_map]),
        nac=nac,
    )


def _maps(old: Any, old_cell: Any, new: Any, new_cell: Any) -> list[tuple[int, np.ndarray]]:
    """For each new primitive atom: the old one, and the old atom of every new supercell atom."""
    found = []
    old_positions, positions = old_cell.scaled_positions, new_cell.scaled_positions
    lattice = old_cell.cell
    for atom in new.p2s_map:
        here = positions[atom]
        for row, origin in enumerate(old.p2s_map):
            shift = old_positions[origin] - here
            distance = (positions + shift)[:, None] - old_positions[None]
            distance = np.linalg.norm((distance - np.rint(distance)) @ lattice, axis=2)
            atoms = distance.argmin(axis=1)
            same_species = (old_cell.numbers[atoms] == new_cell.numbers).all()
            if distance.min(axis=1).max() < 1e-3 and same_species:
                found.append((row, atoms))
                break
    return found
