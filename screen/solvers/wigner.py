"""Thermoscreen's own Wigner engine (``screen.wigner``)."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from screen.core.crystal import FloatArray
from screen.core.errors import TransportError
from screen.core.records import Conductivity, ForceConstants, PhononRates, Phonons
from screen.core.settings import ConductivitySettings
from screen.physics.displacements import restored
from screen.physics.isotopes import mass_variances, set_masses
from screen.solvers._checks import require_anharmonic, require_finite

REVISION = 1  # rises with every change that moves a number


def solve(
    force_constants: ForceConstants,
    mesh: tuple[int, int, int],
    temperatures: Sequence[float],
    settings: ConductivitySettings,
    parts: Sequence[PhononRates] = (),
) -> Conductivity:
    """Relaxation-time solution; see ``core.protocols``. With all ``parts`` fc3 is not needed."""
    from screen.wigner.engine import solve_transport
    from screen.wigner.scattering import choose_resources

    if not parts:
        require_anharmonic(force_constants)
    harmonic = _harmonic(force_constants, mesh, settings)
    resources = choose_resources()
    if not parts:
        parts = (_rates(harmonic, temperatures, 0, 1),)
    symbols = harmonic.interaction.primitive.symbols
    variances = mass_variances(symbols, settings.isotope_abundances) if settings.isotopes else None
    found = solve_transport(
        harmonic,
        temperatures,
        _joined(parts, (len(temperatures), *_shape(harmonic))),
        variances,
        settings.boundary_mean_free_path,
        resources,
    )
    transport, scattering = found.transport, found.scattering
    require_finite(transport.kappa_p, transport.kappa_c)
    return Conductivity(
        temperatures=np.array(temperatures, dtype=np.float64),
        kappa_p=transport.kappa_p,
        kappa_c=transport.kappa_c,
        mesh=np.array(mesh),
        q=found.grid.q[found.grid.irreducible],
        weights=found.grid.weights,
        frequencies=found.frequencies,
        linewidths=2 * scattering.total,
        mode_kappa=transport.mode_kappa,
        pair_velocities=transport.pair_velocities,
        volume=float(harmonic.interaction.primitive.volume),
        solver="wigner",
        solver_version=f"{version('thermoscreen')}-{REVISION}",
        isotopes=settings.isotopes,
        nac=force_constants.nac is not None,
        isotope_linewidths=None if scattering.isotopes is None else 2 * scattering.isotopes,
        boundary_linewidths=None if scattering.boundary is None else 2 * scattering.boundary,
    )


def divide(phonons: Phonons) -> int:
    """Say into how many parts the work is best divided; 1 for small crystals."""
    from screen.wigner.division import number_of_parts

    n_points = int(np.prod(phonons.mesh))
    n_irreducible, n_bands = phonons.frequencies.shape
    return number_of_parts(n_points, n_irreducible, n_bands)


def solve_part(
    force_constants: ForceConstants,
    mesh: tuple[int, int, int],
    temperatures: Sequence[float],
    settings: ConductivitySettings,
    part: int,
    parts: int,
) -> PhononRates:
    """Three-phonon rates of every ``parts``-th irreducible point from ``part`` on."""
    require_anharmonic(force_constants)
    return _rates(_harmonic(force_constants, mesh, settings), temperatures, part, parts)


def _harmonic(
    force_constants: ForceConstants, mesh: tuple[int, int, int], settings: ConductivitySettings
) -> Any:
    from screen.wigner.engine import Conventions, solve_harmonic

    phono3py = restored(force_constants)
    set_masses(phono3py, settings.isotope_abundances)
    phono3py.mesh_numbers = mesh
    return solve_harmonic(phono3py, Conventions(smearing=settings.smearing))


def _rates(
    harmonic: Any,
    temperatures: Sequence[float],
    part: int,
    parts: int,
) -> PhononRates:
    from screen.wigner.division import members_of
    from screen.wigner.engine import three_phonon_rates
    from screen.wigner.scattering import choose_resources

    members = members_of(part, parts, len(harmonic.grid.irreducible))
    gamma = three_phonon_rates(harmonic, temperatures, members, choose_resources())
    return PhononRates(np.array(members), gamma)


def _shape(harmonic: Any) -> tuple[int, int]:
    """Irreducible points and bands."""
    return len(harmonic.grid.irreducible), harmonic.phonons.bands


def _joined(parts: Sequence[PhononRates], shape: tuple[int, int, int]) -> FloatArray:
    """γ at all irreducible points, of ``shape`` (nT, nq, nb), THz."""
    order = np.argsort(np.concatenate([part.members for part in parts]))
    gamma = np.asarray(np.concatenate([part.gamma for part in parts], axis=1)[:, order])
    if gamma.shape != shape:
        raise TransportError(
            f"the rates have {gamma.shape} values for temperatures, q-points and bands, this crystal "
            f"on this mesh has {shape}; give rates of the same primitive cell and mesh",
            kind="foreign_rates",
        )
    return gamma
