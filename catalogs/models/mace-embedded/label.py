"""Label relaxed, strained and displaced cells of the 103 benchmark compounds with SevenNet-l3i5.

Usage: ``python label.py LABELS.extxyz`` in an environment with Thermoscreen and sevenn. About
20 minutes on one core. The last line is the SHA-256 of the file.

Displacements come as pairs +u and −u of the same cell: their forces' difference holds the even
orders of the energy (fc2), their sum the odd ones (fc3), and training can weigh each.
"""

# ruff: noqa: T201  # a program prints
from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import make_supercell
from ase.constraints import FixSymmetry
from ase.filters import FrechetCellFilter
from ase.geometry import minkowski_reduce
from ase.io import write
from ase.optimize import LBFGS
from spglib import find_primitive

from screen.physics.convert import to_ase, to_spglib
from screen.sources import benchmark

TEACHER = "7net-l3i5"
SEED = 103
RELAXED_FORCE = 1e-3  # eV/Å
ATOMS = 16  # of a displaced cell
AMPLITUDES = (0.02, 0.03, 0.04, 0.06, 0.06, 0.08, 0.08, 0.1)  # Å, rms length, relaxed lattice
STRAINED_AMPLITUDES = (0.03, 0.06, 0.1)  # Å, strained lattice
ISOTROPIC = (-0.025, -0.01, 0.01, 0.025)
N_SHEARED = 4  # primitive cells under a random strain
MAX_STRAIN = 0.025  # of each component
HELD_OUT_AMPLITUDE = 0.05  # Å
LARGE_AMPLITUDE = 0.03  # Å, the displacement of the benchmark's protocols
LARGE_EVERY = 3  # one compound in three gets a held-out cell as large as the protocols'


def main() -> None:
    """Read the command line, label, print the digest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labels", type=Path, help="file to write (extxyz)")
    path = parser.parse_args().labels
    path.unlink(missing_ok=True)
    write_labels(path)
    print(hashlib.sha256(path.read_bytes()).hexdigest(), path.name)


def write_labels(path: Path) -> None:
    """Write the labelled cells of all compounds, compound by compound."""
    from sevenn.calculator import SevenNetCalculator

    calculator = SevenNetCalculator(TEACHER, device="cpu")
    for index, candidate in enumerate(benchmark.candidates({})):
        primitive = relaxed(primitive_cell(candidate.crystal), calculator)
        cells = cells_of(primitive, np.random.default_rng((SEED, index)))
        if index % LARGE_EVERY == 0:
            cells = [*cells, large_cell(candidate, primitive, index)]
        labelled = [labelled_cell(cell, candidate.id, calculator) for cell in cells]
        write(path, labelled, format="extxyz", append=True)
        print(candidate.id, len(labelled), "cells", flush=True)


def primitive_cell(crystal: Any) -> Atoms:
    """Primitive cell of a conventional one."""
    lattice, fractional, numbers = find_primitive(to_spglib(crystal))
    return Atoms(numbers, scaled_positions=fractional, cell=lattice, pbc=True)


def relaxed(atoms: Atoms, calculator: Any) -> Atoms:
    """Cell and positions at the teacher's minimum, space group kept."""
    atoms.calc = calculator
    atoms.set_constraint(FixSymmetry(atoms))
    LBFGS(FrechetCellFilter(atoms), logfile=None).run(fmax=RELAXED_FORCE, steps=200)
    atoms.set_constraint()
    atoms.calc = None
    return atoms


