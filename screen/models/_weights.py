"""Find a potential's package and weights without importing the package."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from screen.core.digest import digest_of_json
from screen.core.errors import ModelUnavailableError
from screen.core.protocols import ModelCard
from screen.models._download import checked_digest


def package_version(package: str, family: str) -> str:
    """Version of an installed package.

    Raises
    ------
    ModelUnavailableError
        The package is not installed in this environment.
    """
    try:
        return version(package)
    except PackageNotFoundError as error:
        raise ModelUnavailableError(
            f"the package {package} is not installed here; give the family its own environment: "
            f"`thermoscreen models install {family}`"
        ) from error


def package_folder(module: str) -> Path:
    """Folder of an installed top-level module, without importing it.

    Raises
    ------
    ModelUnavailableError
        There is no such module in this environment.
    """
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ModelUnavailableError(f"the Python module {module} is not installed here")
    return Path(spec.origin).parent


def card_named(cards: Sequence[ModelCard], name: str) -> ModelCard:
    """Return the card of a named potential.

    Raises
    ------
    ModelUnavailableError
        The name is unknown; the message lists the known ones.
    """
    for card in cards:
        if card.name == name:
            return card
    known = ", ".join(card.name for card in cards)
    raise ModelUnavailableError(
        f"the {cards[0].family} family has no potential {name!r}; known: {known}; "
        "or give a local file as weights"
    )


def existing(weights: Path) -> Path:
    """Return the absolute path of a weights file.

    Raises
    ------
    ModelUnavailableError
        There is no such file.
    """
    path = weights.expanduser().absolute()
    if not path.is_file():
        raise ModelUnavailableError(f"there is no weights file {path}")
    return path


def digest_of(path: Path, head: str | None) -> str:
    """Digest of a file of weights and of the readout chosen among several.

    Raises
    ------
    ModelUnavailableError
        The file is not the one whose SHA-256 is recorded beside it.
    """
    digest = checked_digest(path)
    return digest if head is None else digest_of_json({"weights": digest, "head": head})


def chosen_head(heads: Sequence[str], wanted: str | None, path: Path) -> str | None:
    """Return the wanted readout (level of theory), else the only or the default one.

    None where the network knows of no heads.

    Raises
    ------
    ModelUnavailableError
        The network has no such head, or several and none is wanted or the default; the message
        lists them.
    """
    if wanted is not None and wanted not in heads:
        known = f"its heads are {', '.join(heads)}" if heads else "it has one level of theory only"
        raise ModelUnavailableError(
            f"{path} has no head {wanted!r}: {known}; change or leave out head"
        )
    if wanted is not None or len(heads) <= 1:
        return wanted or next(iter(heads), None)
    default = next((head for head in heads if head.lower() == "default"), None)
    if default is None:
        raise ModelUnavailableError(
            f"{path} has the heads {', '.join(heads)} and none is the default; give one as head"
        )
    return default


def name_with(head: str | None, name: str) -> str:
    """Name of a potential of which the settings choose a head."""
    return name if head is None else f"{name}@{head}"


@contextmanager
def reading(path: Path, kind: str) -> Iterator[None]:
    """Turn whatever a loader raises on a wrong file into one error that names the file.

    Raises
    ------
    ModelUnavailableError
        The block raised anything.
    """
    try:
        yield
    except ModelUnavailableError:
        raise
    # Unpickling a foreign or truncated file can raise any exception at all.
    except Exception as error:
        raise ModelUnavailableError(
            f"{path} is no readable {kind} (truncated download, or another kind of file?): "
            f"{type(error).__name__}: {error}"
        ) from error
