"""A run folder with a writer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from screen.core.settings import PROTOCOLS
from screen.store.database import Writer
from screen.store.location import Location
from tests.store.places import bucket, s3_server
from tests.store.samples import IDENTITY, MODEL, PROPERTIES


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Run folder; its name needs quoting in SQL."""
    return tmp_path / "it's a run"


@pytest.fixture
def writer(run: Path) -> Iterator[Writer]:
    """A writer that knows the model and the protocol."""
    with Writer(run, PROPERTIES) as opened:
        opened.add_model(MODEL, IDENTITY)
        opened.add_protocol(PROTOCOLS["quick"])
        yield opened


@pytest.fixture(scope="session")
def s3() -> Iterator[None]:
    """A real S3 server; the environment leads to it."""
    from screen.store.bucket import _connected

    with s3_server() as environment, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        _connected.cache_clear()
        yield


@pytest.fixture(params=["folder", "memory", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Location:
    """Return an empty place for artifacts."""
    if request.param == "folder":
        return tmp_path / "artifacts"
    if request.param == "memory":
        return f"memory://{uuid4().hex}/artifacts"
    request.getfixturevalue("s3")
    return bucket()
