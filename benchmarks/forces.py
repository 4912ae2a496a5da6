"""Forces: our evaluation against each family's own ASE calculator, and what fc3 costs in the end.

The families installed in the running interpreter are measured, on as many threads as there are
cores unless ``--threads`` says otherwise. Weights of MACE and M3GNet are downloads: ``mace-random``
is a network of MPA-0's size and ``m3gnet-random`` one of the published size with random weights,
good for times but not for κ; ``mace-embedded`` has κ.

    python benchmarks/forces.py                               # rocksalt and zincblende in full
    python benchmarks/forces.py --quick                       # below 50 s: samples, no κ
    python benchmarks/forces.py --full                        # wurtzite in full as well
    python benchmarks/forces.py --models sevennet-0 chgnet-0.3.0 --threads 1 --cpu-time

``evaluation_speedup``: the same displaced supercells, one after another by the calculator, in one
call by ours, both in the type in which the calculator is at its best (float64 if it can).
``force_constants_speedup``: smallest over the crystals of the time of finite differences by the
calculator, in that type, over that of the default protocol's route, in its type; both from relaxed
crystal and fc2 to the finished fc3; what is sampled and scaled says so. ``kappa_difference``: largest
|κ/κ_FD − 1| at 300 K on 11 × 11 × 11. ``max_force_difference`` in eV/Å, between the evaluations.
``float32`` and ``float64`` hold the same of ours in either type. The last line is JSON.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", str(len(os.sched_getaffinity(0))))  # before NumPy, torch

import argparse
import json
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from ase import Atoms

sys.path.insert(0, str(Path(__file__).parents[1]))

from screen.core.crystal import Crystal
from screen.core.protocols import ForceField
from screen.core.records import ForceConstants, SupercellForces
from screen.core.registry import find, names
from screen.core.settings import (
    PROTOCOLS,
    ConductivitySettings,
    DisplacementSettings,
    ModelSettings,
    RelaxationSettings,
    model_named,
)
from screen.models import _batched
from screen.physics.displacements import (
    as_array,
    displace_for_fc2,
    displace_for_fc3,
    lattice_dynamics,
)
from screen.physics.fit import more_pairs
from screen.physics.force_constants import second_order, third_order
from screen.physics.random_displacements import displace_at_random
from screen.physics.relax import relax
from screen.solvers import wigner
from tests.crystals import FCC, rocksalt, wurtzite
from tests.models.m3gnet_network import write_random_m3gnet
from tests.models.networks import write_random_mace

ZINCBLENDE = np.concatenate([FCC, FCC + 0.25])
CRYSTALS = {  # unit cell and supercell
    "LiBr": (rocksalt(5.5, 3, 35), (2, 2, 2)),
    "ZnSe": (Crystal(np.eye(3) * 5.7, np.array([30] * 4 + [34] * 4), ZINCBLENDE), (2, 2, 2)),
    "ZnO": (wurtzite(3.25, 5.2, 30, 8), (3, 3, 2)),
}
SAMPLED = ("ZnO",)  # 1,254 cells of 72 atoms: too many for a loop without --full
SAMPLE = 4  # cells
RANDOM = PROTOCOLS["screen"].displacements
DIFFERENCES = DisplacementSettings(fc3_scheme="finite_differences", distance=RANDOM.distance)
MESH = (11, 11, 11)
MEASURED = {"mace": ("mace-random", "mace-embedded"), "m3gnet": ("m3gnet-random",)}

Clock = Callable[[], float]


def main() -> None:
    """Print tables of all potentials and one JSON line."""
    import torch

    arguments = parsed()
    torch.set_num_threads(arguments.threads)
    print(f"{torch.get_num_threads()} threads, {'CPU' if arguments.cpu_time else 'wall'} time")
    with tempfile.TemporaryDirectory() as folder:
        figures = {
            name: benchmark(name, settings_of(name, Path(folder), arguments.device), arguments)
            for name in arguments.models or installed()
        }
    print(json.dumps({"models": figures}))


def parsed() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="samples only, below 50 s")
    parser.add_argument("--full", action="store_true", help="nothing is sampled")
    parser.add_argument("--models", nargs="+", help="names of potentials; default: installed ones")
    parser.add_argument("--crystals", nargs="+", choices=CRYSTALS, help="some of them only")
    parser.add_argument("--threads", type=int, default=int(os.environ["OMP_NUM_THREADS"]))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--cpu-time", action="store_true", help="for machines with other work")
    arguments = parser.parse_args()
    arguments.clock = time.process_time if arguments.cpu_time else time.perf_counter
    return arguments


def installed() -> list[str]:
    """Potentials of each family whose package is in this interpreter."""
    found = []
    for family in names("models"):
        module = find("models", family)
        if family not in CALCULATORS:
            continue
        try:
            version(module.PACKAGE)
        except PackageNotFoundError:
            continue
        found += MEASURED.get(family, (module.DEFAULT,))
    return found


def settings_of(name: str, folder: Path, device: str) -> ModelSettings:
    """Return the settings of a potential by its name."""
    elements = ("Li", "O", "Zn", "Se", "Br")
    if name == "mace-random":
        path = write_random_mace(folder / "random.model", elements=elements, like_mpa_0=True)
    elif name == "m3gnet-random":
        size = {"dim_node_embedding": 64, "dim_edge_embedding": 64, "units": 64, "nblocks": 3}
        path = write_random_m3gnet(folder / "random", element_types=elements, **size)
    else:
        return model_named(name).model_copy(update={"device": device})
    return ModelSettings(family=name.removesuffix("-random"), weights=path, device=device)


def is_random(name: str) -> bool:
    """Say whether a network has weights that make no stable crystal."""
    return name.endswith("-random")


def benchmark(name: str, settings: ModelSettings, arguments: argparse.Namespace) -> dict[str, Any]:
    """All figures of one potential, in the default types and in float32 and float64."""
    dtype, build = CALCULATORS[settings.family]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the packages' own advice on accelerators
        calculator = build(settings.model_copy(update={"dtype": dtype}))
    module = find("models", settings.family)
    default = RANDOM.fc3_dtype or dtype
    ours = {
        each: module.load(settings.model_copy(update={"dtype": each}))
        for each in dict.fromkeys((dtype, default, "float64"))
    }
    print(f"\n{name}, its own calculator in {dtype}")
    found = {
        each: compare_evaluations(settings.family, force_field, calculator, arguments)
        for each, force_field in ours.items()
    }
    routes = compare_force_constants(name, ours, calculator, arguments)
    by_type = {each: {**found[each], **routes[each]} for each in ours}
    return {"dtype": dtype, **found[dtype], **routes[default], **by_type}


def compare_evaluations(
    family: str, force_field: Any, calculator: Any, arguments: argparse.Namespace
) -> dict[str, Any]:
    """Evaluate the same displaced supercells both ways, alternately, and take the best times."""
    crystal, diagonal = CRYSTALS["LiBr"]
    matrix = np.diag(diagonal)
    cells = displace_for_fc3(lattice_dynamics(crystal, matrix, matrix), RANDOM)[:SAMPLE]
    clock = arguments.clock
    force_field.evaluate(cells[:2])  # the first calls compile
    in_a_loop(calculator, cells[:2])
    ours = theirs = np.inf
    split: dict[str, float] = {}
    for _ in range(1 if arguments.quick else 3):
        with watched(family, type(force_field), clock) as parts:
            seconds, forces = time_of(clock, lambda: force_field.evaluate(cells).forces)
        if seconds < ours:
            ours, split = seconds, {**parts, "Python": seconds - sum(parts.values())}
        seconds, reference = time_of(clock, lambda: in_a_loop(calculator, cells))
        theirs = min(theirs, seconds)
    difference = float(np.abs(as_array(forces) - as_array(reference)).max())
    shares = ", ".join(f"{part} {1e3 * value / len(cells):.2g}" for part, value in split.items())
    print(
        f"  {force_field.dtype}: {len(cells)} cells of {len(cells[0])} atoms, {ours / len(cells):.3f}"
        f" s a cell, the calculator {theirs / len(cells):.3f} s: {theirs / ours:.2f} times; forces "
        f"differ by {difference:.1e} eV/Å\n    of ours, ms a cell: {shares}",
        flush=True,
    )
    figures = {"evaluation_speedup": theirs / ours, "max_force_difference": difference}
    batched = torch_sim_model(family, force_field) if find_spec("torch_sim") else None
    if batched is not None:
        seconds = with_torch_sim(batched, cells, clock)
        figures["torch_sim_speedup"] = seconds / ours
        print(f"    torch-sim {seconds / len(cells):.3f} s a cell: {seconds / ours:.2f} times")
    return figures


def torch_sim_model(family: str, force_field: Any) -> Any:
    """Return the family's wrapper for torch-sim, None where the two versions do not fit."""
    try:
        if family == "mace":
            from torch_sim.models.mace import MaceModel

            return MaceModel(force_field.model, device=force_field.device, dtype=force_field.dtype)
        if family == "sevennet" and str(force_field.dtype) == "torch.float32":
            from sevenn.torchsim import SevenNetModel

            return SevenNetModel("7net-0", device=force_field.device)
    except ImportError as error:
        print(f"    torch-sim: {error}")
    return None


