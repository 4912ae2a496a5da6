"""Our result against the one that is stored with the same forces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from screen.benchmark.force_sets import ForceSet, StoredResult
from screen.core.crystal import FloatArray
from screen.core.records import Conductivity, Phonons, Record
from screen.physics.metrics import microscopic_error

FREQUENCY_LIMIT = 1e-6  # THz; phono3py 3 and 4.10 agree to 1e-7 on the same forces
KAPPA_LIMIT = 0.01  # of κ_P and κ_C; phono3py 3 loses one to three per cent of isotope scattering
MODE_LIMIT = 0.01  # SRME between the two sets of modes; for the same reason 0.001 to 0.005


@dataclass(frozen=True, eq=False)
class StoredComparison(Record):
    """Our result against the stored one; None where nothing is stored.

    Where the file has no cell the catalog's stands in for it. Frequencies and linewidths do not
    depend on it; κ_P and κ_C share a factor, see ``implied_stretch``.
    """

    frequency_difference: float | None = None  # THz, largest
    kappa_300: float | None = None  # W/m/K, as stored, κ_P + κ_C
    kappa_p_ratio: float | None = None  # our κ_P over the stored one
    kappa_c_ratio: float | None = None  # our κ_C over the stored one
    stretch: FloatArray | None = None  # (3,) x, y, z: cell of the forces over the catalog's
    srme: float | None = None  # between the modes after κ has been made equal
    conforms: bool | None = None  # within the limits of this module


def compare_with_stored(
    force_set: ForceSet, phonons: Phonons, conductivity: Conductivity | None
) -> StoredComparison:
    """Compare frequencies, κ_P, κ_C and modes at 300 K, the first temperature of ours."""
    theirs = force_set.stored
    difference = (
        None
        if theirs.frequencies is None
        else frequency_difference(phonons.frequencies, theirs.frequencies)
    )
    kappa = _total(theirs)
    if conductivity is None:
        return StoredComparison(difference, kappa, conforms=False if kappa is not None else None)
    ours_p, ours_c = np.diagonal(conductivity.kappa_p[0]), np.diagonal(conductivity.kappa_c[0])
    p_ratio, c_ratio = _ratio(ours_p, theirs.kappa_p), _ratio(ours_c, theirs.kappa_c)
    srme = srme_of_modes(conductivity, theirs)
    stands_in = theirs.kappa_p is not None and not force_set.own_cell
    return StoredComparison(
        frequency_difference=difference,
        kappa_300=kappa,
        kappa_p_ratio=p_ratio,
        kappa_c_ratio=c_ratio,
        stretch=implied_stretch(ours_p, theirs.kappa_p) if stands_in else None,
        srme=srme,
        conforms=conforms(difference, p_ratio, c_ratio, srme, own_cell=force_set.own_cell),
    )


def frequency_difference(ours: FloatArray, theirs: FloatArray) -> float:
    """Largest difference in THz between frequencies (nq, nb) and (n, nb), bands in any order.

    Of equally many q-points one by one; else, as a whole grid has each irreducible point several
    times, of each q-point to the most similar one of the other. Infinite for other numbers of bands.
    """
    if ours.shape[1:] != theirs.shape[1:]:
        return float("inf")
    ours, theirs = np.sort(ours, axis=1), np.sort(theirs, axis=1)
    if len(ours) == len(theirs):
        return float(np.abs(ours - theirs).max())
    pairs = ((ours, theirs), (theirs, ours))
    return max(float(KDTree(these).query(those, p=np.inf)[0].max()) for these, those in pairs)


def implied_stretch(ours: FloatArray, theirs: FloatArray | None) -> FloatArray | None:
    """Cell of the forces over the cell that stands in for it, x, y, z, from both κ_P (3,) W/m/K.

    With the same force constants in a cell stretched by s_i, frequencies and linewidths at the same
    fractional q stay, group velocities grow by s_i and the volume by s_x s_y s_z, so that κ_ii ∝
    s_i²/(s_x s_y s_z): in a cubic crystal 1/s, not 1/V. With r_i = ours/theirs follows
    s_i = √(r_x r_y r_z/r_i). For axes at right angles, and as exact as κ_P is.
    """
    if theirs is None:
        return None
    ratio = ours / theirs
    return np.asarray(np.sqrt(ratio.prod() / ratio))


def srme_of_modes(conductivity: Conductivity, theirs: StoredResult) -> float | None:
    """SRME between our modes and the stored ones after κ has been made equal.

    None where none are stored, or on other q-points.
    """
    ours, modes = conductivity.mode_kappa[0], theirs.mode_kappa
    if modes is None or modes.shape != ours.shape:
        return None
    return microscopic_error(ours * (modes.sum() / ours.sum()), modes, conductivity.weights)


def conforms(
    difference: float | None,
    p_ratio: float | None,
    c_ratio: float | None,
    srme: float | None,
    *,
    own_cell: bool,
) -> bool | None:
    """Whether all that can be compared is within the limits; None if nothing can.

    κ_P itself counts only in the cell of the forces, κ_C over κ_P always.
    """
    split = None if p_ratio is None or c_ratio is None else c_ratio / p_ratio
    checks = [
        None if difference is None else difference <= FREQUENCY_LIMIT,
        None if srme is None else srme <= MODE_LIMIT,
        None if split is None else abs(split - 1) <= KAPPA_LIMIT,
        None if p_ratio is None or not own_cell else abs(p_ratio - 1) <= KAPPA_LIMIT,
    ]
    made = [check for check in checks if check is not None]
    return all(made) if made else None


def _total(stored: StoredResult) -> float | None:
    parts = [part for part in (stored.kappa_p, stored.kappa_c) if part is not None]
    return float(sum(part.mean() for part in parts)) if parts else None


def _ratio(ours: FloatArray, theirs: FloatArray | None) -> float | None:
    return None if theirs is None else float(ours.mean() / theirs.mean())
