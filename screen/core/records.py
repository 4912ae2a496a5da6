"""What flows between the stages: frozen records with named, read-only arrays.

Shapes: ``n`` displaced cells, ``nq`` q-points, ``nb`` bands, ``nT`` temperatures. Units are
Å, eV, THz (ordinary frequency), K; W/m/K for conductivities. Absent is ``None``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from screen.core.crystal import Crystal, FloatArray, IntArray, freeze
from screen.core.voigt import along


def _frozen(value: Any) -> Any:
    """Return a read-only copy of a writeable array; anything else as it is."""
    if not isinstance(value, np.ndarray) or not value.flags.writeable:
        return value
    copied = value.copy()
    freeze(copied)
    return copied


class Record:
    """Base of the frozen records: arrays become read-only, also after pickling.

    Pickle restores NumPy arrays writeable; ``__reduce__`` goes through ``__init__`` so that a
    record that arrives on a Dask worker is as frozen as the one that left.
    """

    def __post_init__(self) -> None:
        for item in fields(self):  # type: ignore[arg-type]
            value = getattr(self, item.name)
            if isinstance(value, tuple):
                object.__setattr__(self, item.name, tuple(_frozen(member) for member in value))
            else:
                object.__setattr__(self, item.name, _frozen(value))

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        values = tuple(getattr(self, item.name) for item in fields(self))  # type: ignore[arg-type]
        return (type(self), values)


@dataclass(frozen=True, eq=False)
class Hints(Record):
    """What a catalog knows about how to compute a crystal; None leaves it to the protocol."""

    fc2_supercell: IntArray | None = None  # (3, 3) multiples of the given cell
    fc3_supercell: IntArray | None = None  # (3, 3)
    mesh: IntArray | None = None  # (3,) q-mesh of the primitive cell


@dataclass(frozen=True, eq=False)
class Metadata(Record):
    """What a catalog knows about a crystal besides its structure."""

    prototype: str | None = None  # rocksalt, zincblende, wurtzite, ...
    mp_id: str | None = None  # Materials Project identifier
    band_gap: float | None = None  # eV
    energy_above_hull: float | None = None  # eV/atom
    theoretical: bool | None = None  # no experiment has reported the structure
    magnetic_ordering: str | None = None  # NM, FM, AFM or FiM
    kappa_reference_300: float | None = None  # W/m/K, reference conductivity at 300 K, without NAC
    kappa_reference_nac_300: float | None = None  # W/m/K, the same with NAC
    reference: str | None = None  # where the reference figures come from
    licence: str | None = None
    citation: str | None = None  # of the entry
    db_version: str | None = None


@dataclass(frozen=True, eq=False)
class Candidate(Record):
    """A crystal that a source proposes for screening."""

    id: str  # unique within a campaign
    source: str  # name of the source adapter
    crystal: Crystal
    hints: Hints = field(default_factory=Hints)
    metadata: Metadata = field(default_factory=Metadata)


@dataclass(frozen=True, eq=False)
class Rejected(Record):
    """An entry of a catalog that is no usable crystal."""

    id: str
    source: str
    kind: str  # unreadable_file, partial_occupancy, overlapping_atoms, empty_cell, duplicate_id
    message: str


@dataclass(frozen=True, eq=False)
class Relaxed(Record):
    """A crystal after symmetric relaxation."""

    crystal: Crystal
    energy: float  # eV per cell
    stress: FloatArray  # (3, 3) eV/Å³, positive under tension
    max_force: float  # eV/Å, largest force component norm over atoms
    space_group_before: int  # international number of the candidate
    space_group_after: int
    steps: int  # optimiser steps over all stages
    converged: bool


@dataclass(frozen=True, eq=False)
class Evaluation(Record):
    """Energies, forces and stresses of a batch of crystals."""

    energies: FloatArray  # (n,) eV per cell
    forces: tuple[FloatArray, ...]  # n arrays, (n_atoms, 3) eV/Å
    stresses: FloatArray  # (n, 3, 3) eV/Å³, positive under tension


@dataclass(frozen=True, eq=False)
class SupercellForces(Record):
    """Forces on displaced supercells, in the order in which the displacements are made."""

    forces: FloatArray  # (n, n_atoms, 3) eV/Å


@dataclass(frozen=True, eq=False)
class Nac(Record):
    """Parameters of the non-analytical term correction."""

    born: FloatArray  # (n_primitive_atoms, 3, 3) e
    dielectric: FloatArray  # (3, 3)
    factor: float = 14.399652  # eV·Å, e²/4πε0
    method: str = "gonze"  # gonze (PRB 55, 10355, 1997) or wang (JPCM 22, 202201, 2010)


HARMONIC = 1e-8
"""eV/Å³, noise of finite differences: third-order force constants below it vanish."""


@dataclass(frozen=True, eq=False)
class FitQuality(Record):
    """How well forces of randomly displaced supercells determine fc3.

    The held-out error is that of a fit to nine tenths of the pairs of supercells on the others:
    rms over the components of F_even, half the sum of the forces at u and −u.
    """

    supercells: int  # displaced, two for each pair
    unknowns: int  # independent third-order force constants
    force_components: int  # equations: components of F_even of all pairs
    condition: float  # number, of the design matrix; inf: the forces do not determine fc3
    held_out_error: float  # eV/Å
    held_out_relative: float  # the same over the rms of F_even itself
    cutoff: float | None = None  # Å, fc3 of atoms farther apart vanish; None: none do


@dataclass(frozen=True, eq=False)
class ForceConstants(Record):
    """Second- and third-order force constants in phono3py's compact layout."""

    unitcell: Crystal  # relaxed cell from which the supercells are built
    primitive_matrix: FloatArray  # (3, 3)
    fc3_supercell: IntArray  # (3, 3) multiples of the unit cell
    fc2_supercell: IntArray  # (3, 3)
    fc2: FloatArray  # (n_primitive, n_supercell, 3, 3) eV/Å²
    fc3: FloatArray | None = None  # (n_primitive, n_sc, n_sc, 3, 3, 3) eV/Å³
    nac: Nac | None = None
    n_supercells: int = 0  # displaced supercells whose forces went in
    fit: FitQuality | None = None  # None: fc3 is absent or of finite differences


