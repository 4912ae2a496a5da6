"""Thermoscreen: screen crystals for heat management.

>>> import screen
>>> campaign = screen.read_campaign(path)                              # doctest: +SKIP
>>> screen.run_campaign(campaign)                                      # doctest: +SKIP
>>> with screen.open_snapshot(campaign.run_folder) as snapshot:        # doctest: +SKIP
...     table = screen.rank(snapshot, "insulators", temperature=300)

The names below are loaded when they are first used: ``import screen`` itself costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from screen.core.crystal import Crystal
    from screen.core.errors import ThermoscreenError
    from screen.core.settings import (
        Campaign,
        Protocol,
        campaign_from,
        protocol_named,
        read_campaign,
    )
    from screen.pipeline.campaign import run_campaign
    from screen.ranking import rank
    from screen.store.database import open_snapshot

_HOMES = {
    "Campaign": "screen.core.settings",
    "Crystal": "screen.core.crystal",
    "Protocol": "screen.core.settings",
    "ThermoscreenError": "screen.core.errors",
    "campaign_from": "screen.core.settings",
    "open_snapshot": "screen.store.database",
    "protocol_named": "screen.core.settings",
    "rank": "screen.ranking",
    "read_campaign": "screen.core.settings",
    "run_campaign": "screen.pipeline.campaign",
}

__all__ = [
    "Campaign",
    "Crystal",
    "Protocol",
    "ThermoscreenError",
    "campaign_from",
    "open_snapshot",
    "protocol_named",
    "rank",
    "read_campaign",
    "run_campaign",
]


def __getattr__(name: str) -> Any:
    """Load a public name from the module that holds it."""
    if name not in _HOMES:
        raise AttributeError(f"module 'screen' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
