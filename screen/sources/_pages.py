"""Pages of a pull, kept on disk so that an interrupted one goes on where it was."""

from __future__ import annotations

import gzip
import json
import shutil
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from screen.core.digest import digest_of_json
from screen.core.errors import CatalogError
from screen.core.folders import data_folder

Document = dict[str, Any]  # an entry of the database as its server sends it
Fetch = Callable[[str], "Page"]


@dataclass(frozen=True)
class Page:
    """A part of an answer: documents, and where the next part is."""

    documents: list[Document]
    total: int | None  # documents that match, over all pages; None if the server does not say
    following: str | None  # address of the next page, None after the last


def folder_of(source: str, query: dict[str, object], db_version: str) -> Path:
    """Folder for the pages of one query to one version of the database.

    Pages of other versions of the same query are removed: they can never be completed.
    """
    of_query = data_folder() / "pulls" / source / digest_of_json(query)
    folder = of_query / digest_of_json([db_version])
    if of_query.is_dir():
        for other in of_query.iterdir():
            if other != folder:
                shutil.rmtree(other, ignore_errors=True)
    return folder


def walk(fetch: Fetch, first: str, folder: Path) -> Iterator[Page]:
    """Yield all pages, those on disk without asking the server.

    Raises
    ------
    CatalogError
        The server sends us in a circle, or the pages cannot be kept.
    """
    address: str | None = first
    seen: set[str] = set()
    while address is not None:
        if address in seen:
            raise CatalogError(f"the server calls {address} the page after itself; ask its keeper")
        seen.add(address)
        path = folder / f"page-{len(seen):06}.json.gz"
        page = _read(path)
        if page is None:
            page = fetch(address)
            _write(path, page)
        yield page
        address = page.following


def _read(path: Path) -> Page | None:
    """Page that was kept; None if there is none or if it is broken."""
    try:
        return Page(**json.loads(gzip.decompress(path.read_bytes())))
    except (
        OSError,
        EOFError,
        zlib.error,
        ValueError,
        TypeError,
    ):  # torn by a lost machine: pulled again
        return None


def _write(path: Path, page: Page) -> None:
    """Keep a page; it appears whole or not at all."""
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(gzip.compress(json.dumps(asdict(page)).encode(), compresslevel=3))
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise CatalogError(
            f"cannot keep pages in {path.parent}: {error.strerror}; make room or set "
            "THERMOSCREEN_HOME to another folder"
        ) from error
