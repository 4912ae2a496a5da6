"""Slack-type estimate of the conductivity from fc2 alone: who is worth third-order forces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from screen.core.columns import Column
from screen.core.protocols import StageInputs
from screen.core.records import ForceConstants, Record, Relaxed, SoundWaves
from screen.core.settings import Protocol

NEEDS = ("relax", "fc2", "stability")
COLUMNS = (
    Column(
        "kappa_slack_300",
        "DOUBLE",
        "κ estimate (300 K)",
        "Slack-type estimate at 300 K from the speeds of sound: for ranking, off by a factor 2 to 3.",
        "W/m/K",
    ),
    Column(
        "debye_temperature",
        "DOUBLE",
        "Θ_D",
        "Debye temperature of the speeds of sound, all modes.",
        "K",
    ),
    Column("sound_velocity", "DOUBLE", "v_m", "Debye mean of the speeds of sound.", "m/s"),
    Column("poisson_ratio", "DOUBLE", "ν", "Poisson ratio that the speeds of sound suggest."),
    Column(
        "gruneisen_slack",
        "DOUBLE",
        "γ estimate",
        "Grüneisen parameter that the Poisson ratio suggests, in the estimate of κ.",
    ),
)
measure = None
TEMPERATURE = 300.0  # K


def settings(protocol: Protocol) -> Mapping[str, Any]:
    """Nothing of the protocol matters beyond fc2."""
    return {}


def compute(inputs: StageInputs) -> SoundWaves:
    """Speeds of sound in all directions."""
    from screen.physics.sound import sound_waves

    return sound_waves(inputs.get("fc2", ForceConstants))


def row(inputs: StageInputs, record: Record) -> Mapping[str, Any]:
    """Values for ``COLUMNS``."""
    from screen.physics import sound

    if not isinstance(record, SoundWaves):
        raise TypeError(f"slack needs SoundWaves, got {type(record).__name__}")
    crystal = inputs.get("relax", Relaxed).crystal
    ratio = sound.poisson_ratio(record)
    to_primitive = inputs.get("fc2", ForceConstants).primitive_matrix
    n_primitive = round(len(crystal) * float(np.linalg.det(to_primitive)))
    return {
        "kappa_slack_300": sound.estimated_conductivity(record, crystal, n_primitive, TEMPERATURE),
        "debye_temperature": sound.debye_temperature(record, crystal.volume / len(crystal)),
        "sound_velocity": sound.mean_velocity(record),
        "poisson_ratio": ratio,
        "gruneisen_slack": sound.gruneisen_of_poisson(ratio),
    }
