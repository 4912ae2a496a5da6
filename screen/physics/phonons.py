"""Harmonic phonons from fc2: mesh, bands, and the verdict on stability."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from screen.core.crystal import FloatArray
from screen.core.records import Bands, ForceConstants, Phonons
from screen.core.settings import StabilitySettings
from screen.physics.convert import to_nac_params, to_phonopy
from screen.physics.meshes import Mesh

N_BAND_POINTS = 51  # per segment of the band path


def harmonic_lattice(force_constants: ForceConstants) -> Any:
    """Return a ``phonopy.Phonopy`` that holds fc2 (and NAC parameters)."""
    from phonopy import Phonopy

    phonopy = Phonopy(
        to_phonopy(force_constants.unitcell),
        supercell_matrix=np.array(force_constants.fc2_supercell),
        primitive_matrix=np.array(force_constants.primitive_matrix),
        symprec=1e-5,
        log_level=0,
    )
    phonopy.force_constants = np.array(force_constants.fc2, order="C")
    if force_constants.nac is not None:
        phonopy.nac_params = to_nac_params(force_constants.nac)
    return phonopy


def phonons_on_mesh(
    force_constants: ForceConstants, mesh: Mesh, settings: StabilitySettings
) -> Phonons:
    """Phonons on a Γ-centred mesh and along the standard path, with the imaginary flag."""
    phonopy = harmonic_lattice(force_constants)
    phonopy.run_mesh(mesh, is_gamma_center=True, with_group_velocities=True)
    result = phonopy.mesh
    frequencies = np.array(result.frequencies)
    at_gamma = acoustic_at_gamma(np.array(result.qpoints), frequencies)
    acoustic = frequencies[at_gamma]
    other = frequencies[~at_gamma] if not at_gamma.all() else acoustic  # one atom, Γ only
    return Phonons(
        mesh=np.array(mesh),
        q=np.array(result.qpoints),
        weights=np.array(result.weights),
        frequencies=frequencies,
        velocities=np.array(result.group_velocities),
        bands=_bands(phonopy),
        min_frequency=float(other.min()),
        min_acoustic_gamma=float(acoustic.min()),
        imaginary=bool(
            acoustic.min() < -settings.gamma_tolerance or other.min() < -settings.tolerance
        ),
    )


def acoustic_at_gamma(q: FloatArray, frequencies: FloatArray) -> NDArray[np.bool_]:
    """Mask (nq, nb) of the three acoustic modes at Γ; empty if Γ is not among the q-points.

    Acoustic at Γ are the three modes of smallest |ω|: a soft optical mode may lie below them.
    """
    mask = np.zeros(frequencies.shape, dtype=bool)
    for index in np.flatnonzero(np.linalg.norm(q, axis=1) < 1e-8):
        mask[index, np.argsort(np.abs(frequencies[index]))[:3]] = True
    return mask


def _bands(phonopy: Any) -> Bands:
    """Frequencies along seekpath's path; segments joined end to end.

    The path is asked for in the basis of phonopy's own primitive cell, which differs from
    seekpath's standard one for some centrings.
    """
    import seekpath

    found = seekpath.get_path_orig_cell(phonopy.primitive.totuple())
    points, path = found["point_coords"], found["path"]
    segments = [np.linspace(points[a], points[b], N_BAND_POINTS) for a, b in path]
    phonopy.run_band_structure(segments)
    band = phonopy.band_structure
    starts = [float(distances[0]) for distances in band.distances]
    end = float(band.distances[-1][-1])
    return Bands(
        q=np.concatenate(segments),
        distances=np.concatenate(band.distances),
        frequencies=np.concatenate(band.frequencies),
        label_positions=np.array([*starts, end]),
        labels=_joined_labels(path),
    )


def _joined_labels(path: list[tuple[str, str]]) -> tuple[str, ...]:
    """One label per border between segments; unconnected segments give ``U|K``."""
    inner = [
        _plain(end) if end == start else f"{_plain(end)}|{_plain(start)}"
        for (_, end), (start, _) in pairwise(path)
    ]
    return (_plain(path[0][0]), *inner, _plain(path[-1][1]))


def _plain(label: str) -> str:
    """Turn seekpath's labels into Unicode: GAMMA to Γ, ``U_2`` to U₂, ``SIGMA_0`` to Σ₀."""
    for name, letter in (("GAMMA", "Γ"), ("SIGMA", "Σ"), ("DELTA", "Δ"), ("LAMBDA", "Λ")):
        label = label.replace(name, letter)
    return label.translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")).replace("_", "")
