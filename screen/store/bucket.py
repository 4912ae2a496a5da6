"""An object store, or anything else that fsspec reaches, as storage.

Amazon S3 and what speaks its language, and Google Cloud Storage, go through Arrow's own clients,
which come with pyarrow. The package ``s3fs`` is not used: it holds another botocore than mp-api.

One PUT is atomic in an object store: an object is there whole or not at all, and two writers of
one key write the same bytes. There is no rename. On ``sftp://`` and the like a writer that is
killed may leave a truncated file; reading it says so, and it is set aside and computed again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO

from screen.core.errors import StoreError
from screen.store.files import Write
from screen.store.storage import BROKEN, Stored, stem_of

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_OF_ARROW = {"s3": "S3FileSystem", "gs": "GcsFileSystem", "gcs": "GcsFileSystem"}
_THREADS = 16  # deletions under way at once


@dataclass(frozen=True)
class Bucket:
    """Objects below a URL."""

    url: str

    def where(self, name: str) -> str:
        """Return an object's URL."""
        return f"{self.url}/{name}"

    def has(self, name: str) -> bool:
        """Ask for an object."""
        with _as_os_errors():
            try:  # isfile() would take a lost connection for a no
                return bool(self._files.info(self._path(name))["type"] == "file")
            except FileNotFoundError:
                return False

    def open(self, name: str) -> BinaryIO:
        """Read an object."""
        with _as_os_errors():
            return BytesIO(self._files.cat_file(self._path(name)))

    def write(self, name: str, write: Write) -> None:
        """Write an object in one go."""
        content = BytesIO()
        write(content)
        with _as_os_errors():
            self._files.pipe_file(self._path(name), content.getvalue())

    def copy(self, source: str, name: str) -> None:
        """Copy an object within the store."""
        with _as_os_errors():
            self._files.cp_file(self._path(source), self._path(name))

    def set_aside(self, name: str) -> None:
        """Copy an object to its new name and delete it."""
        self.copy(name, f"{stem_of(name)}{BROKEN}")
        self.delete([name])

    def files(self, below: str = "") -> Iterator[Stored]:
        """Yield all objects in order; the listing is asked for once."""
        root = f"{self._root}/{below}".rstrip("/")
        with _as_os_errors():
            try:
                found = self._files.find(root, detail=True)
            except FileNotFoundError:
                found = {}
        for path in sorted(found):
            entry = found[path]
            name = path.removeprefix(self._root).lstrip("/")
            yield Stored(name, int(entry.get("size") or 0), _seconds(entry))

    def delete(self, names: Collection[str]) -> None:
        """Delete objects, several at a time."""
        with _as_os_errors(), ThreadPoolExecutor(_THREADS) as threads:
            list(threads.map(self._delete, names))

    def _delete(self, name: str) -> None:
        try:
            self._files.rm_file(self._path(name))
        except FileNotFoundError:
            return

    @property
    def _files(self) -> AbstractFileSystem:
        return _connected(self.url)[0]

    @cached_property
    def _root(self) -> str:
        return _connected(self.url)[1]

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"


@lru_cache(maxsize=8)
def _connected(url: str) -> tuple[AbstractFileSystem, str]:
    """File system and path of a URL; credentials are the environment's.

    Raises
    ------
    StoreError
        The kind of URL is unknown, or a package for it is missing.
    """
    import fsspec

    scheme, _, rest = url.partition("://")
    if scheme in _OF_ARROW:
        return _arrow(_OF_ARROW[scheme]), rest.rstrip("/")
    try:
        files, root = fsspec.core.url_to_fs(url, use_listings_cache=False)
    except (ImportError, ValueError) as error:
        raise StoreError(f"artifacts cannot be kept at {url}: {error}") from error
    return files, str(root).rstrip("/")


def _arrow(kind: str) -> AbstractFileSystem:
    """Arrow's client behind fsspec's interface; buckets are neither made nor checked."""
    import pyarrow.fs
    from fsspec.implementations.arrow import ArrowFSWrapper

    options: dict[str, Any] = {}
    if kind == "S3FileSystem":
        names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")  # Arrow does not look at them itself
        endpoint = next((os.environ[name] for name in names if name in os.environ), None)
        options = {"endpoint_override": endpoint, "allow_delayed_open": True}  # one PUT if < 5 MB
    return ArrowFSWrapper(getattr(pyarrow.fs, kind)(**options), skip_instance_cache=True)


@contextmanager
def _as_os_errors() -> Iterator[None]:
    """Raise what clients of object stores raise by other names as OSError."""
    try:
        yield
    except _errors_of_clients() as error:
        raise OSError(0, f"{type(error).__name__}: {error}") from error


def _errors_of_clients() -> tuple[type[BaseException], ...]:
    """Errors of the clients that are in use, which are no OSError."""
    places = (("botocore.exceptions", "BotoCoreError"), ("aiohttp", "ClientError"))
    found = (getattr(sys.modules.get(module), name, None) for module, name in places)
    return tuple(kind for kind in found if kind is not None and not issubclass(kind, OSError))


def _seconds(entry: dict[str, Any]) -> float:
    """When an object was written; now, if its store does not say."""
    for key in ("LastModified", "mtime", "last_modified", "created", "modified"):
        value = entry.get(key)
        if isinstance(value, datetime):
            return value.timestamp()
        if isinstance(value, int | float):
            return float(value)
    return datetime.now().timestamp()
