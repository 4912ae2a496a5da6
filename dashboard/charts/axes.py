"""Titles of axes that several figures share: labels and units of the store's columns."""

from __future__ import annotations

from dataclasses import replace

from dashboard.display import shown_column
from screen.store import macros

TEMPERATURE = macros.TEMPERATURE.header
KAPPA = macros.KAPPA.header
LINEAR_EXPANSION = shown_column(replace(macros.EXPANSION, label="α_L"))
"""α_L, not α: figures of one material show axes and volume too."""
