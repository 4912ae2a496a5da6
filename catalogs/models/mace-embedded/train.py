"""Train the embedded MACE by linear least squares on the labels that ``label.py`` wrote.

Usage: ``python train.py LABELS.extxyz MODEL.model`` in an environment with mace-torch; about 5
minutes of one core. The same labels give the same weights up to the rounding of the machine.

Errors count relative to their own size, so that soft crystals and small displacements weigh as
much as stiff and large ones: of each pair of cells displaced by +u and −u, the difference of the
forces (even orders of the energy, foremost fc2) and their sum (odd orders, foremost fc3).
"""

# ruff: noqa: T201  # a program prints
from __future__ import annotations

import argparse
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ase.io import read
from mace.data import AtomicData, Configuration
from mace.tools import AtomicNumberTable
from network import CUTOFF, Design, build
from normal_equations import NormalEquations

CUBIC_SHARE = 0.2  # of F(u) + F(−u) against F(u) − F(−u)
STRESS_SHARE = 0.3
ENERGY_ERROR = 0.2  # eV/atom that counts as much as an error of 100 %
NEGLIGIBLE = 1e-3  # of a compound's forces: F(u) + F(−u) below it does not count more
RIDGE = 1e-8  # in units of the normal matrix's diagonal


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labels", type=Path, help="extxyz file that label.py wrote")
    parser.add_argument("model", type=Path, help="file to write")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cells = read(arguments.labels, ":")
    energies = atomic_energies(cells)
    network = build(energies)
    design = Design(network)
    equations = NormalEquations(design.n_weights)
    for compound, group in groupby(cells, key=lambda cell: cell.info["compound"]):
        for elements, matrix, values in equations_of(list(group), energies, design):
            equations.add(elements, matrix, values)
        print(compound, flush=True)
    design.install(equations.solve(RIDGE))
    torch.save(network, arguments.model)


def atomic_energies(cells: list[Any]) -> dict[int, float]:
    """Energy per element (eV) that explains the cells' energies best, by atomic number."""
    numbers = sorted({int(number) for cell in cells for number in cell.numbers})
    shares = np.array([[np.mean(cell.numbers == number) for number in numbers] for cell in cells])
    energies = np.array([cell.info["REF_energy"] / len(cell) for cell in cells])
    solution = np.linalg.lstsq(shares, energies, rcond=None)[0]
    return dict(zip(numbers, solution.tolist(), strict=True))


def equations_of(cells: list[Any], energies: dict[int, float], design: Design) -> Any:
    """Yield elements, matrix (n_elements, n_rows, n_weights) and values (n_rows,) of a compound."""
    primitives = [cell for cell in cells if cell.info["kind"] == "primitive"]
    displaced = [cell for cell in cells if cell.info["kind"] == "pair"]
    stress = np.sqrt(np.mean([np.sum(cell.info["REF_stress"] ** 2) for cell in primitives]))
    force = np.sqrt(np.mean([np.sum(_forces(cell) ** 2) / len(cell) for cell in displaced]))
    weight = STRESS_SHARE / stress
    for cell in primitives:
        elements, energy, forces, virial = design(graph_of(cell, energies))
        share = 1 / (force * np.sqrt(len(cell)))
        yield elements, share * forces, torch.tensor(share * _forces(cell))
        yield _cell_equations(cell, energies, (elements, energy, virial), weight)
    for first, second in zip(displaced[::2], displaced[1::2], strict=True):
        matrices = []
        for cell in (first, second):
            elements, energy, forces, virial = design(graph_of(cell, energies))
            matrices.append(forces)
            yield _cell_equations(cell, energies, (elements, energy, virial), weight)
        floor = NEGLIGIBLE * force * np.sqrt(len(first))
        for sign, share in ((-1, 1.0), (1, CUBIC_SHARE)):
            label = (_forces(first) + sign * _forces(second)) / 2
            scale = share / (np.linalg.norm(label) + floor * (sign == 1))
            matrix = (matrices[0] + sign * matrices[1]) / 2
            yield elements, scale * matrix, torch.tensor(scale * label)


def _cell_equations(
    cell: Any, energies: dict[int, float], columns: tuple[Any, Any, Any], stress_weight: float
) -> tuple[list[int], torch.Tensor, torch.Tensor]:
    """Equations of the stress and the energy of one cell."""
    elements, energy, virial = columns
    weight = 1 / (ENERGY_ERROR * len(cell))
    bound = cell.info["REF_energy"] - sum(energies[int(number)] for number in cell.numbers)
    matrix = torch.cat([stress_weight * virial, weight * energy[:, None]], dim=1)
    values = [*(stress_weight * cell.info["REF_stress"].ravel()), weight * bound]
    return elements, matrix, torch.tensor(values)


def graph_of(cell: Any, energies: dict[int, float]) -> Any:
    """Neighbour graph of one cell."""
    configuration = Configuration(
        atomic_numbers=cell.numbers,
        positions=cell.positions,
        properties={},
        property_weights={},
        cell=cell.cell.array,
        pbc=(True, True, True),
    )
    return AtomicData.from_config(configuration, AtomicNumberTable(list(energies)), cutoff=CUTOFF)


def _forces(cell: Any) -> Any:
    """Labelled forces, flat (3 n_atoms,) eV/Å."""
    return cell.arrays["REF_forces"].ravel()


if __name__ == "__main__":
    main()
