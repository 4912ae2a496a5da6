"""Errors of a trained model on the held-out cells of the labels.

Usage: ``python forces.py LABELS.extxyz MODEL.model`` in an environment with Thermoscreen and mace.
"""

# ruff: noqa: T201  # a program prints
from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from ase.io import read

from screen.core.registry import find
from screen.core.settings import ModelSettings
from screen.core.units import EV_PER_A3_TO_GPA
from screen.physics.convert import from_ase

KINDS = ("held_out", "held_out_large")


def main() -> None:
    """Read the command line, print a line for each kind of cell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labels", type=Path)
    parser.add_argument("model", type=Path)
    arguments = parser.parse_args()
    settings = ModelSettings(family="mace", weights=arguments.model, device="cpu")
    force_field = find("models", "mace").load(settings)
    cells = read(arguments.labels, ":")
    for kind in KINDS:
        print(report(kind, [cell for cell in cells if cell.info["kind"] == kind], force_field))


def report(kind: str, cells: list[Any], force_field: Any) -> str:
    """Root mean square errors, and the relative ones of each compound."""
    start = time.process_time()
    found = force_field.evaluate([from_ase(cell) for cell in cells])
    seconds = (time.process_time() - start) / sum(map(len, cells))
    labels = [cell.arrays["REF_forces"] for cell in cells]
    errors = [ours - label for ours, label in zip(found.forces, labels, strict=True)]
    relative = np.array([_rms(e) / _rms(f) for e, f in zip(errors, labels, strict=True)])
    energies = [
        (ours - cell.info["REF_energy"]) / len(cell)
        for ours, cell in zip(found.energies, cells, strict=True)
    ]
    stresses = found.stresses - np.array([cell.info["REF_stress"] for cell in cells])
    worst = cells[int(relative.argmax())].info["compound"]
    text = (
        f"{kind}: {len(cells)} cells, {sum(map(len, cells))} atoms; forces {1e3 * _rms(labels):.1f} "
        f"meV/Å, error {1e3 * _rms(errors):.2f} meV/Å, relative error of a cell median "
        f"{np.median(relative):.2%}, 90th percentile {np.quantile(relative, 0.9):.2%}, largest "
        f"{relative.max():.1%} ({worst}); energy {1e3 * np.sqrt(np.mean(np.square(energies))):.2f} "
        f"meV/atom, stress {EV_PER_A3_TO_GPA * np.sqrt(np.mean(stresses**2)):.3f} GPa; "
        f"{1e3 * seconds:.2f} ms/atom"
    )
    if kind == "held_out":
        text += f"; F(u) + F(−u) median {np.median(_cubic_errors(errors, labels)):.1%}"
    return text


def _cubic_errors(errors: list[Any], labels: list[Any]) -> Any:
    """Relative errors of F(u) + F(−u), the cubic part, of pairs that follow each other."""
    pairs = zip(errors[::2], errors[1::2], labels[::2], labels[1::2], strict=True)
    return np.array([_rms(plus + minus) / _rms(first + last) for plus, minus, first, last in pairs])


def _rms(arrays: Any) -> float:
    """Root mean square of all components."""
    values = np.concatenate([np.ravel(array) for array in arrays])
    return float(np.sqrt(np.mean(values**2)))


if __name__ == "__main__":
    main()
