"""Ctrl-C and SIGTERM: the first asks to stop in order, the second stops at once."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def deferred(asked: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Yield a function that says whether a signal has come; ``asked`` is called at the first.

    Raises
    ------
    KeyboardInterrupt
        At the second signal.
    """
    received: list[int] = []

    def receive(number: int, frame: FrameType | None) -> None:
        received.append(number)
        if len(received) > 1:
            raise KeyboardInterrupt
        asked()

    before = {number: signal.signal(number, receive) for number in SIGNALS}
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
