"""The steps that a GPU would take stay on the device of their arguments.

Tensors on torch's device ``meta`` have shapes and no values: whatever mixes devices, or asks for a
value on the way, fails. Sums over active combinations need values; ``test_memory`` runs these on a
CPU with batches as large as on a GPU.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from screen.wigner.engine import solve_harmonic
from screen.wigner.folding import fold
from screen.wigner.grid import find_triplets
from screen.wigner.interaction import (
    build_transform,
    complete,
    empty_box,
    half_amplitudes,
    into_box,
    lattice_sums,
)
from screen.wigner.tables import build_tables
from tests.wigner.cases import prepared

META = torch.device("meta")


@pytest.mark.parametrize(("name", "mesh"), [("Si-PBE", (4, 4, 4)), ("AlN-LDA", (4, 4, 3))])
def test_amplitudes_stay_on_their_device(name: str, mesh: tuple[int, int, int]) -> None:
    harmonic = solve_harmonic(prepared(name, mesh))
    grid, nb = harmonic.grid, harmonic.phonons.bands
    here = build_transform(fold(harmonic.interaction), grid, torch.device("cpu"))
    sums = lattice_sums(here, torch.zeros((2, 3), dtype=torch.float64))
    there = replace(  # sparse tensors cannot be without values
        here,
        slots=here.slots.to(META),
        fourier=tuple(matrix.to(META) for matrix in here.fourier),
        R=here.R.to(META),
    )
    tables = build_tables(grid, harmonic.phonons, (300.0,), META, True)
    point = int(grid.irreducible[1])
    triplets = find_triplets(grid, point)
    box = into_box(there, sums[:, 0].to(META), tables.periodic[point], empty_box(there))
    for lines in (1, grid.points):
        done = 0
        for members, place, half in half_amplitudes(
            there, box, triplets.first, tables.periodic, lines, grid.points
        ):
            v = complete(half, torch.as_tensor(place), tables.periodic[triplets.second[members]])
            assert v.device == META
            assert v.shape == (len(place), nb, nb, nb)
            assert (len(half) > place.max()).all()
            done += len(place)
        assert done == len(triplets.first)
