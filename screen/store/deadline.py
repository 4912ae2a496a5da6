"""Stop what takes too long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer


@contextmanager
def interrupted_after(seconds: float | None, interrupt: Callable[[], None]) -> Iterator[None]:
    """Call ``interrupt`` from another thread if the block runs for longer; None: never."""
    if seconds is None:
        yield
        return
    timer = Timer(seconds, interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
