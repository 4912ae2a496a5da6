"""Post-processing of other codes' forces, checked against what they and the literature say."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from screen.benchmark.accuracy import accuracy
from screen.benchmark.force_sets import ForceSet, find_force_sets, name_of, read_force_set
from screen.benchmark.from_forces import force_constants_of
from screen.benchmark.references import TEMPERATURE, ModeReference
from screen.benchmark.stored_results import StoredComparison, compare_with_stored
from screen.core.errors import CatalogError, MaterialError
from screen.core.published import PublishedScore
from screen.core.records import Conductivity, Failure, ForceConstants, Hints, Phonons, Record
from screen.core.registry import find
from screen.core.settings import MeshSettings, Protocol, protocol_named
from screen.core.voigt import mean_diagonal
from screen.physics.meshes import Mesh, mesh_of
from screen.physics.metrics import relative_difference
from screen.physics.phonons import phonons_on_mesh


@dataclass(frozen=True, eq=False)
class Solved(Record):
    """What our post-processing makes of a force set."""

    phonons: Phonons
    conductivity: Conductivity | None  # at 300 K; None: unstable

    @property
    def kappa_p_300(self) -> float | None:
        """κ_P at 300 K, mean of xx, yy, zz, W/m/K."""
        found = self.conductivity
        return None if found is None else float(mean_diagonal(found.kappa_p)[0])

    @property
    def kappa_c_300(self) -> float | None:
        """κ_C at 300 K, mean of xx, yy, zz, W/m/K."""
        found = self.conductivity
        return None if found is None else float(mean_diagonal(found.kappa_c)[0])

    @property
    def kappa_300(self) -> float | None:
        """κ_P + κ_C at 300 K, W/m/K."""
        particles, waves = self.kappa_p_300, self.kappa_c_300
        return None if particles is None or waves is None else particles + waves


@dataclass(frozen=True, eq=False)
class Conformance(Record):
    """One force set, what we make of it, and what others say."""

    compound: str
    path: Path
    protocol: Protocol
    nac: bool  # DFT with NAC is the reference, and Born charges of the file are used
    force_set: ForceSet | None  # None: it could not be read
    solved: Solved | None  # None: no force constants
    failure: Failure | None  # also of an unstable crystal
    stored: StoredComparison = field(default_factory=StoredComparison)
    published: PublishedScore | None = None
    kappa_reference_300: float | None = None  # W/m/K, of DFT
    srme_300: float | None = None  # against DFT; None: nobody compared modes
    cpu_s: float = 0.0
    wall_s: float = 0.0

    @property
    def stable(self) -> bool | None:
        """Whether there are no imaginary modes; None where phonons are missing."""
        return None if self.solved is None else not self.solved.phonons.imaginary

    @property
    def status(self) -> str:
        """``complete``, ``unstable`` or ``failed``."""
        if self.failure is None:
            return "complete"
        return "unstable" if self.stable is False else "failed"

    @property
    def srd_300(self) -> float | None:
        """SRD against DFT, −2 without a conductivity; None without a reference."""
        if self.kappa_reference_300 is None:
            return None
        kappa = None if self.solved is None else self.solved.kappa_300
        return relative_difference(kappa, self.kappa_reference_300)


def run_conformance(
    folder: Path,
    protocol: Protocol | None = None,
    *,
    nac: bool = False,
    references: Mapping[str, ModeReference] | None = None,
    published: Mapping[str, PublishedScore] | None = None,
) -> Iterator[Conformance]:
    """Check the force sets of a folder, one by one in the order of ``find_force_sets``.

    A force set that cannot be used is a result with a ``failure``; the others go on.

    Parameters
    ----------
    protocol
        Default ``ksrme-2024``. It gives displacements, stability and solver; supercells are those
        of the forces and the temperature is 300 K, whatever it says.
    nac
        Compare with DFT with NAC, and use Born charges where a file has them.
    references, published
        By id of the benchmark's catalog, e.g. ``LiBr-rs``. Without ``references`` κ is compared
        with that of the catalog, and modes are not.

    Raises
    ------
    SettingsError
        The folder holds no force set.
    """
    protocol = protocol_named("ksrme-2024") if protocol is None else protocol
    modes, scores = references or {}, published or {}
    return (
        check_force_set(path, protocol, nac=nac, references=modes, published=scores)
        for path in find_force_sets(folder)
    )


def check_force_set(
    path: Path,
    protocol: Protocol,
    *,
    nac: bool,
    references: Mapping[str, ModeReference],
    published: Mapping[str, PublishedScore],
) -> Conformance:
    """Read, solve and compare one force set; see ``run_conformance``."""
    cpu, wall = time.process_time(), time.perf_counter()
    force_set = solved = failure = None
    try:
        force_set = read_force_set(path)
        solved = solve_force_set(force_set, protocol, nac)
        failure = _instability(solved.phonons)
    except (MaterialError, CatalogError) as error:
        stage = "read" if force_set is None else "solve"
        failure = Failure(stage, getattr(error, "kind", "force_set"), str(error))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    compound = name_of(path) if force_set is None else force_set.compound
    conductivity = None if solved is None else solved.conductivity
    reference = references.get(compound)
    return Conformance(
        compound=compound,
        path=path,
        protocol=protocol,
        nac=nac,
        force_set=force_set,
        solved=solved,
        failure=failure,
        stored=StoredComparison()
        if force_set is None or solved is None
        else compare_with_stored(force_set, solved.phonons, conductivity),
        published=published.get(compound),
        kappa_reference_300=_reference(force_set, reference, nac),
        srme_300=None if reference is None else compare_modes(conductivity, reference),
        cpu_s=cpu,
        wall_s=wall,
    )


def solve_force_set(force_set: ForceSet, protocol: Protocol, nac: bool = False) -> Solved:
    """Force constants, phonons and, if they are stable, the conductivity at 300 K.

    Raises
    ------
    ForceConstantsError, TransportError
        The forces do not fit, or no finite conductivity follows from them.
    """
    constants = force_constants_of(force_set, protocol.displacements, nac)
    mesh = _mesh(force_set, constants)
    phonons = phonons_on_mesh(constants, mesh, protocol.stability)
    if phonons.imaginary:
        return Solved(phonons, None)
    settings = protocol.conductivity
    solver = find("solvers", settings.solver)
    return Solved(phonons, solver.solve(constants, mesh, (TEMPERATURE,), settings))


def compare_modes(conductivity: Conductivity | None, reference: ModeReference) -> float | None:
    """SRME at 300 K; 2 without a conductivity, None where the q-points are others."""
    if conductivity is None:
        return 2.0
    try:
        return accuracy(conductivity, reference).srme_300
    except CatalogError:
        return None


def _mesh(force_set: ForceSet, constants: ForceConstants) -> Mesh:
    """Mesh of the file or of the catalog, else by density as in protocol ``screen``."""
    if force_set.mesh is None:
        return mesh_of(constants, Hints(), MeshSettings())
    a, b, c = (int(n) for n in force_set.mesh)
    return (a, b, c)


def _instability(phonons: Phonons) -> Failure | None:
    if not phonons.imaginary:
        return None
    lowest = min(phonons.min_frequency, phonons.min_acoustic_gamma)
    return Failure("stability", "imaginary_modes", f"imaginary modes, down to {lowest:.3f} THz")


def _reference(
    force_set: ForceSet | None, reference: ModeReference | None, nac: bool
) -> float | None:
    """κ(300 K) of DFT: of the modes, else of the catalog."""
    if reference is not None:
        return reference.kappa_300
    if force_set is None:
        return None
    known = force_set.metadata
    return known.kappa_reference_nac_300 if nac else known.kappa_reference_300
