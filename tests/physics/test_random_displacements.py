"""How many random displacements, and which."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from screen.core.crystal import Crystal
from screen.core.errors import DisplacementError
from screen.core.settings import DisplacementSettings, protocol_named
from screen.physics.convert import from_phonopy
from screen.physics.displacements import displace_for_fc3, lattice_dynamics
from screen.physics.fit_basis import basis_of_fit
from screen.physics.random_displacements import (
    count_pairs,
    displace_at_random,
    random_displacements,
)
from screen.physics.supercells import supercell_matrices
from screen.sources import benchmark
from tests.crystals import fcc, rocksalt

DOUBLE = np.diag([2, 2, 2])
RANDOM = DisplacementSettings(fc3_scheme="random")


@pytest.mark.parametrize(("name", "cells"), [("LiBr-rs", 16), ("SiC-zb", 32), ("BeO-wz", 144)])
def test_supercells_of_the_benchmark_need_a_ninth_of_those_of_finite_differences(
    name: str, cells: int
) -> None:
    """16, 32, 144 instead of 146, 222, 1,254, the numbers of stored sets of forces."""
    settings = RANDOM.model_copy(update={"supercells": "hints"})
    (candidate,) = benchmark.candidates({"names": [name]})
    matrices = supercell_matrices(candidate.crystal, candidate.hints, settings)
    assert 2 * count_pairs(lattice_dynamics(candidate.crystal, *matrices), settings) == cells


def test_the_protocol_screen_fits_and_the_benchmark_protocol_does_not() -> None:
    schemes = {
        name: protocol_named(name).displacements.fc3_scheme
        for name in ("screen", "quick", "ksrme-2024")
    }
    assert schemes == {"screen": "random", "quick": "random", "ksrme-2024": "finite_differences"}


def test_cells_come_in_pairs_of_opposite_displacements_of_one_length() -> None:
    phono3py = lattice_dynamics(fcc(3.6, 29), DOUBLE, DOUBLE)
    settings = RANDOM.model_copy(update={"distance": 0.02})
    start = from_phonopy(phono3py.supercell)
    cells = displace_for_fc3(phono3py, settings)
    moved = np.array([cell.positions - start.positions for cell in cells])
    np.testing.assert_allclose(moved[1::2], -moved[::2], atol=1e-14)
    np.testing.assert_allclose(np.linalg.norm(moved, axis=2), 0.02, rtol=1e-9)


def test_directions_are_uniform_on_the_sphere() -> None:
    """⟨n n⟩ = 1/3 within 5 standard errors: √(4/45 / 5,000) on and √(1/15 / 5,000) off the axes."""
    n = random_displacements(5_000, RANDOM, range(1))[0] / RANDOM.distance
    deviation = np.abs(n.T @ n / len(n) - np.eye(3) / 3)
    assert np.diagonal(deviation).max() < 5 * np.sqrt(4 / 45 / len(n))
    assert deviation[np.triu_indices(3, 1)].max() < 5 * np.sqrt(1 / 15 / len(n))


def test_more_pairs_go_on_where_fewer_ended() -> None:
    few, many = (random_displacements(4, RANDOM, range(pairs)) for pairs in (2, 5))
    np.testing.assert_array_equal(many[:4], few)
    np.testing.assert_array_equal(random_displacements(4, RANDOM, range(2, 5)), many[4:])


def test_the_same_seed_gives_the_same_cells_and_another_seed_others() -> None:
    def cells(seed: int) -> set[str]:
        settings = RANDOM.model_copy(update={"seed": seed})
        phono3py = lattice_dynamics(fcc(3.6, 29), DOUBLE, DOUBLE)
        return {cell.digest for cell in displace_at_random(phono3py, settings, range(3))}

    assert cells(0) == cells(0)
    assert not cells(0) & cells(1)


def test_the_displacements_are_the_same_in_every_process_and_version() -> None:
    """Figures written down once; NumPy promises them for ever (NEP 19)."""
    code = (
        "from screen.core.settings import DisplacementSettings as D\n"
        "from screen.physics.random_displacements import random_displacements as r\n"
        "print(r(2, D(seed=7), range(3, 4))[0, 0].tolist())"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    expected = [-0.00503803, 0.02920739, -0.00464181]
    np.testing.assert_allclose(json.loads(output.stdout), expected, atol=1e-8)


def test_more_oversampling_takes_more_cells() -> None:
    phono3py = lattice_dynamics(rocksalt(5.6), DOUBLE, DOUBLE)
    pairs = {
        oversampling: count_pairs(
            phono3py, RANDOM.model_copy(update={"oversampling": oversampling})
        )
        for oversampling in (0.1, 3.0, 4.0, 12.0)
    }
    assert pairs == {0.1: 4, 3.0: 6, 4.0: 8, 12.0: 24}  # never less than four


def test_without_symmetry_a_cutoff_bounds_what_is_fitted() -> None:
    """64 atoms with translations alone: 27 · 64³ / (8 · 6) = 147,456 unknowns.

    Within 4.75 Å symfc estimates 8,378, within the next shells at 4.8 Å 10,160. 4 · 44 cells.
    """
    crystal = rocksalt(5.6)
    moved = crystal.fractional + 0.02 * np.random.default_rng(0).standard_normal((8, 3))
    crooked = Crystal(crystal.lattice, crystal.numbers, moved)
    phono3py = lattice_dynamics(crooked, DOUBLE, DOUBLE)
    assert basis_of_fit(phono3py, RANDOM).cutoff == pytest.approx(4.75)
    assert count_pairs(phono3py, RANDOM) == 88


def test_too_many_cells_are_refused() -> None:
    settings = RANDOM.model_copy(update={"max_supercells": 15})
    with pytest.raises(DisplacementError, match="16 displaced supercells of 64 atoms") as caught:
        displace_for_fc3(lattice_dynamics(rocksalt(5.6), DOUBLE, DOUBLE), settings)
    assert caught.value.kind == "too_many_supercells"