@dataclass(frozen=True, eq=False)
class Bands(Record):
    """Frequencies along a path through the Brillouin zone; segments are joined end to end."""

    q: FloatArray  # (nk, 3) fractional, primitive reciprocal cell
    distances: FloatArray  # (nk,) 1/Å along the path, no jump between segments
    frequencies: FloatArray  # (nk, nb) THz, imaginary as negative
    label_positions: FloatArray  # (n_labels,) on the axis of ``distances``
    labels: tuple[str, ...]  # (n_labels,), e.g. Γ, X, U|K


@dataclass(frozen=True, eq=False)
class Phonons(Record):
    """Harmonic phonons on a mesh of irreducible q-points."""

    mesh: IntArray  # (3,)
    q: FloatArray  # (nq, 3) fractional, primitive reciprocal cell
    weights: IntArray  # (nq,) multiplicities, sum = number of mesh points
    frequencies: FloatArray  # (nq, nb) THz, imaginary as negative
    velocities: FloatArray  # (nq, nb, 3) THz·Å = 100 m/s
    bands: Bands
    min_frequency: float  # THz, lowest frequency apart from the acoustic modes at Γ
    min_acoustic_gamma: float  # THz, lowest acoustic frequency at Γ
    imaginary: bool


@dataclass(frozen=True, eq=False)
class SoundWaves(Record):
    """Long acoustic waves in evenly spread directions."""

    directions: FloatArray  # (n, 3) unit vectors, Cartesian
    velocities: FloatArray  # (n, 3) THz·Å = 100 m/s, phase velocities, the fastest last


@dataclass(frozen=True, eq=False)
class Conductivity(Record):
    """Lattice thermal conductivity of the Wigner transport equation.

    κ of every mode and of every pair of bands follows from it, see ``core.spectra``.
    """

    temperatures: FloatArray  # (nT,) K
    kappa_p: FloatArray  # (nT, 3, 3) W/m/K, populations (incl. degenerate pairs)
    kappa_c: FloatArray  # (nT, 3, 3) W/m/K, coherences
    mesh: IntArray  # (3,)
    q: FloatArray  # (nq, 3)
    weights: IntArray  # (nq,)
    frequencies: FloatArray  # (nq, nb) THz
    linewidths: FloatArray  # (nT, nq, nb) THz, full width: lifetime = 1 / (2π linewidth)
    mode_kappa: FloatArray  # (nT, nq, nb) W/m/K, trace/3 incl. coherences, weights included
    pair_velocities: FloatArray  # (nq, nb, nb) (THz·Å)², trace/3 of Re v v*, weights included
    volume: float  # Å³ of the primitive cell
    solver: str
    solver_version: str
    isotopes: bool
    nac: bool
    isotope_linewidths: FloatArray | None = None  # (nq, nb) THz, part of ``linewidths``
    boundary_linewidths: FloatArray | None = None  # (nq, nb) THz, part of ``linewidths``


@dataclass(frozen=True, eq=False)
class PhononRates(Record):
    """Three-phonon scattering rates at some irreducible q-points of a mesh."""

    members: IntArray  # (m,) positions among the irreducible points
    gamma: FloatArray  # (nT, m, nb) THz, half width: lifetime = 1 / (4π gamma)


@dataclass(frozen=True, eq=False)
class ElasticCells(Record):
    """Strained cells with relaxed ions, for the elastic tensor."""

    strains: FloatArray  # (n, 3, 3), symmetric
    stresses: FloatArray  # (n, 3, 3) eV/Å³, positive under tension


@dataclass(frozen=True, eq=False)
class StrainedForces(Record):
    """Strained cells with relaxed ions, and the forces on their displaced fc2 supercells."""

    crystals: tuple[Crystal, ...]  # n unit cells
    energies: FloatArray  # (n,) eV per primitive cell
    strains: FloatArray  # (n, 3, 3), symmetric, of the relaxed unit cell
    forces: tuple[FloatArray, ...]  # n of (n_displaced, n_atoms, 3) eV/Å