def cells_of(primitive: Atoms, random: np.random.Generator) -> list[Atoms]:
    """All cells of one compound; ``info`` says what each is for.

    ``kind``: primitive, pair or held_out; the two cells of a pair follow each other.
    """
    cells = [_marked(primitive, "primitive")]
    cells += [
        _marked(strained(primitive, stretch * np.eye(3)), "primitive") for stretch in ISOTROPIC
    ]
    for _ in range(N_SHEARED):
        cell = strained(primitive, random_strain(random))
        cells.append(
            _marked(displaced(cell, random_displacements(cell, 0.03, random)), "primitive")
        )
    shapes = supercell_shapes(primitive, ATOMS // len(primitive))
    compact = most_compact(primitive, shapes)
    for number, amplitude in enumerate(AMPLITUDES):
        shape = compact if number % 2 else shapes[random.integers(len(shapes))]
        cells += pair(make_supercell(primitive, shape), amplitude, random, "pair")
    for amplitude in STRAINED_AMPLITUDES:
        shape = shapes[random.integers(len(shapes))]
        cell = strained(make_supercell(primitive, shape), random_strain(random))
        cells += pair(cell, amplitude, random, "pair")
    cells += pair(make_supercell(primitive, compact), HELD_OUT_AMPLITUDE, random, "held_out")
    return cells


def large_cell(candidate: Any, primitive: Atoms, index: int) -> Atoms:
    """Cell as large as that of fc3 in ``ksrme-2024``, all atoms displaced; held out."""
    start = to_ase(candidate.crystal)
    ratio = (primitive.cell.volume / len(primitive)) / (start.cell.volume / len(start))
    start.set_cell(start.cell * ratio ** (1 / 3), scale_atoms=True)
    cell = make_supercell(start, candidate.hints.fc3_supercell)
    random = np.random.default_rng((SEED, index, 1))
    return _marked(
        displaced(cell, random_displacements(cell, LARGE_AMPLITUDE, random)), "held_out_large"
    )


def pair(cell: Atoms, amplitude: float, random: np.random.Generator, kind: str) -> list[Atoms]:
    """Return the cell displaced by +u and by −u."""
    shift = random_displacements(cell, amplitude, random)
    return [_marked(displaced(cell, sign * shift), kind) for sign in (1, -1)]


def random_displacements(cell: Atoms, amplitude: float, random: np.random.Generator) -> Any:
    """Draw normal displacements (n_atoms, 3) Å of a given rms length, without a common shift."""
    shift = random.normal(size=(len(cell), 3))
    shift -= shift.mean(axis=0)
    return shift * amplitude / np.sqrt((shift**2).sum(axis=1).mean())


def random_strain(random: np.random.Generator) -> Any:
    """Symmetric strain (3, 3), components uniform up to ``MAX_STRAIN``."""
    strain = random.uniform(-MAX_STRAIN, MAX_STRAIN, (3, 3))
    return (strain + strain.T) / 2


def displaced(cell: Atoms, shift: Any) -> Atoms:
    """Copy with displaced atoms."""
    moved = cell.copy()
    moved.positions += shift
    return moved


def strained(cell: Atoms, strain: Any) -> Atoms:
    """Copy under a homogeneous strain (3, 3)."""
    deformed = cell.copy()
    deformed.set_cell(cell.cell.array @ (np.eye(3) + strain), scale_atoms=True)
    return deformed


def supercell_shapes(primitive: Atoms, size: int) -> list[Any]:
    """All superlattices of ``size`` cells (Hermite normal forms), with their shortest vectors.

    Different shapes fold different neighbours onto each other, so that small cells together
    tell the force constants of pairs farther apart than half a cell.
    """
    shapes = []
    for form in hermite_normal_forms(size):
        _, operation = minkowski_reduce(form @ primitive.cell.array)
        shapes.append(operation @ form)
    return shapes


def hermite_normal_forms(size: int) -> Iterator[Any]:
    """Lower triangular integer matrices (3, 3) of determinant ``size``, one a superlattice."""
    divisors = [number for number in range(1, size + 1) if size % number == 0]
    for a, c in product(divisors, divisors):
        if size % (a * c) == 0:
            for b, d, e in product(range(a), range(a), range(c)):
                yield np.array([[a, 0, 0], [b, c, 0], [d, e, size // (a * c)]])


def most_compact(primitive: Atoms, shapes: list[Any]) -> Any:
    """Return the shape whose shortest lattice vector is the longest."""
    return max(
        shapes,
        key=lambda shape: round(
            float(np.linalg.norm(shape @ primitive.cell.array, axis=1).min()), 6
        ),
    )


def labelled_cell(cell: Atoms, compound: str, calculator: Any) -> Atoms:
    """Copy with energy, forces and stress under the names that mace reads."""
    cell.calc = calculator
    labelled = Atoms(cell.numbers, positions=cell.positions, cell=cell.cell, pbc=True)
    labelled.info = {
        "compound": compound,
        "kind": cell.info["kind"],
        "REF_energy": float(cell.get_potential_energy()),
        "REF_stress": np.asarray(cell.get_stress(voigt=False), dtype=np.float64),
    }
    labelled.arrays["REF_forces"] = np.asarray(cell.get_forces(), dtype=np.float64)
    return labelled


def _marked(cell: Atoms, kind: str) -> Atoms:
    """Copy with its purpose."""
    marked = cell.copy()
    marked.info = {"kind": kind}
    return marked


if __name__ == "__main__":
    main()
