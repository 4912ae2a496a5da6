"""Which runs keep their artifacts in a place that is no run's own folder.

A run has a random identifier in its folder: the same folder seen from another host, or mounted
elsewhere, is the same run. A copy of the folder is not. It shows by its inode, which the identifier's
file holds; on a file system without lasting inodes, host and path say that it is no copy.
"""

from __future__ import annotations

import json
import os
import socket
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from screen.core.errors import StoreError
from screen.store.files import write_atomically
from screen.store.location import Location, settled
from screen.store.storage import Storage, storage_at

FOLDER = "_runs"
ID = "RUN_ID"  # file in the run folder


@dataclass(frozen=True)
class Tenant:
    """A run, and from where it was last seen."""

    host: str
    run: str
    id: str | None = None  # None: an earlier program's, or not known at the place yet

    def __str__(self) -> str:
        return f"{self.run} on {self.host}"

    @property
    def names(self) -> frozenset[tuple[str, ...]]:
        """What tells a run from others: host and path are what an earlier program left."""
        place = (self.host, self.run)
        return frozenset({place} if self.id is None else {place, (self.id,)})

    @property
    def name(self) -> tuple[str, ...]:
        """What a run is registered by."""
        return (self.host, self.run) if self.id is None else (self.id,)


def move_in(run: Path, wanted: str | None) -> Location:
    """Settle where a run keeps its artifacts; in a shared place, leave its name there.

    Raises
    ------
    SettingsError
        The place is a URL with credentials, or without a bucket.
    StoreError
        The run keeps them elsewhere already, or the place cannot be written.
    """
    location = settled(run, wanted)
    if location != run.resolve() / "artifacts":
        tenant = tenant_of(run, location)
        try:
            tenant = replace(tenant, id=_kept_anew(run, tenant.id or uuid4().hex))
            content = json.dumps(asdict(tenant), ensure_ascii=False).encode()
            name = _registered_at(str(tenant.id))
            storage_at(location).write(name, lambda handle: handle.write(content))
        except OSError as error:
            why = error.strerror or error
            raise StoreError(f"cannot keep artifacts at {location}: {why}") from error
    return location


def tenant_of(run: Path, location: Location) -> Tenant:
    """Return what tells a run from others; without identifier if it has not moved in there.

    Raises
    ------
    StoreError
        The run folder or the place cannot be read.
    """
    here = Tenant(socket.gethostname(), str(run.resolve()))
    try:
        kept = json.loads((run / ID).read_bytes())
        known = replace(here, id=str(kept["id"]))
        if kept["inode"] == (run / ID).stat().st_ino:
            return known
        registered = _read(storage_at(location), _registered_at(str(known.id)))
    except FileNotFoundError:
        return here
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StoreError(f"cannot read {run / ID}, or {location}/{FOLDER}: {error}") from error
    return known if registered == known else here


def tenants(location: Location) -> dict[str, Tenant]:
    """Return the runs that have left their name, by the file that each has left.

    Raises
    ------
    StoreError
        The place cannot be read, or a name is garbled.
    """
    storage = storage_at(location)
    try:
        return {stored.name: _read(storage, stored.name) for stored in storage.files(FOLDER)}
    except (OSError, ValueError, TypeError) as error:
        raise StoreError(f"cannot read {location}/{FOLDER}: {error}") from error


def _kept_anew(run: Path, identifier: str) -> str:
    """Write the identifier into the run folder; the file keeps its inode when it gets its name."""

    def write(handle: BinaryIO) -> None:
        inode = os.fstat(handle.fileno()).st_ino
        handle.write(json.dumps({"id": identifier, "inode": inode}).encode())

    write_atomically(run / ID, write)
    return identifier


def _registered_at(identifier: str) -> str:
    return f"{FOLDER}/{identifier}.json"


def _read(storage: Storage, name: str) -> Tenant:
    with storage.open(name) as handle:
        return Tenant(**json.loads(handle.read()))
