"""What a progress display shows of a campaign."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass
class State:
    """How far a campaign is."""

    total: int = 0
    stopping: bool = False  # asked to stop: what runs ends, nothing new starts
    resumed: int = 0  # materials that an earlier run had finished
    refused: int = 0  # by the source or by a potential, before any stage
    statuses: Counter[str] = field(default_factory=Counter)  # this run's outcomes
    kinds: Counter[str] = field(default_factory=Counter)  # kinds of failure
    running: Mapping[str, str] = field(default_factory=dict)  # material -> stage
    started: float = field(default_factory=time.monotonic)
    first_traceback: str | None = None
    over_budget: str | None = None  # which cap is reached

    @property
    def done(self) -> int:
        """Materials with an outcome, of this run or an earlier one."""
        return self.resumed + sum(self.statuses.values())

    @property
    def eta_s(self) -> float | None:
        """Seconds left at the pace of this run so far; None before the first one computed."""
        here = sum(self.statuses.values()) - self.refused
        if here == 0:
            return None
        return (time.monotonic() - self.started) / here * (self.total - self.done)


Watch = Callable[[State], None]
