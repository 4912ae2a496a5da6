"""Where artifacts are kept: a folder, or a URL that fsspec understands."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from screen.core.errors import SettingsError, StoreError
from screen.store.files import write_atomically

Location = Path | str
"""A folder, or the URL of a bucket and prefix such as ``s3://bucket/screening``."""

POINTER = "ARTIFACTS"


def location_of(text: str) -> Location:
    """Read the setting ``artifacts``; a folder becomes absolute.

    Raises
    ------
    SettingsError
        The URL holds credentials, or lacks a bucket.
    """
    scheme, separator, rest = text.partition("://")
    if not separator or scheme in {"file", "local"}:
        return Path(rest if separator else text).expanduser().resolve()
    if "@" in urlsplit(text).netloc:
        raise SettingsError(
            f"artifacts = '{scheme}://...@...' holds credentials, which a run folder must not keep; "
            "leave them to the environment (for s3: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or a "
            "profile)"
        )
    if not rest.strip("/"):
        raise SettingsError(f"artifacts = {text!r} names no bucket, e.g. s3://bucket/prefix")
    return text.rstrip("/")


def settled(run: Path, wanted: str | None) -> Location:
    """Return where a run keeps its artifacts, and remember it in the run folder.

    Raises
    ------
    StoreError
        The run keeps them elsewhere already, or its folder cannot be written.
    """
    own = run.resolve() / "artifacts"
    present = pointed(run) or (own if own.is_dir() else None)
    location = (present or own) if wanted is None else location_of(wanted)
    if present is not None and present != location:
        raise StoreError(
            f"{run} keeps its artifacts in {present}, the campaign wants {location}: copy them "
            f"there and write that into {run / POINTER}, or use a new run folder"
        )
    if present is None and location != own:
        try:
            write_atomically(run / POINTER, lambda handle: handle.write(f"{location}\n".encode()))
        except OSError as error:
            raise StoreError(f"cannot write {run / POINTER}: {error.strerror}") from error
    return location


def pointed(run: Path) -> Location | None:
    """Return where the run folder says that its artifacts are; None for its own folder."""
    try:
        text = (run / POINTER).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"cannot read {run / POINTER}: {error.strerror}") from error
    return location_of(text)
