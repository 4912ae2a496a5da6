"""One conductivity against its mode-resolved reference."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from screen.benchmark.references import TEMPERATURE, ModeReference
from screen.core.columns import Column
from screen.core.crystal import FloatArray, IntArray
from screen.core.errors import CatalogError
from screen.core.records import Conductivity
from screen.physics.metrics import microscopic_error
from screen.store.scores import SRME

COLUMNS = (
    replace(SRME, description="2 Σ |κ(qs) − κ_ref(qs)|/(κ + κ_ref) over all modes, from 0 to 2."),
    Column(
        "srme_nac_300",
        "DOUBLE",
        "SRME to NAC (300 K)",
        "The same against the reference with NAC, whether κ is with NAC or not: what was published "
        "of some potentials.",
    ),
    Column(
        "frequency_error",
        "DOUBLE",
        "mean |Δf|",
        "Mean absolute difference of frequencies from the reference over all modes.",
        "THz",
    ),
    Column(
        "frequency_ratio",
        "DOUBLE",
        "f/f_ref",
        "Mean frequency over that of the reference: below 1, the potential is too soft.",
    ),
)
SAME_POINT = 1e-6  # of a reciprocal lattice vector; the references have ten digits


@dataclass(frozen=True)
class Accuracy:
    """Errors of one conductivity at 300 K; fields are named as ``COLUMNS``."""

    srme_300: float  # Póta et al., arXiv 2408.00755, eq. 7
    frequency_error: float  # THz
    frequency_ratio: float


def accuracy(record: Conductivity, reference: ModeReference) -> Accuracy:
    """Compare modes of equal wave vector and band at 300 K.

    Raises
    ------
    CatalogError
        The temperatures leave out 300 K, or the q-points are not those of the reference.
    """
    at = np.flatnonzero(record.temperatures == TEMPERATURE)
    if not len(at):
        raise CatalogError(
            f"the reference of {reference.compound} is at 300 K, which the temperatures "
            f"{record.temperatures.tolist()} leave out; use protocol ksrme-2024"
        )
    order = _same_points(record, reference)
    weights = reference.weights
    ours = record.frequencies[order]
    return Accuracy(
        srme_300=microscopic_error(record.mode_kappa[at[0]][order], reference.mode_kappa, weights),
        frequency_error=_mean(np.abs(ours - reference.frequencies), weights),
        frequency_ratio=_mean(ours, weights) / _mean(reference.frequencies, weights),
    )


def _same_points(record: Conductivity, reference: ModeReference) -> IntArray:
    """Position in the record of each point of the reference, (nq,)."""
    if record.frequencies.shape != reference.frequencies.shape:
        raise _unlike(record, reference, "mesh or number of atoms")
    difference = record.q[None, :, :] - reference.q[:, None, :]
    distance = np.abs(difference - np.rint(difference)).max(axis=-1)
    order = distance.argmin(axis=1)
    if distance.min(axis=1).max() > SAME_POINT:
        raise _unlike(record, reference, "irreducible q-points")
    if not np.array_equal(record.weights[order], reference.weights):
        raise _unlike(record, reference, "weights of the q-points")
    return np.asarray(order)


def _unlike(record: Conductivity, reference: ModeReference, what: str) -> CatalogError:
    mesh = "×".join(str(n) for n in record.mesh)
    return CatalogError(
        f"{reference.compound}: {what} of the conductivity (mesh {mesh}) are not those of the "
        "reference; use protocol ksrme-2024 and the cells of the source benchmark"
    )


def _mean(values: FloatArray, weights: IntArray) -> float:
    """Mean over modes, each irreducible point as often as it occurs on the mesh."""
    return float((values * weights[:, None]).sum() / (weights.sum() * values.shape[1]))
