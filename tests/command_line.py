"""``thermoscreen`` run in the tests' own process, as its entry point does."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from screen import cli


@dataclass(frozen=True)
class Answer:
    """What a command gave back."""

    code: int
    raw: bytes
    out: str
    err: str


Call = Callable[..., Answer]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Call:
    """Run a command to its end."""

    def run(*arguments: str | Path) -> Answer:
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["thermoscreen", *map(str, arguments)])
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            with pytest.raises(SystemExit) as ended:
                cli.main()
        raw, messages = (stream.buffer.getvalue() for stream in (out, err))
        return Answer(ended.value.code or 0, raw, raw.decode(errors="replace"), messages.decode())

    return run
