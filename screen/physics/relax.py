"""Two-stage symmetric relaxation of a crystal with any force field.

Stage 1 keeps the space group, stage 2 lets it go; a structure whose space group changed in
stage 2 is given back as stage 1 left it (Póta et al., arXiv 2408.00755, SI; protocol of k_SRME).
A protocol may leave stage 2 out, as matbench-discovery does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from ase.calculators.calculator import Calculator, all_changes
from ase.constraints import FixSymmetry
from ase.filters import FrechetCellFilter
from ase.optimize import FIRE
from ase.stress import full_3x3_to_voigt_6_stress

from screen.core.crystal import Crystal, FloatArray
from screen.core.protocols import ForceField
from screen.core.records import Relaxed
from screen.core.settings import RelaxationSettings
from screen.physics.convert import from_ase, to_ase
from screen.physics.symmetry import conventional_cell, space_group


class ForceFieldCalculator(Calculator):
    """A force field as ASE calculator, one crystal at a time."""

    implemented_properties = ["energy", "forces", "stress"]  # noqa: RUF012  # as ASE declares it

    def __init__(self, force_field: ForceField) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # ASE
        self._force_field = force_field

    def calculate(
        self,
        atoms: Any = None,
        properties: Any = None,
        system_changes: Any = all_changes,
    ) -> None:
        """Evaluate the crystal; called by ASE."""
        super().calculate(atoms, properties, system_changes)  # type: ignore[no-untyped-call]  # ASE
        evaluation = self._force_field.evaluate([from_ase(atoms)])
        self.results = {
            "energy": float(evaluation.energies[0]),
            "forces": np.array(evaluation.forces[0]),
            "stress": full_3x3_to_voigt_6_stress(evaluation.stresses[0]),
        }


@dataclass(frozen=True)
class _Stage:
    """Where one optimisation ended."""

    crystal: Crystal
    energy: float  # eV
    stress: FloatArray  # (3, 3) eV/Å³
    max_force: float  # eV/Å
    steps: int
    converged: bool


def relax(crystal: Crystal, force_field: ForceField, settings: RelaxationSettings) -> Relaxed:
    """Relax cell and positions to ``settings.fmax`` in at most ``max_steps`` steps a stage.

    Raises
    ------
    RelaxationError
        The crystal has no space group that spglib can find.
    MaterialError
        The force field refuses the crystal.
    """
    start = conventional_cell(crystal) if settings.standardize else crystal
    before = space_group(start, settings.symprec)
    first = optimise(start, force_field, settings, fix_symmetry=True)
    stages = [first]
    if settings.free_stage:
        stages.append(optimise(first.crystal, force_field, settings, fix_symmetry=False))
    last = stages[-1]
    kept = last if space_group(last.crystal, settings.symprec) == before else first
    return Relaxed(
        crystal=kept.crystal,
        energy=kept.energy,
        stress=kept.stress,
        max_force=kept.max_force,
        space_group_before=before,
        space_group_after=space_group(kept.crystal, settings.symprec),
        steps=sum(stage.steps for stage in stages),
        converged=kept.converged,
    )


def relax_ions(crystal: Crystal, force_field: ForceField, settings: RelaxationSettings) -> _Stage:
    """Relax the ions in a cell that is held; see ``optimise``."""
    clamped = settings.model_copy(update={"cell_mask": (False,) * 6})
    # FixSymmetry would turn a strained cell to a standard orientation
    return optimise(crystal, force_field, clamped, fix_symmetry=False)


def optimise(
    crystal: Crystal,
    force_field: ForceField,
    settings: RelaxationSettings,
    fix_symmetry: bool,
    constant_volume: bool = False,
) -> _Stage:
    """Run FIRE on positions and cell (ASE's Fréchet cell filter)."""
    atoms = to_ase(crystal)
    atoms.calc = ForceFieldCalculator(force_field)
    if fix_symmetry:
        atoms.set_constraint(FixSymmetry(atoms))
    target = FrechetCellFilter(
        atoms, mask=[int(free) for free in settings.cell_mask], constant_volume=constant_volume
    )
    optimiser = FIRE(target, logfile=None)
    converged = bool(optimiser.run(fmax=settings.fmax, steps=settings.max_steps))
    return _Stage(
        crystal=from_ase(atoms),
        energy=float(atoms.get_potential_energy()),
        stress=np.asarray(atoms.get_stress(voigt=False, apply_constraint=False)),
        max_force=float(np.linalg.norm(atoms.get_forces(apply_constraint=False), axis=1).max()),
        steps=int(optimiser.nsteps),
        converged=converged,
    )
