"""Lattice and stability of all 103 compounds with a trained model, against its teacher's lattice.

Usage: ``python stability.py LABELS.extxyz MODEL.model``; relaxation and fc2 as in
``conductivity.py``.
"""

# ruff: noqa: T201  # a program prints
from __future__ import annotations

import argparse
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from ase.io import read
from conductivity import reduced

from screen.core.protocols import StageInputs
from screen.core.records import Candidate
from screen.core.registry import find
from screen.core.settings import ModelSettings
from screen.pipeline.stages import pipeline_for
from screen.sources import benchmark


def main() -> None:
    """Read the command line, print a line for each unstable compound and a summary."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labels", type=Path)
    parser.add_argument("model", type=Path)
    arguments = parser.parse_args()
    settings = ModelSettings(family="mace", weights=arguments.model, device="cpu")
    force_field = find("models", "mace").load(settings)
    cells = groupby(read(arguments.labels, ":"), key=lambda cell: cell.info["compound"])
    relaxed = {compound: next(group) for compound, group in cells}  # the first cell is unstrained
    stretches = []
    for candidate in benchmark.candidates({}):
        crystal, failure = settled(candidate, force_field)
        teacher = relaxed[candidate.id]
        ratio = crystal.volume / len(crystal) / (teacher.cell.volume / len(teacher))
        stretches.append(ratio ** (1 / 3) - 1)
        if failure is not None or abs(stretches[-1]) > 0.002:
            print(f"{candidate.id}: length {stretches[-1]:+.2%}, {failure}", flush=True)
    sizes = np.abs(stretches)
    print(
        f"{len(sizes)} compounds: mean length against the teacher, median difference "
        f"{np.median(sizes):.3%}, largest {sizes.max():.2%}"
    )


def settled(candidate: Candidate, force_field: Any) -> tuple[Any, str | None]:
    """Relaxed crystal, and why it is unstable."""
    candidate, protocol = reduced(candidate)
    records: dict[str, Any] = {}
    for stage in pipeline_for(("stability",)):
        inputs = StageInputs(candidate, protocol, records)
        records[stage.name] = stage.run(inputs, force_field)
        failure = stage.gate(inputs, records[stage.name]) if stage.gate is not None else None
        if failure is not None:
            return records["relax"].crystal, failure.message
    return records["relax"].crystal, None


if __name__ == "__main__":
    main()
