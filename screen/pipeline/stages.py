"""The pipeline as data: what each stage needs, where it runs, and what decides its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from screen.core.digest import digest_of_arrays, digest_of_json
from screen.core.protocols import ForceField, StageInputs
from screen.core.records import Candidate, Failure, Record
from screen.core.registry import find, names
from screen.core.settings import Protocol
from screen.pipeline import lattice

Resource = Literal["model", "cpu"]


@dataclass(frozen=True)
class Stage:
    """One step of the pipeline.

    ``resource`` is where it runs: ``model`` needs the potential, ``cpu`` any core. ``settings``
    is the part of the protocol that decides the result. ``divide`` says into how many parts the
    work is best divided; ``run`` then finds the records of ``run_part`` in ``inputs.parts``.
    ``idle`` says whether a stage that needs the potential has nothing to ask it: then it runs on
    any core. ``dtype`` is the precision that the protocol wants of the potential here, if another
    than its own. ``gate`` looks at the record and says why later stages must not use it. A ``run``
    that returns the record of an earlier stage stores no second copy. ``revision`` goes up when
    the computation changes.
    """

    name: str
    resource: Resource
    needs: tuple[str, ...]
    settings: Callable[[Protocol], Mapping[str, Any]]
    run: Callable[[StageInputs, ForceField], Record]
    divide: Callable[[StageInputs], int] | None = None  # into how many parts
    run_part: Callable[[StageInputs, int, int], Record] | None = None
    idle: Callable[[StageInputs], bool] | None = None
    dtype: Callable[[Protocol], Literal["float32"] | None] = lambda protocol: None
    gate: Callable[[StageInputs, Record], Failure | None] | None = None
    row: Callable[[StageInputs, Record], Mapping[str, Any]] | None = None
    revision: int = 1


def pipeline_for(properties: Sequence[str]) -> tuple[Stage, ...]:
    """Stages that the properties need, needs first.

    Raises
    ------
    UnknownAdapterError
        A property is unknown.
    """
    stages = {stage.name: stage for stage in _LATTICE}
    wanted = [table_name(name) for name in properties]
    for name in _with_needed(["stability", *properties]):
        stages.update({stage.name: stage for stage in _property_stages(name)})
    return _ordered([stages[name] for name in stages if name in _closure(wanted, stages)])


def _with_needed(properties: Sequence[str]) -> list[str]:
    """Properties, and those whose records they read."""
    found = dict.fromkeys(properties)
    waiting = list(properties)
    while waiting:
        needs = find("properties", waiting.pop()).NEEDS
        new = [name for name in names("properties") if name in needs and name not in found]
        found.update(dict.fromkeys(new))
        waiting.extend(new)
    return list(found)


def _ordered(stages: Sequence[Stage]) -> tuple[Stage, ...]:
    """Put needs first and keep stages on one resource together.

    Together, because a walk stops where it lacks the next resource: the fewer changes, the
    fewer tasks a material takes.
    """
    waiting, ordered, resource = list(stages), list[Stage](), ""
    while waiting:
        done = {stage.name for stage in ordered}
        ready = [stage for stage in waiting if done.issuperset(stage.needs)]
        chosen = next((stage for stage in ready if stage.resource == resource), ready[0])
        waiting.remove(chosen)
        ordered.append(chosen)
        resource = chosen.resource
    return tuple(ordered)


def keys_of(
    candidate: Candidate, model_digest: str, protocol: Protocol, stages: Sequence[Stage]
) -> dict[str, str]:
    """Artifact key of each stage: a digest of everything that decides its result."""
    hints = candidate.hints
    root = {
        "crystal": candidate.crystal.digest,
        "hints": [
            None if hint is None else digest_of_arrays(hint)
            for hint in (hints.fc2_supercell, hints.fc3_supercell, hints.mesh)
        ],
        "model": model_digest,
    }
    keys: dict[str, str] = {}
    for stage in stages:
        keys[stage.name] = digest_of_json(
            {
                "stage": stage.name,
                "revision": stage.revision,
                "settings": dict(stage.settings(protocol)),
                "needs": [keys[name] for name in stage.needs],
                "root": root,
            }
        )
    return keys


def _closure(wanted: Sequence[str], stages: Mapping[str, Stage]) -> set[str]:
    needed: set[str] = set()
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting.extend(stages[name].needs)
    return needed


def table_name(name: str) -> str:
    """Name of a property's stage and table: the last part of an import path."""
    return name.rpartition(".")[2]


def _property_stages(adapter: str) -> list[Stage]:
    """Stages of a property: ``<name>_cells`` where it needs the potential, and ``<name>``."""
    module = find("properties", adapter)
    name = table_name(adapter)
    computed = Stage(
        name,
        "cpu",
        module.NEEDS,
        module.settings,
        lambda inputs, _: module.compute(inputs),
        divide=getattr(module, "divide", None),
        run_part=getattr(module, "compute_part", None),
        gate=getattr(module, "gate", None),
        row=module.row,
    )
    if module.measure is None:
        return [computed]
    needs = tuple(need for need in module.NEEDS if need in {"relax", "fc2"})
    measured = Stage(
        f"{name}_cells", "model", (*needs, "stability"), module.measure_settings, module.measure
    )
    return [measured, computed]


# ---------------------------------------------------------------- the lattice-dynamics stages


def _relaxation_settings(protocol: Protocol) -> Mapping[str, Any]:
    return protocol.relaxation.model_dump(mode="json")


def _fc2_settings(protocol: Protocol) -> Mapping[str, Any]:
    return protocol.displacements.model_dump(
        mode="json",
        include={"supercells", "fc2_minimum_image", "fc3_minimum_image", "distance"},
    )


def _fc3_settings(protocol: Protocol) -> Mapping[str, Any]:
    limits = {"max_fit_error", "max_fit_condition"}
    return protocol.displacements.model_dump(mode="json", exclude=limits)


def _fc3_dtype(protocol: Protocol) -> Literal["float32"] | None:
    return protocol.displacements.fc3_dtype


def _all_fc3_settings(protocol: Protocol) -> Mapping[str, Any]:
    return protocol.displacements.model_dump(mode="json")


_LATTICE = (
    Stage(
        "relax", "model", (), _relaxation_settings, lattice.relax_crystal, gate=lattice.converged
    ),
    Stage("fc2_forces", "model", ("relax",), _fc2_settings, lattice.fc2_forces),
    Stage("fc2", "cpu", ("relax", "fc2_forces"), _fc2_settings, lattice.fc2),
    Stage(
        "fc3_forces",
        "model",
        ("relax", "stability"),
        _fc3_settings,
        lattice.fc3_forces,
        dtype=_fc3_dtype,
    ),
    Stage("fc3_fit", "cpu", ("fc2", "fc3_forces"), _fc3_settings, lattice.fc3_fit),
    Stage(
        "fc3_more_forces",
        "model",
        ("relax", "fc3_fit"),
        _all_fc3_settings,
        lattice.more_fc3_forces,
        idle=lattice.fit_is_good,
        dtype=_fc3_dtype,
    ),
    Stage(
        "fc3",
        "cpu",
        ("fc2", "fc3_forces", "fc3_fit", "fc3_more_forces"),
        _fc3_settings,
        lattice.fc3,
    ),
)
