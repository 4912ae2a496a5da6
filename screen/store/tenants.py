"""Which runs keep their artifacts in a place that is no run's own folder."""

from __future__ import annotations

import json
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

from screen.core.digest import digest_of_json
from screen.core.errors import StoreError
from screen.store.location import Location, settled
from screen.store.storage import Storage, storage_at

FOLDER = "_runs"


@dataclass(frozen=True)
class Tenant:
    """A run, by host and folder."""

    host: str
    run: str

    def __str__(self) -> str:
        return f"{self.run} on {self.host}"


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
        tenant = tenant_of(run)
        name = f"{FOLDER}/{digest_of_json(asdict(tenant))}.json"
        content = json.dumps(asdict(tenant), ensure_ascii=False).encode()
        try:
            storage_at(location).write(name, lambda handle: handle.write(content))
        except OSError as error:
            why = error.strerror or error
            raise StoreError(f"cannot keep artifacts at {location}: {why}") from error
    return location


def tenant_of(run: Path) -> Tenant:
    """Return what tells a run from others."""
    return Tenant(socket.gethostname(), str(run.resolve()))


def tenants(location: Location) -> set[Tenant]:
    """Return the runs that have left their name.

    Raises
    ------
    StoreError
        The place cannot be read, or a name is garbled.
    """
    storage = storage_at(location)
    try:
        return {_read(storage, stored.name) for stored in storage.files(FOLDER)}
    except (OSError, ValueError, TypeError) as error:
        raise StoreError(f"cannot read {location}/{FOLDER}: {error}") from error


def _read(storage: Storage, name: str) -> Tenant:
    with storage.open(name) as handle:
        return Tenant(**json.loads(handle.read()))
