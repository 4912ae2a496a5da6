"""Every error that Thermoscreen raises on purpose.

::

    ThermoscreenError
    ├── SettingsError          the user's input is wrong: campaign file, protocol, command line
    ├── UnknownAdapterError    no adapter of that name (lists the known ones)
    ├── StoreError             database, snapshot or artifact cannot be used
    │   └── BrokenArtifactError  an artifact is truncated or garbled; its stage is computed again
    ├── CatalogError           a catalog or structure file cannot be used
    ├── ModelUnavailableError  package missing, weights missing or unreadable
    ├── CampaignError          the campaign as a whole cannot go on
    └── MaterialError          this one material fails; becomes a ``Failure`` row
        ├── UnsupportedElementError
        ├── RelaxationError
        ├── DisplacementError
        ├── EvaluationError
        ├── ForceConstantsError
        ├── TransportError
        └── ExpansionError

Each message names the value and the way out.
"""

from __future__ import annotations


class ThermoscreenError(Exception):
    """Base of all errors raised on purpose."""


class SettingsError(ThermoscreenError):
    """The user's settings are invalid."""


class UnknownAdapterError(SettingsError):
    """No adapter of that name exists."""


class StoreError(ThermoscreenError):
    """A database, snapshot or artifact is missing, locked or broken."""


class BrokenArtifactError(StoreError):
    """An artifact cannot be read."""


class CatalogError(ThermoscreenError):
    """A catalog or structure file cannot be used."""


class ModelUnavailableError(ThermoscreenError):
    """A potential's package or weights are missing or unreadable."""


class CampaignError(ThermoscreenError):
    """The campaign as a whole cannot go on."""


class MaterialError(ThermoscreenError):
    """One material cannot be finished; ``kind`` is the machine-readable reason."""

    kind = "material"

    def __init__(self, message: str, kind: str | None = None) -> None:
        super().__init__(message)
        if kind is not None:
            self.kind = kind

    def __reduce__(self) -> tuple[type[MaterialError], tuple[str, str]]:
        return (type(self), (str(self), self.kind))


class UnsupportedElementError(MaterialError):
    """The potential does not know an element of the crystal."""

    kind = "unsupported_element"


class RelaxationError(MaterialError):
    """The relaxation broke down."""

    kind = "relaxation"


class DisplacementError(MaterialError):
    """No displaced supercells can be made under this protocol."""

    kind = "displacements"


class EvaluationError(MaterialError):
    """The potential returned something that is no energy, force or stress."""

    kind = "evaluation"


class ForceConstantsError(MaterialError):
    """Forces could not be turned into force constants."""

    kind = "force_constants"


class TransportError(MaterialError):
    """The transport solver found no conductivity."""

    kind = "transport"


class ExpansionError(MaterialError):
    """The expansion could not be computed."""

    kind = "expansion"