@dataclass(frozen=True, eq=False)
class ExpansionCells(Record):
    """What the potential is asked for the expansion."""

    elastic: ElasticCells
    strained: StrainedForces | None = None  # of the strains that keep the symmetry


@dataclass(frozen=True, eq=False)
class Expansion(Record):
    """Thermal expansion tensor by the linear Grüneisen relation.

    Tensors have their components in the order xx, yy, zz, yz, xz, xy of the relaxed cell's
    Cartesian axes; shear components are those of the tensor, not doubled.
    """

    temperatures: FloatArray  # (nT,) K
    alpha: FloatArray  # (nT, 6) 1/K
    heat_capacity: FloatArray  # (nT,) eV/K per primitive cell, constant volume
    gruneisen: FloatArray  # (nT,) mean of tr γ/3 over modes by heat capacity; 0 at T = 0
    mesh: IntArray  # (3,)
    q: FloatArray  # (nq, 3)
    weights: IntArray  # (nq,)
    frequencies: FloatArray  # (nq, nb) THz
    mode_gruneisen: FloatArray  # (nq, nb, 6); 0 for the acoustic modes at Γ
    stiffness: FloatArray  # (6, 6) GPa, Voigt with engineering shear, relaxed ions, 0 K
    elastic_residual: float  # rms of what the fit of the stiffness leaves, over the rms stress
    volume: float  # Å³ of the primitive cell
    alpha_fc3: FloatArray | None = None  # (nT, 6) 1/K, from third-order force constants alone
    gruneisen_fc3: FloatArray | None = None  # (nT,) the same

    @property
    def alpha_volume(self) -> FloatArray:
        """Volume expansion coefficient, (nT,) 1/K."""
        return np.asarray(self.alpha[:, :3].sum(axis=1))

    @property
    def alpha_linear(self) -> FloatArray:
        """Mean linear expansion coefficient, (nT,) 1/K."""
        return self.alpha_volume / 3

    @property
    def alpha_linear_fc3(self) -> FloatArray | None:
        """Mean linear expansion coefficient from third-order force constants alone, (nT,) 1/K."""
        return None if self.alpha_fc3 is None else self.alpha_fc3[:, :3].mean(axis=1)

    def alpha_along(self, lattice: FloatArray) -> FloatArray:
        """Linear expansion along the vectors of a lattice (3, 3), rows: (nT, 3) 1/K."""
        return along(lattice, self.alpha)


@dataclass(frozen=True, eq=False)
class QuasiHarmonic(Record):
    """Quasi-harmonic approximation, up to where V(T) leaves the sampled cells."""

    temperatures: FloatArray  # (nT,) K
    volume: FloatArray  # (nT,) Å³ of the primitive cell, zero-point expansion included
    alpha_volume: FloatArray  # (nT,) 1/K, shape as the static lattice has it at that volume
    bulk_modulus: FloatArray  # (nT,) GPa, isothermal
    heat_capacity: FloatArray  # (nT,) eV/K per primitive cell, constant pressure
    residual: FloatArray  # (nT,) what the equation of state leaves of F(V), over the phonon part
    alpha_axes: FloatArray | None = None  # (nT, 3) 1/K along a, b, c; uniaxial and cubic crystals


@dataclass(frozen=True, eq=False)
class Failure(Record):
    """Why a stage gave no usable result for one material."""

    stage: str
    kind: str
    message: str
    traceback: str | None = None


HELD_BACK = ("not_selected", "over_budget")
"""Kinds of "failure" that say that nobody has tried: the funnel or the budget held it back."""


@dataclass(frozen=True, eq=False)
class Execution(Record):
    """One finished computation of one stage: a line of the cost ledger."""

    execution_id: str
    artifact: str  # key of the artifact that it wrote
    stage: str
    material_id: str
    wall_s: float
    cpu_s: float
    peak_mb: float  # peak resident memory of the process so far
    evaluations: int  # cells evaluated by the potential
    atoms: int  # atoms in them
    started_at: str  # UTC, ISO 8601
    host: str
    pid: int


@dataclass(frozen=True, eq=False)
class Outcome(Record):
    """What became of one material under one model and one protocol."""

    material_id: str
    crystal_digest: str | None  # None: the source had no readable crystal
    model_digest: str
    protocol_digest: str
    rows: dict[str, dict[str, Any]]  # property -> column -> value
    failures: tuple[Failure, ...]
    artifacts: dict[str, str]  # stage -> key
    executions: tuple[Execution, ...]
    versions: dict[str, str]  # package -> version

    @property
    def status(self) -> str:
        """``complete``, ``partial`` (some property is there), ``failed`` (none is), or held back.

        Held back are ``not_selected`` and ``over_budget``, see ``HELD_BACK``.
        """
        if not self.failures:
            return "complete"
        held = [failure.kind for failure in self.failures if failure.kind in HELD_BACK]
        if held:
            return held[0]
        return "partial" if set(self.rows) - {"stability"} else "failed"
