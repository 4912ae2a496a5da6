"""The generated section on coherences, from a table whose numbers are known."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pyarrow as pa
import pytest


@pytest.fixture
def section(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "docs"))
    import wave_like

    yield wave_like
    del sys.modules["wave_like"]


def test_section_has_each_compound_with_its_shares_and_verdicts(section: ModuleType) -> None:
    table = pa.table(
        {
            "compound": ["MgO-rs", "AgI-zb", "AgCl-rs"],
            "prototype": ["rocksalt", "zincblende", "rocksalt"],
            "temperatures": [[100.0, 300.0], [100.0, 300.0], [100.0, 300.0]],
            "kappa_p": [[300.0, 60.0], [1.6, 0.4], None],
            "kappa_c": [[0.003, 0.06], [0.4, 0.6], None],
            "beyond_wigner_share": [[0.0, 0.004], [0.5, 0.987], None],
            "beyond_ioffe_regel_share": [[0.0, 0.0], [0.0, 0.111], None],
        }
    )
    lines = section.wave_like_section(table).splitlines()
    assert "| AgI-zb | 20 / 60 / – | 50 / 99 / – | 0 / 11 / – | mixed / wave-like / – |" in lines
    assert "| MgO-rs | 0 / 0.1 / – | 0 / 0.4 / – | 0 / 0 / – | particle / particle / – |" in lines
    assert "| 300 | 2 | 1 | 0 | 1 | 30 | 60 (AgI-zb) |" in lines
    assert not any("AgCl" in line for line in lines)
    names = [line.split(" | ")[0] for line in lines]
    assert names.index("| AgI-zb") < names.index("| MgO-rs")  # the largest first
    columns = {
        line.count("|") for line in lines if line.startswith(("| Compound", "| AgI", "| MgO"))
    }
    assert len(columns) == 1
