"""What every solver asks of its force constants and of its result."""

from __future__ import annotations

import numpy as np

from screen.core.crystal import FloatArray
from screen.core.errors import TransportError
from screen.core.records import HARMONIC, ForceConstants


def require_anharmonic(force_constants: ForceConstants) -> None:
    """Refuse force constants from which no finite conductivity follows.

    Raises
    ------
    TransportError
        fc3 is missing, or vanishes (``kind="harmonic"``).
    """
    if force_constants.fc3 is None:
        raise TransportError("fc3 is missing: the conductivity needs third-order force constants")
    if np.abs(force_constants.fc3).max() < HARMONIC:
        raise TransportError(
            "the crystal is harmonic (all third-order force constants vanish): its conductivity is "
            "infinite; a too small fc3 supercell also looks so, raise fc3_minimum_image",
            kind="harmonic",
        )


def require_finite(*kappa: FloatArray) -> None:
    """Refuse a conductivity that is no number.

    Raises
    ------
    TransportError
        A component is infinite or NaN.
    """
    if not all(np.isfinite(tensors).all() for tensors in kappa):
        raise TransportError("the conductivity is not finite", kind="not_finite")
