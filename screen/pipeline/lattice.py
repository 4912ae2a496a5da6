"""What the lattice-dynamics stages do: relaxation, displaced supercells, force constants."""

from __future__ import annotations

from typing import Any

import numpy as np

from screen.core.crystal import Crystal
from screen.core.protocols import ForceField, StageInputs
from screen.core.records import Failure, ForceConstants, Record, Relaxed, SupercellForces


def relax_crystal(inputs: StageInputs, force_field: ForceField) -> Relaxed:
    """Stage ``relax``."""
    from screen.physics.relax import relax

    return relax(inputs.candidate.crystal, force_field, inputs.protocol.relaxation)


def converged(inputs: StageInputs, record: Record) -> Failure | None:
    """Gate: only a converged relaxation goes on."""
    relaxed = record
    if not isinstance(relaxed, Relaxed):
        raise TypeError(f"relax needs Relaxed, got {type(record).__name__}")
    if relaxed.converged:
        return None
    settings = inputs.protocol.relaxation
    return Failure(
        "relax",
        "not_converged",
        f"largest force {relaxed.max_force:.2e} eV/Å after {relaxed.steps} steps, wanted "
        f"fmax={settings.fmax:.0e} in {settings.max_steps} steps a stage; raise "
        "relaxation.max_steps or start from a better structure",
    )


def fc2_forces(inputs: StageInputs, force_field: ForceField) -> SupercellForces:
    """Stage ``fc2_forces``."""
    from screen.physics.displacements import displace_for_fc2

    cells = displace_for_fc2(_lattice(inputs), inputs.protocol.displacements)
    return _evaluated(force_field, cells)


def fc3_forces(inputs: StageInputs, force_field: ForceField) -> SupercellForces:
    """Stage ``fc3_forces``."""
    from screen.physics.displacements import displace_for_fc3

    cells = displace_for_fc3(_lattice(inputs), inputs.protocol.displacements)
    return _evaluated(force_field, cells)


def more_fc3_forces(inputs: StageInputs, force_field: ForceField) -> SupercellForces:
    """Stage ``fc3_more_forces``: those that a poor fit lacks, none for a good one."""
    from screen.physics.random_displacements import displace_at_random

    if fit_is_good(inputs):
        return SupercellForces(np.empty((0, 0, 3)))
    settings = inputs.protocol.displacements
    return _evaluated(force_field, displace_at_random(_lattice(inputs), settings, _lacking(inputs)))


def fit_is_good(inputs: StageInputs) -> bool:
    """Say whether ``fc3_more_forces`` has nothing to evaluate."""
    return len(_lacking(inputs)) == 0


def fc2(inputs: StageInputs, _: ForceField) -> ForceConstants:
    """Stage ``fc2``."""
    from screen.physics.force_constants import second_order
    from screen.physics.supercells import supercell_matrices

    relaxed = inputs.get("relax", Relaxed).crystal
    settings = inputs.protocol.displacements
    matrices = supercell_matrices(relaxed, inputs.candidate.hints, settings)
    return second_order(relaxed, matrices, inputs.get("fc2_forces", SupercellForces), settings)


def fc3_fit(inputs: StageInputs, _: ForceField) -> ForceConstants:
    """Stage ``fc3_fit``: force constants from the forces of ``fc3_forces``."""
    return _third_order(inputs, inputs.get("fc3_forces", SupercellForces))


def fc3(inputs: StageInputs, _: ForceField) -> ForceConstants:
    """Stage ``fc3``: the record of ``fc3_fit``, or the fit to all forces where there are more.

    Raises
    ------
    ForceConstantsError
        All supercells together do not determine fc3.
    """
    from screen.physics.force_constants import require_third_order

    more = inputs.get("fc3_more_forces", SupercellForces).forces
    if len(more) == 0:
        found = inputs.get("fc3_fit", ForceConstants)
    else:
        first = inputs.get("fc3_forces", SupercellForces).forces
        found = _third_order(inputs, SupercellForces(np.concatenate((first, more))))
    require_third_order(found)
    return found


def _third_order(inputs: StageInputs, forces: SupercellForces) -> ForceConstants:
    from screen.physics.force_constants import third_order

    harmonic = inputs.get("fc2", ForceConstants)
    return third_order(harmonic, forces, inputs.protocol.displacements)


def _lacking(inputs: StageInputs) -> range:
    """Numbers of the pairs of randomly displaced supercells that ``fc3_fit`` lacks."""
    from screen.physics.fit import more_pairs

    fit = inputs.get("fc3_fit", ForceConstants).fit
    return range(0) if fit is None else more_pairs(fit, inputs.protocol.displacements)


def _lattice(inputs: StageInputs) -> Any:
    """Return a phono3py object for the relaxed crystal."""
    from screen.physics.displacements import lattice_dynamics
    from screen.physics.supercells import supercell_matrices

    relaxed = inputs.get("relax", Relaxed).crystal
    matrices = supercell_matrices(relaxed, inputs.candidate.hints, inputs.protocol.displacements)
    return lattice_dynamics(relaxed, *matrices)


def _evaluated(force_field: ForceField, cells: list[Crystal]) -> SupercellForces:
    from screen.physics.displacements import as_array

    return SupercellForces(as_array(force_field.evaluate(cells).forces))