def with_torch_sim(model: Any, cells: Sequence[Crystal], clock: Clock) -> float:
    """Seconds for the cells as one batch of torch-sim."""
    import torch_sim

    state = torch_sim.initialize_state(list(map(to_ase, cells)), model.device, model.dtype)
    model(state)
    return min(time_of(clock, lambda: model(state))[0] for _ in range(2))


def compare_force_constants(
    name: str, ours: dict[str, ForceField], calculator: Any, arguments: argparse.Namespace
) -> dict[str, dict[str, Any]]:
    """Time both routes from fc2 to fc3, and compare κ where both are complete; by our type."""
    found: dict[str, dict[str, Any]] = {
        dtype: {"force_constants_speedups": {}, "kappa_differences": {}} for dtype in ours
    }
    for formula in arguments.crystals or (["LiBr"] if arguments.quick else CRYSTALS):
        crystal, diagonal = CRYSTALS[formula]
        sampled = arguments.quick or (formula in SAMPLED and not arguments.full)
        stable = not is_random(name)
        if stable and not arguments.quick:
            crystal = relax(crystal, ours["float64"], RelaxationSettings()).crystal
        harmonic = harmonic_of(crystal, np.diag(diagonal), ours["float64"])
        count, slow, exact = by_differences(
            harmonic, calculator, SAMPLE if sampled else None, arguments.clock
        )
        reference = conductivity(exact) if stable and not sampled else None
        print(
            f"  {formula}: {count} cells of finite differences in a loop {slow:.1f} s"
            + (" (scaled from a sample)" if sampled else "")
            + (f", κ {reference:.4g} W/m/K" if reference else ""),
            flush=True,
        )
        for dtype, force_field in ours.items():
            limit = SAMPLE if arguments.quick else None
            number, fast, fitted = at_random(harmonic, force_field, limit, arguments.clock)
            found[dtype]["force_constants_speedups"][formula] = slow / fast
            line = f"    {dtype}: {number} random ones {fast:.1f} s, {slow / fast:.1f} times"
            if reference:
                kappa = conductivity(fitted)
                found[dtype]["kappa_differences"][formula] = abs(kappa / reference - 1)
                line += f", κ {kappa:.4g} W/m/K ({kappa / reference - 1:+.2%})"
            print(line, flush=True)
    for figures in found.values():
        speedups, differences = figures["force_constants_speedups"], figures["kappa_differences"]
        figures["force_constants_speedup"] = min(speedups.values(), default=None)
        figures["kappa_difference"] = max(differences.values(), default=None)
    return found


