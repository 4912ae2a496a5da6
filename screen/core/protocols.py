"""The seams: what an adapter of each family offers. A module itself satisfies its protocol."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

from screen.core.columns import Column
from screen.core.crystal import Crystal
from screen.core.errors import UnsupportedElementError
from screen.core.records import (
    Candidate,
    Conductivity,
    Evaluation,
    ForceConstants,
    PhononRates,
    Phonons,
    Record,
    Rejected,
)
from screen.core.settings import ConductivitySettings, ModelSettings, Settings
from screen.core.settings import Protocol as ScreeningProtocol

R = TypeVar("R", bound=Record)


class ForceField(Protocol):
    """A potential, loaded and ready."""

    @property
    def elements(self) -> frozenset[str]:
        """Symbols of the elements that the potential was trained on."""
        ...

    def evaluate(self, crystals: Sequence[Crystal]) -> Evaluation:
        """Energies, forces and stresses; batches itself, cells may differ in size.

        Raises
        ------
        UnsupportedElementError
            A crystal holds an element that is not in ``elements``.
        EvaluationError
            The potential returned a value that is not finite.
        """
        ...


UNFIT_SRME = 1.0
"""κ_SRME above which a potential is not fit for κ: half of what the measure can lose (0 to 2)."""


@dataclass(frozen=True)
class ModelCard:
    """What is known about one named potential of a family."""

    name: str
    family: str
    description: str
    training_set: str
    functional: str
    licence: str
    citation: str
    bundled: bool  # weights come with the family's package
    cutoff: float  # Å, of one layer's neighbours
    elements: frozenset[str]  # symbols covered by the training set
    kappa_srme: float | None = None  # published, on the 103 phononDB-PBE compounds
    kappa_srme_source: str | None = None

    @property
    def fit_for_kappa(self) -> bool | None:
        """Whether the published κ_SRME allows conductivities; None where none is published."""
        return None if self.kappa_srme is None else self.kappa_srme <= UNFIT_SRME


@dataclass(frozen=True)
class ModelIdentity:
    """What makes two loads of a potential the same potential."""

    family: str
    name: str
    weights_digest: str  # of the weights' bytes, or of the parameters
    dtype: str  # float32 or float64
    package: str  # package that evaluates it, e.g. sevenn
    package_version: str


class ModelModule(Protocol):
    """``screen/models/<family>.py``."""

    CARDS: tuple[ModelCard, ...]
    DEFAULT: str | None  # name used when the settings give none; None: a name or weights is needed
    PACKAGE: str | None  # package whose absence makes the family unavailable

    def identify(self, settings: ModelSettings) -> ModelIdentity:
        """Resolve the weights without loading the model (cheap; no torch import).

        Raises
        ------
        ModelUnavailableError
            The package or the weights are missing.
        """
        ...

    def load(self, settings: ModelSettings) -> ForceField:
        """Load the potential.

        Raises
        ------
        ModelUnavailableError
            The package or the weights are missing or unreadable.
        """
        ...


class SourceModule(Protocol):
    """``screen/sources/<name>.py``."""

    def candidates(self, options: Mapping[str, Any]) -> Iterator[Candidate | Rejected]:
        """Yield candidates in a stable order; a bad entry is yielded as ``Rejected``.

        Raises
        ------
        SettingsError
            An option is unknown or wrong.
        CatalogError
            The catalog as a whole cannot be read.
        """
        ...


class SolverModule(Protocol):
    """``screen/solvers/<name>.py``."""

    REVISION: ClassVar[int]  # rises with every change that moves a number

    def solve(
        self,
        force_constants: ForceConstants,
        mesh: tuple[int, int, int],
        temperatures: Sequence[float],
        settings: ConductivitySettings,
    ) -> Conductivity:
        """Lattice thermal conductivity.

        Raises
        ------
        TransportError
            fc3 is missing, or the conductivity is not finite.
        """
        ...


@runtime_checkable
class DividedSolverModule(Protocol):
    """A solver whose work can be divided over workers, in parts that are kept when one dies.

    ``solve`` then also takes ``parts``, all records of ``solve_part``.
    """

    def divide(self, phonons: Phonons) -> int:
        """Into how many parts; 1 for no division."""
        ...

    def solve_part(
        self,
        force_constants: ForceConstants,
        mesh: tuple[int, int, int],
        temperatures: Sequence[float],
        settings: ConductivitySettings,
        part: int,
        parts: int,
    ) -> PhononRates:
        """Part number ``part``, from 0; the numbers do not depend on the division.

        Raises
        ------
        TransportError
            As ``solve``.
        """
        ...


@dataclass(frozen=True)
class StageInputs:
    """What a stage may look at: the candidate, the protocol, and earlier stages' records."""

    candidate: Candidate
    protocol: ScreeningProtocol
    records: Mapping[str, Record]
    parts: tuple[Record, ...] = ()  # of the stage itself, where it was divided

    def get(self, stage: str, kind: type[R]) -> R:
        """Return the record of an earlier stage, checked to be of ``kind``."""
        record = self.records[stage]
        if not isinstance(record, kind):
            raise TypeError(f"stage {stage!r} gave {type(record).__name__}, not {kind.__name__}")
        return record


