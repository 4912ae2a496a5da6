"""Thermoscreen's own Wigner engine (``screen.wigner``)."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

import numpy as np

from screen.core.errors import TransportError
from screen.core.records import HARMONIC, Conductivity, ForceConstants
from screen.core.settings import ConductivitySettings
from screen.physics.displacements import restored


def solve(
    force_constants: ForceConstants,
    mesh: tuple[int, int, int],
    temperatures: Sequence[float],
    settings: ConductivitySettings,
) -> Conductivity:
    """Relaxation-time solution with the tetrahedron method; see ``core.protocols``."""
    from screen.wigner.engine import REVISION, run_engine

    if force_constants.fc3 is None:
        raise TransportError("fc3 is missing: the conductivity needs third-order force constants")
    if np.abs(force_constants.fc3).max() < HARMONIC:
        raise TransportError(
            "the crystal is harmonic (all third-order force constants vanish): its conductivity is "
            "infinite; a too small fc3 supercell also looks so, raise fc3_minimum_image",
            kind="harmonic",
        )
    phono3py = restored(force_constants)
    phono3py.mesh_numbers = mesh
    found = run_engine(
        phono3py,
        temperatures,
        isotopes=settings.isotopes,
        boundary_mean_free_path=settings.boundary_mean_free_path,
    )
    transport = found.transport
    if not (np.isfinite(transport.kappa_p).all() and np.isfinite(transport.kappa_c).all()):
        raise TransportError("the conductivity is not finite", kind="not_finite")
    return Conductivity(
        temperatures=np.array(temperatures, dtype=np.float64),
        kappa_p=transport.kappa_p,
        kappa_c=transport.kappa_c,
        mesh=np.array(mesh),
        q=found.grid.q[found.grid.irreducible],
        weights=found.grid.weights,
        frequencies=found.frequencies,
        linewidths=2 * found.scattering.total,
        mode_kappa=transport.mode_kappa,
        solver="wigner",
        solver_version=f"{version('thermoscreen')}-{REVISION}",
        isotopes=settings.isotopes,
        nac=force_constants.nac is not None,
    )
