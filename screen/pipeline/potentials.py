"""The potentials of a campaign, resolved: identity, elements, and the workers that hold each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from screen.core.crystal import Crystal
from screen.core.digest import digest_of_json
from screen.core.errors import SettingsError, UnsupportedElementError
from screen.core.protocols import ModelCard, ModelIdentity, WorkerKind, check_elements
from screen.core.records import Failure
from screen.core.registry import find
from screen.core.settings import ModelSettings
from screen.environments import questions
from screen.environments.interpreters import environment_of, interpreter_of


@dataclass(frozen=True)
class Potential:
    """A potential that a campaign uses."""

    settings: ModelSettings
    identity: ModelIdentity
    card: ModelCard | None  # of a published potential
    elements: frozenset[str]
    python: Path  # interpreter that holds its packages

    @property
    def digest(self) -> str:
        """Digest of the weights and how they are evaluated, not of the package's version."""
        return digest_of_json(
            {
                "family": self.identity.family,
                "weights": self.identity.weights_digest,
                "dtype": self.identity.dtype,
            }
        )

    @property
    def resource(self) -> str:
        """What a worker that holds it offers."""
        return model_resource(self.settings)

    def refusal(self, crystal: Crystal) -> Failure | None:
        """Why it must not be asked about a crystal: elements outside its training set."""
        try:
            check_elements(self.elements, crystal, self.identity.name)
        except UnsupportedElementError as error:
            return Failure("relax", error.kind, str(error))
        return None


def model_resource(settings: ModelSettings) -> str:
    """Resource that a worker with this potential's environment offers."""
    return f"model:{environment_of(settings)}"


def resolve(models: Sequence[ModelSettings]) -> tuple[Potential, ...]:
    """Find each potential's interpreter, weights and elements.

    Raises
    ------
    ModelUnavailableError
        An environment, a package or weights are missing.
    SettingsError
        Two entries are the same potential.
    """
    potentials: dict[str, Potential] = {}
    for settings in models:
        python = interpreter_of(settings)
        identity = questions.identify(settings, python)
        elements = questions.elements_of(settings, python)
        potential = Potential(settings, identity, _card(settings, identity), elements, python)
        if potential.digest in potentials:
            raise SettingsError(
                f"models names {identity.name} twice (the same weights, evaluated alike); "
                "leave one of them out"
            )
        potentials[potential.digest] = potential
    return tuple(potentials.values())


def name_without_loading(settings: ModelSettings) -> str:
    """Name of a potential by its settings alone, whether or not its package is there."""
    if settings.weights is not None:
        return settings.weights.stem
    default: str | None = find("models", settings.family).DEFAULT
    return settings.name or default or settings.family


def _card(settings: ModelSettings, identity: ModelIdentity) -> ModelCard | None:
    """Return the card of a named potential; a local file has none, whatever it is called."""
    if settings.weights is not None:
        return None
    cards: Sequence[ModelCard] = find("models", settings.family).CARDS
    return next((card for card in cards if card.name == identity.name), None)


def worker_kinds(potentials: Sequence[Potential]) -> tuple[WorkerKind, ...]:
    """One kind of worker per interpreter, which offers the processor and all that it holds."""
    offered: dict[Path, dict[str, None]] = {}
    for potential in potentials:
        offered.setdefault(potential.python, {})[potential.resource] = None
    return tuple(WorkerKind(("cpu", *names), python) for python, names in offered.items())
