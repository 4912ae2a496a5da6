"""Find a potential's package and weights without importing the package."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from screen.core.errors import ModelUnavailableError
from screen.core.protocols import ModelCard


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
            f"the package {package} is not installed here; potentials exclude each other, so give "
            f"this one its own environment: pip install 'thermoscreen[{family}]'"
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
