"""A run folder with a writer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from screen.core.settings import PROTOCOLS
from screen.store.database import Writer
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