class PropertyModule(Protocol):
    """``screen/properties/<name>.py``.

    ``measure`` needs the potential and runs where it is; ``None`` when the property needs
    nothing beyond force constants. ``compute`` is pure and runs on any core.
    """

    NEEDS: ClassVar[tuple[str, ...]]  # stages whose records ``compute`` reads
    COLUMNS: ClassVar[tuple[Column, ...]]
    measure: Callable[[StageInputs, ForceField], Record] | None

    def settings(self, protocol: ScreeningProtocol) -> Mapping[str, Any]:
        """Return the part of the protocol that decides the result (for the artifact's key)."""
        ...

    def compute(self, inputs: StageInputs) -> Record:
        """Compute the property; the measured record is ``inputs.records["<name>_cells"]``.

        A module may also have ``divide(inputs) -> int`` and ``compute_part(inputs, part, parts)``:
        parts are computed apart, and ``compute`` finds them in ``inputs.parts``.
        """
        ...

    def row(self, inputs: StageInputs, record: Record) -> Mapping[str, Any]:
        """Values for ``COLUMNS``, from the record that ``compute`` gave."""
        ...


@dataclass(frozen=True)
class WorkerKind:
    """Workers that are alike: what they offer, and the interpreter in which they run."""

    resources: tuple[str, ...]  # ``cpu``, and ``model:<environment>`` of each potential
    python: Path = Path(sys.executable)


@dataclass(frozen=True)
class Slots:
    """Tasks that can run at the same time: in all, and by the resource that they need."""

    total: int
    offering: Mapping[str, int]


class Workers(Protocol):
    """Where tasks run: the driver's view of a cluster."""

    @property
    def slots(self) -> Slots:
        """How many tasks can run at the same time."""
        ...

    def need(self, tasks: Mapping[str, int]) -> None:
        """Tell how many tasks run or wait, by resource; a cluster that can grow follows them."""
        ...

    def submit(self, key: str, resource: str, function: Callable[..., Any], *args: Any) -> None:
        """Start ``function(resources, report, *args)`` on a worker that offers ``resource``.

        ``resources`` is what that worker offers (frozenset of names); ``report(stage)`` tells
        the driver where the task is.
        """
        ...

    def next_completed(self, timeout: float | None = None) -> Completed | None:
        """Wait for a task to end; None after ``timeout`` seconds without one."""
        ...

    def stages(self) -> Mapping[str, str]:
        """Stage that each running task has last reported, by key."""
        ...


@dataclass(frozen=True)
class Completed:
    """A task that has ended: a result, an exception, or a lost worker."""

    key: str
    result: Any = None
    error: BaseException | None = None
    lost: bool = False  # the worker died while it had this task


class ClusterModule(Protocol):
    """``screen/clusters/<name>.py``; ``OPTIONS`` of a campaign are checked before its source."""

    OPTIONS: type[Settings]

    def connect(
        self, options: Mapping[str, Any], kinds: Sequence[WorkerKind]
    ) -> AbstractContextManager[Workers]:
        """Start or join workers of each kind; they end with the context.

        Raises
        ------
        SettingsError
            An option is unknown or wrong.
        CampaignError
            No worker came.
        """
        ...


def check_elements(force_field_elements: frozenset[str], crystal: Crystal, name: str) -> None:
    """Raise ``UnsupportedElementError`` if ``crystal`` holds an element the potential lacks."""
    unknown = sorted(set(crystal.elements) - force_field_elements)
    if unknown:
        raise UnsupportedElementError(
            f"{name} was not trained on {', '.join(unknown)} (in {crystal.formula}); "
            "choose a potential that covers these elements"
        )
