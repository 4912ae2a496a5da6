"""A loopback Materials Project, a key for it, a data folder of its own, and waits that do not wait."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from screen.sources import _retry
from tests.sources import fake_mp


@pytest.fixture
def data(monkeypatch, tmp_path):
    """Folder in which pages are kept."""
    monkeypatch.setenv("THERMOSCREEN_HOME", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def waits(monkeypatch) -> list[float]:
    """Seconds that were waited between tries, had anybody waited."""
    found: list[float] = []
    monkeypatch.setattr(_retry, "sleep", found.append)
    return found


@pytest.fixture
def mp(monkeypatch, data, waits) -> Iterator[fake_mp.Service]:
    """Materials Project with 12 documents, for which there is a key."""
    monkeypatch.setenv("MP_API_KEY", fake_mp.KEY)
    with fake_mp.serving(fake_mp.Service(fake_mp.documents(12))) as service:
        yield service
