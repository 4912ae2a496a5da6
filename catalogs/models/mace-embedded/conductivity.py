"""Conductivities of a potential under one reduced protocol, and one potential against another.

Usage, each in the environment of the potential's family::

    python conductivity.py measure FOLDER sevennet --name sevennet-l3i5 --compounds LiBr-rs ...
    python conductivity.py measure FOLDER mace --weights mace-embedded.model --compounds LiBr-rs ...
    python conductivity.py compare TEACHER_FOLDER STUDENT_FOLDER

``measure`` writes one ``.npz`` a compound and skips those that are there.

The protocol is ``ksrme-2024`` made affordable: fc3 in the same supercells but fitted by symfc to
random displacements, fc2 in smaller supercells, a coarser mesh, float32 for the teacher.
"""

# ruff: noqa: T201  # a program prints
from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from screen.core.protocols import StageInputs
from screen.core.records import Candidate, Conductivity, Failure
from screen.core.registry import find
from screen.core.settings import ModelSettings, Protocol, protocol_named
from screen.core.voigt import mean_diagonal
from screen.physics.metrics import microscopic_error, relative_difference
from screen.pipeline.stages import pipeline_for
from screen.sources import benchmark

FC2_CELLS = {"rocksalt": (3, 3, 3), "zincblende": (3, 3, 3), "wurtzite": (4, 4, 2)}
OVERSAMPLING = 2.0  # force components per unknown of fc3: forces of a network have no noise
MESHES = {"rocksalt": (11, 11, 11), "zincblende": (11, 11, 11), "wurtzite": (11, 11, 7)}


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    measure = commands.add_parser("measure")
    measure.add_argument("folder", type=Path)
    measure.add_argument("family", choices=("mace", "sevennet"))
    measure.add_argument("--name")
    measure.add_argument("--weights", type=Path)
    measure.add_argument("--dtype", choices=("float32", "float64"), default="float64")
    measure.add_argument("--compounds", nargs="+", required=True)
    compare = commands.add_parser("compare")
    compare.add_argument("teacher", type=Path)
    compare.add_argument("student", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "compare":
        print_comparison(arguments.teacher, arguments.student)
        return
    settings = ModelSettings(
        family=arguments.family,
        name=arguments.name,
        weights=arguments.weights,
        dtype=arguments.dtype,
        device="cpu",
    )
    measure_all(arguments.folder, settings, arguments.compounds)


def measure_all(folder: Path, settings: ModelSettings, compounds: list[str]) -> None:
    """Measure compounds that are not in the folder yet."""
    folder.mkdir(parents=True, exist_ok=True)
    force_field = find("models", settings.family).load(settings)
    for compound in compounds:
        path = folder / f"{compound}.npz"
        if not path.is_file():
            start = time.process_time()
            (candidate,) = benchmark.candidates({"names": [compound]})
            arrays = measured(candidate, force_field)
            np.savez(path, **arrays)
            seconds = time.process_time() - start
            print(
                compound, arrays.get("kappa", arrays.get("failure")), f"{seconds:.0f} s", flush=True
            )


def reduced(candidate: Candidate) -> tuple[Candidate, Protocol]:
    """Return the candidate with its smaller supercell and mesh, and the protocol."""
    prototype = str(candidate.metadata.prototype)
    hints = replace(
        candidate.hints,
        fc2_supercell=np.diag(FC2_CELLS[prototype]),
        mesh=np.array(MESHES[prototype]),
    )
    protocol = protocol_named("ksrme-2024")
    displacements = protocol.displacements.model_copy(
        update={"fc3_scheme": "random", "oversampling": OVERSAMPLING}
    )
    return replace(candidate, hints=hints), protocol.model_copy(
        update={"displacements": displacements}
    )


def measured(candidate: Candidate, force_field: Any) -> dict[str, Any]:
    """Lattice, frequencies and mode conductivities at 300 K, or the failure."""
    candidate, protocol = reduced(candidate)
    records: dict[str, Any] = {}
    arrays: dict[str, Any] = {}
    for stage in pipeline_for(("conductivity",)):
        inputs = StageInputs(candidate, protocol, records)
        record = stage.run(inputs, force_field)
        records[stage.name] = record
        if stage.name == "relax":
            arrays["lattice"] = record.crystal.lattice
        failure = stage.gate(inputs, record) if stage.gate is not None else None
        if isinstance(failure, Failure):
            return {**arrays, "failure": np.array(failure.kind)}
    found: Conductivity = records["conductivity"]
    return {
        **arrays,
        "frequencies": found.frequencies,
        "weights": found.weights,
        "mode_kappa": found.mode_kappa[0],
        "kappa": mean_diagonal(found.kappa_p + found.kappa_c)[0],
    }


def print_comparison(teacher: Path, student: Path) -> None:
    """Print a line a compound, and the medians; a failure counts as SRME = 2."""
    print("| compound | lattice | frequencies | κ teacher | κ student | κ DFT | SRD | SRME |")
    print("|---|---|---|---|---|---|---|---|")
    errors, differences, dft_differences, dft_teacher = [], [], [], []
    for candidate in benchmark.candidates({}):
        files = [folder / f"{candidate.id}.npz" for folder in (teacher, student)]
        if all(file.is_file() for file in files):
            first, second = (np.load(file) for file in files)
            if "failure" in first:
                continue
            reference = float(candidate.metadata.kappa_reference_300 or np.nan)
            ours = None if "failure" in second else float(second["kappa"])
            errors.append(2.0 if ours is None else srme(first, second))
            differences.append(relative_difference(ours, float(first["kappa"])))
            dft_differences.append(relative_difference(ours, reference))
            dft_teacher.append(relative_difference(float(first["kappa"]), reference))
            print(_row(candidate.id, first, second, ours, reference, differences[-1], errors[-1]))
    print(
        f"\n{len(errors)} compounds: SRME against the teacher median {np.median(errors):.3f}, "
        f"mean {np.mean(errors):.3f}; |SRD| of κ against the teacher median "
        f"{np.median(np.abs(differences)):.3f}, against DFT "
        f"{np.median(np.abs(dft_differences)):.3f} (teacher: {np.median(np.abs(dft_teacher)):.3f})"
    )


def srme(first: Any, second: Any) -> float:
    """SRME between two files of ``measure``."""
    return microscopic_error(second["mode_kappa"], first["mode_kappa"], first["weights"])


def _row(
    name: str,
    first: Any,
    second: Any,
    ours: float | None,
    reference: float,
    srd: float,
    error: float,
) -> str:
    """One compound as a line of the table."""
    stretch = (np.linalg.det(second["lattice"]) / np.linalg.det(first["lattice"])) ** (1 / 3) - 1
    if ours is None:
        kappa, spectrum = str(second["failure"]), ""
    else:
        difference = second["frequencies"] - first["frequencies"]
        kappa = f"{ours:.3g}"
        spectrum = f"{np.sqrt(np.mean(difference**2) / np.mean(first['frequencies'] ** 2)):.1%}"
    return (
        f"| {name} | {stretch:+.2%} | {spectrum} | {float(first['kappa']):.3g} | {kappa} "
        f"| {reference:.3g} | {srd:+.2f} | {error:.2f} |"
    )


if __name__ == "__main__":
    main()
