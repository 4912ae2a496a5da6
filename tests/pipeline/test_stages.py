"""The pipeline as data: order, closure and keys."""

from itertools import pairwise

import pytest

from screen.core.errors import UnknownAdapterError
from screen.core.records import Candidate
from screen.core.registry import names
from screen.core.settings import protocol_named
from screen.pipeline.stages import keys_of, pipeline_for
from tests.crystals import rocksalt

QUICK = protocol_named("quick")
ALL = pipeline_for(names("properties"))


def changed(**changes: object) -> set[str]:
    """Stages whose key changes when these parts of the protocol change."""
    candidate = Candidate("a", "files", rocksalt())
    before = keys_of(candidate, "model", QUICK, ALL)
    after = keys_of(candidate, "model", QUICK.model_copy(update=changes), ALL)
    return {stage for stage in before if before[stage] != after[stage]}


def test_needs_come_first_and_the_model_is_left_as_rarely_as_possible() -> None:
    seen: set[str] = set()
    for stage in ALL:
        assert seen.issuperset(stage.needs)
        seen.add(stage.name)
    resources = [stage.resource for stage in ALL]
    changes = sum(a != b for a, b in pairwise(resources))
    assert changes == 5  # model, cpu, gate, model, cpu, model for a poor fit, cpu
    resources = [stage.resource for stage in ALL if stage.idle is None]
    assert sum(a != b for a, b in pairwise(resources)) == 3


def test_nothing_third_order_runs_before_the_stability_gate() -> None:
    order = [stage.name for stage in ALL]
    assert order.index("stability") < order.index("fc3_forces")
    assert "stability" in next(stage.needs for stage in ALL if stage.name == "fc3_forces")


def test_only_the_stages_of_the_wanted_property_run() -> None:
    assert [stage.name for stage in pipeline_for(["stability"])] == [
        "relax",
        "fc2_forces",
        "fc2",
        "stability",
    ]
    assert "expansion_cells" not in {stage.name for stage in pipeline_for(["conductivity"])}


def test_a_property_that_another_one_reads_is_computed_too() -> None:
    order = [stage.name for stage in pipeline_for(["strained_gruneisen"])]
    assert order.index("expansion") < order.index("strained_gruneisen")
    assert "conductivity" not in order


def test_an_unknown_property_lists_the_known_ones() -> None:
    with pytest.raises(UnknownAdapterError, match="conductivity"):
        pipeline_for(["conductance"])


def test_another_temperature_grid_recomputes_only_what_depends_on_it() -> None:
    assert changed(temperatures=(300.0,)) == {"conductivity"}
    expansion = QUICK.expansion.model_copy(update={"temperatures": (300.0,)})
    assert changed(expansion=expansion) == {"expansion", "strained_gruneisen", "qha"}


def test_other_volumes_recompute_only_the_quasi_harmonic_approximation() -> None:
    volumes = QUICK.qha.model_copy(update={"volume_strains": (-0.01, 0.0, 0.01, 0.02, 0.03)})
    assert changed(qha=volumes) == {"qha_cells", "qha"}
    temperatures = QUICK.qha.model_copy(update={"temperatures": (0.0, 100.0, 200.0, 300.0)})
    assert changed(qha=temperatures) == {"qha"}


def test_another_distance_keeps_the_relaxation() -> None:
    displacements = QUICK.displacements.model_copy(update={"distance": 0.02})
    assert changed(displacements=displacements) == {stage.name for stage in ALL} - {"relax"}


def test_another_seed_keeps_the_harmonic_part() -> None:
    displacements = QUICK.displacements.model_copy(update={"seed": 1})
    assert changed(displacements=displacements) == {
        "fc3_forces",
        "fc3_fit",
        "fc3_more_forces",
        "fc3",
        "conductivity",
        "expansion",
        "strained_gruneisen",
        "qha",
    }


def test_another_limit_for_the_fit_keeps_the_first_forces() -> None:
    displacements = QUICK.displacements.model_copy(update={"max_fit_error": 0.01})
    found = changed(displacements=displacements)
    assert {"fc3_more_forces", "fc3"} < found
    assert found.isdisjoint({"fc3_forces", "fc3_fit"})


def test_another_model_or_crystal_recomputes_everything() -> None:
    here = Candidate("a", "files", rocksalt())
    keys = keys_of(here, "model", QUICK, ALL)
    for other in (
        keys_of(here, "other", QUICK, ALL),
        keys_of(Candidate("a", "files", rocksalt(5.6)), "model", QUICK, ALL),
    ):
        assert all(keys[stage] != other[stage] for stage in keys)


def test_the_name_of_a_material_does_not_decide_its_results() -> None:
    one = keys_of(Candidate("a", "files", rocksalt()), "model", QUICK, ALL)
    assert one == keys_of(Candidate("b", "benchmark", rocksalt()), "model", QUICK, ALL)