def harmonic_of(crystal: Crystal, matrix: Any, force_field: ForceField) -> ForceConstants:
    """fc2 in the supercell of fc3, the same for both routes."""
    cells = displace_for_fc2(lattice_dynamics(crystal, matrix, matrix), DIFFERENCES)
    forces = SupercellForces(as_array(force_field.evaluate(cells).forces))
    return second_order(crystal, (matrix, matrix), forces, DIFFERENCES)


def by_differences(
    harmonic: ForceConstants, calculator: Any, limit: int | None, clock: Clock
) -> tuple[int, float, ForceConstants]:
    """Finite differences in a loop: number of cells, seconds, fc3 (meaningless if limited)."""
    phono3py = lattice_of(harmonic)
    made, cells = time_of(clock, lambda: displace_for_fc3(phono3py, DIFFERENCES))
    chosen = cells[:: len(cells) // limit][:limit] if limit else cells
    evaluated, forces = time_of(clock, lambda: as_array(in_a_loop(calculator, chosen)))
    forces = np.resize(
        forces, (len(cells), *forces.shape[1:])
    )  # a fit of any numbers takes as long
    fit, found = time_of(clock, lambda: third_order(harmonic, SupercellForces(forces), DIFFERENCES))
    return len(cells), made + evaluated * len(cells) / len(chosen) + fit, found


def at_random(
    harmonic: ForceConstants, force_field: ForceField, limit: int | None, clock: Clock
) -> tuple[int, float, ForceConstants]:
    """Route of the default protocol: number of cells, seconds, fc3 (meaningless if limited)."""
    phono3py = lattice_of(harmonic)
    made, cells = time_of(clock, lambda: displace_for_fc3(phono3py, RANDOM))
    chosen = cells[:limit] if limit else cells
    evaluated, forces = time_of(clock, lambda: as_array(force_field.evaluate(chosen).forces))
    forces = np.resize(forces, (len(cells), *forces.shape[1:]))
    fit, found = time_of(clock, lambda: third_order(harmonic, SupercellForces(forces), RANDOM))
    seconds = made + evaluated * len(cells) / len(chosen) + fit
    pairs = more_pairs(found.fit, RANDOM) if found.fit and not limit else range(0)
    if pairs:  # the fit was poor
        cells = displace_at_random(phono3py, RANDOM, pairs)
        again, more = time_of(clock, lambda: as_array(force_field.evaluate(cells).forces))
        forces = np.concatenate((forces, more))
        fit, found = time_of(clock, lambda: third_order(harmonic, SupercellForces(forces), RANDOM))
        seconds += again + fit
    return len(forces), seconds, found


def lattice_of(harmonic: ForceConstants) -> Any:
    """Return a phono3py object to displace."""
    supercells = harmonic.fc2_supercell, harmonic.fc3_supercell
    return lattice_dynamics(harmonic.unitcell, *supercells, harmonic.primitive_matrix)


def conductivity(force_constants: ForceConstants) -> float:
    """κ at 300 K, trace/3, W/m/K."""
    found = wigner.solve(force_constants, MESH, [300.0], ConductivitySettings())
    return float(np.trace(found.kappa_p[0] + found.kappa_c[0]) / 3)


def in_a_loop(calculator: Any, cells: Sequence[Crystal]) -> tuple[Any, ...]:
    """Evaluate one cell after another by an ASE calculator, with the stress as ours does."""
    forces = []
    for cell in cells:
        atoms = to_ase(cell)
        atoms.calc = calculator
        atoms.get_stress()
        forces.append(atoms.get_forces())
    return tuple(forces)


def to_ase(crystal: Crystal) -> Atoms:
    """Return the crystal as ASE's object."""
    return Atoms(crystal.numbers, crystal.positions, cell=crystal.lattice, pbc=True)


def time_of(clock: Clock, function: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds and result of a call."""
    begin = clock()
    result = function()
    return clock() - begin, result


@contextmanager
def watched(family: str, force_field: Any, clock: Clock) -> Iterator[dict[str, float]]:
    """Seconds of the parts of an evaluation; what is left of it is Python between them."""
    module = find("models", family)
    parts = {"neighbour list": 0.0, "graphs": 0.0, "transfer": 0.0, "model": 0.0}

    def timed(part: str, function: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            inside = parts["graphs"] + parts["transfer"]
            seconds, result = time_of(clock, lambda: read(function(*arguments, **options)))
            parts[part] += seconds - (parts["graphs"] + parts["transfer"] - inside)
            return result

        return call

    places = {
        "neighbour list": (_batched, "copies_of"),
        "graphs": (module, "graphs_of"),
        "transfer": (module, "to_device"),
    }
    with ExitStack() as stack:
        for part, (place, name) in places.items():
            replaced = timed(part, getattr(place, name))
            stack.enter_context(patch.object(place, name, replaced))
        forward = timed("model", force_field.forward)
        stack.enter_context(patch.object(force_field, "forward", forward))
        yield parts


def read(result: Any) -> Any:
    """Let a generator do its work."""
    return list(result) if isinstance(result, Iterator) else result


def _sevennet(settings: ModelSettings) -> Any:
    from sevenn.calculator import SevenNetCalculator

    path = find("models", "sevennet")._checkpoint(settings)
    modal = find("models", "sevennet")._wanted_head(settings)
    return SevenNetCalculator(path, modal=modal, device=settings.device)


def _mace(settings: ModelSettings) -> Any:
    from mace.calculators import MACECalculator

    path = str(find("models", "mace")._weights(settings))
    device = "cpu" if settings.device == "auto" else settings.device
    return MACECalculator(model_paths=path, device=device, default_dtype=settings.dtype)


def _m3gnet(settings: ModelSettings) -> Any:
    from matgl.ext.ase import PESCalculator

    potential = find("models", "m3gnet").load(settings).potential
    return PESCalculator(potential, stress_unit="eV/A3", use_voigt=True)


def _chgnet(_settings: ModelSettings) -> Any:
    from chgnet.model import CHGNetCalculator

    return CHGNetCalculator()


CALCULATORS = {  # family -> type in which its calculator is at its best, and how to build it
    "mace": ("float64", _mace),
    "sevennet": ("float32", _sevennet),  # it can do nothing else
    "chgnet": ("float32", _chgnet),  # neither can this one
    "m3gnet": ("float32", _m3gnet),  # nor this one
}

if __name__ == "__main__":
    main()
