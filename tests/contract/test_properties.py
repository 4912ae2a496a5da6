"""Every property, one contract: its columns, its settings, and the row of a real tiny crystal."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from screen.core.protocols import StageInputs
from screen.core.records import Candidate, Record, SupercellForces
from screen.core.registry import find, names
from screen.core.settings import Protocol, protocol_named
from screen.pipeline.campaign import property_columns
from screen.pipeline.stages import pipeline_for
from screen.pipeline.walk import Task, walk
from screen.store.artifacts import Artifacts
from screen.store.layout import artifacts_folder
from tests.crystals import rocksalt
from tests.pipeline.campaigns import tiny

PROPERTIES = names("properties")
PYTHON_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "VARCHAR": str,
    "DOUBLE": float,
    "BIGINT": int,
    "BOOLEAN": bool,
    "DOUBLE[]": list,
    "DOUBLE[6][]": list,
    "DOUBLE[3][]": list,
    "BIGINT[]": list,
    "VARCHAR[]": list,
}

OF_A_FIT = {
    "fc3_supercells",
    "fc3_fit_condition",
    "fc3_held_out_error",
    "fc3_held_out_relative",
    "fc3_fit_poor",
    "fc3_cutoff",
}
"""Columns that finite differences, which this crystal has, leave empty."""


@pytest.fixture(params=PROPERTIES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def module(name: str) -> ModuleType:
    return find("properties", name)


@dataclass(frozen=True)
class Computed:
    """One crystal of springs with every property, computed as a worker does it."""

    inputs: StageInputs
    rows: Mapping[str, Mapping[str, Any]]
    records: Mapping[str, Record]


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Computed:
    folder = tmp_path_factory.mktemp("property")
    campaign = tiny(folder, folder, properties=PROPERTIES)
    candidate = Candidate("LiBr", "test", rocksalt(5.9))
    task = Task(
        candidate=candidate,
        model=campaign.models[0],
        model_digest="springs",
        protocol=campaign.protocol,
        properties=campaign.properties,
        run=folder,
    )
    progress = walk(frozenset({"cpu", "model:springs"}), lambda stage: None, task)
    outcome = progress.outcome
    assert outcome is not None
    assert outcome.status == "complete", outcome.failures
    artifacts = Artifacts(artifacts_folder(folder))
    records = {stage: artifacts.read(stage, key) for stage, key in outcome.artifacts.items()}
    assert None not in records.values()
    inputs = StageInputs(candidate, campaign.protocol, records)  # type: ignore[arg-type]
    return Computed(inputs, outcome.rows, records)  # type: ignore[arg-type]


def test_columns_are_named_once_and_say_what_they_are(name: str, module: ModuleType) -> None:
    columns = module.COLUMNS
    assert len({column.name for column in columns}) == len(columns)
    for column in columns:
        assert column.sql_type in PYTHON_TYPES
        assert column.label
        assert column.description.endswith(".")


def test_no_two_properties_share_a_column() -> None:
    """They meet in the view ``results``."""
    tables = property_columns(PROPERTIES)
    found = [column.name for columns in tables.values() for column in columns]
    assert sorted(found) == sorted(set(found))


def test_needs_are_stages_of_the_pipeline(name: str, module: ModuleType) -> None:
    stages = [stage.name for stage in pipeline_for([name])]
    assert set(module.NEEDS) <= set(stages)
    assert stages[-1] == name
    assert (f"{name}_cells" in stages) is (module.measure is not None)


@pytest.mark.parametrize("protocol", ["ksrme-2024", "screen", "quick"])
def test_settings_are_plain_values_for_a_digest(module: ModuleType, protocol: str) -> None:
    parts = [module.settings(protocol_named(protocol))]
    if module.measure is not None:
        parts.append(module.measure_settings(protocol_named(protocol)))
    for part in parts:
        assert json.loads(json.dumps(part, allow_nan=False)) == part


def changed(protocol: Protocol, part: str, **changes: Any) -> Protocol:
    inner = getattr(protocol, part).model_copy(update=changes)
    return protocol.model_copy(update={part: inner})


def test_settings_hold_what_decides_the_result() -> None:
    """A part of the protocol that a property reads must change its artifact's key."""
    quick = protocol_named("quick")
    cold = quick.model_copy(update={"temperatures": (50.0,)})
    cases = {
        "stability": [changed(quick, "stability", tolerance=0.3)],
        "conductivity": [
            cold,
            changed(quick, "conductivity", isotopes=False),
            changed(quick, "conductivity", boundary_mean_free_path=None),
            changed(quick, "conductivity", solver="phono3py"),
        ],
        "expansion": [
            changed(quick, "expansion", temperatures=(50.0,)),
            changed(
                quick, "expansion", mesh=quick.expansion.mesh.model_copy(update={"length": 9.0})
            ),
        ],
    }
    cases["strained_gruneisen"] = cases["expansion"]
    cases["qha"] = [changed(quick, "qha", temperatures=(0.0, 50.0, 100.0, 150.0))]
    assert set(cases) <= set(PROPERTIES)
    for name, protocols in cases.items():
        module = find("properties", name)
        for protocol in protocols:
            assert module.settings(protocol) != module.settings(quick)
    strained = changed(quick, "expansion", strain=0.01)
    wider = changed(quick, "qha", volume_strains=(-0.02, 0.0, 0.02, 0.04, 0.06))
    for name, protocol in (
        ("expansion", strained),
        ("expansion", changed(quick, "expansion", gruneisen="fc3")),
        ("strained_gruneisen", strained),
        ("qha", wider),
    ):
        module = find("properties", name)
        assert module.measure_settings(protocol) != module.measure_settings(quick)


def test_a_row_has_exactly_the_declared_columns_with_values_of_their_types(
    name: str, module: ModuleType, computed: Computed
) -> None:
    row = computed.rows[name]
    assert row.keys() == {column.name for column in module.COLUMNS}
    for column in module.COLUMNS:
        value = row[column.name]
        if value is None and column.name in OF_A_FIT:
            continue
        assert isinstance(value, PYTHON_TYPES[column.sql_type]), column.name
        for number in np.ravel(value).tolist():
            assert not isinstance(number, float) or math.isfinite(number), column.name
        if column.sql_type == "DOUBLE[6][]":
            assert np.shape(value)[1:] == (6,)


def test_computing_again_from_the_same_records_gives_the_same_row(
    name: str, module: ModuleType, computed: Computed
) -> None:
    """``compute`` is pure: it looks at nothing but its inputs."""
    record = module.compute(computed.inputs)
    assert type(record) is type(computed.records[name])
    again = module.row(computed.inputs, record)
    numbers = {column.name for column in module.COLUMNS if "DOUBLE" in column.sql_type}
    for column, value in computed.rows[name].items():
        if column in numbers and value is not None:
            np.testing.assert_allclose(again[column], value, rtol=1e-9, err_msg=column)
        else:
            assert again[column] == value, column


def test_the_record_of_another_stage_is_refused(module: ModuleType, computed: Computed) -> None:
    with pytest.raises(TypeError, match="SupercellForces"):
        module.row(computed.inputs, SupercellForces(np.zeros((1, 1, 3))))


def test_a_temperature_outside_the_grid_is_absent_not_guessed(computed: Computed) -> None:
    for name, columns in (
        (
            "conductivity",
            (
                *("kappa_300", "kappa_p_300", "kappa_c_300"),
                *("wave_like_share_300", "overdamped_share_300", "median_mean_free_path_300"),
            ),
        ),
        ("expansion", ("expansion_300", "gruneisen_300", "heat_capacity_300")),
        ("strained_gruneisen", ("gruneisen_strained_300", "expansion_strained_300")),
    ):
        module = find("properties", name)
        cold = {"temperatures": (100.0, 200.0)}
        protocol = changed(computed.inputs.protocol.model_copy(update=cold), "expansion", **cold)
        inputs = StageInputs(computed.inputs.candidate, protocol, computed.records)
        row = module.row(inputs, module.compute(inputs))
        assert [row[column] for column in columns] == [None] * len(columns)


def test_figures_of_one_crystal_agree_with_each_other(computed: Computed) -> None:
    """κ = κ_P + κ_C, the tensor's mean, Dulong and Petit, stable as it is."""
    kappa, stability = computed.rows["conductivity"], computed.rows["stability"]
    expansion, strained = computed.rows["expansion"], computed.rows["strained_gruneisen"]
    assert kappa["kappa_300"] == pytest.approx(kappa["kappa_p_300"] + kappa["kappa_c_300"])
    assert kappa["kappa_300"] == kappa["kappa"][kappa["temperatures"].index(300.0)]
    assert kappa["wave_like_share_300"] >= 0
    assert kappa["overdamped_share_300"] >= 0
    assert kappa["wave_like_share_300"] + kappa["overdamped_share_300"] < 1
    assert 0.1 < kappa["median_mean_free_path_300"] < 1000  # nm: above an atom, below a grain
    tensor = np.array(kappa["kappa_tensor"])
    np.testing.assert_allclose(tensor[:, :3].mean(axis=1), kappa["kappa"])
    assert stability["stable"] is True
    assert stability["space_group"] == stability["space_group_before"] == 225
    assert 0.8 < expansion["heat_capacity_300"] / (3 * 8.617333e-5) < 1  # of 3 k_B per atom
    at_300 = expansion["expansion_temperatures"].index(300.0)
    assert expansion["expansion"][at_300] == expansion["expansion_300"] > 0
    # α_V = γ C / (V B) with the figures of the row
    volume, modulus = stability["volume_per_atom"], expansion["bulk_modulus"] / 160.21766
    alpha = expansion["gruneisen_300"] * expansion["heat_capacity_300"] / (volume * modulus) / 3
    assert expansion["expansion_300"] == pytest.approx(alpha, rel=1e-4)
    # the same elastic tensor and heat capacity with the other γ
    ratio = expansion["gruneisen_fc3_300"] / strained["gruneisen_strained_300"]
    assert strained["gruneisen_deviation_300"] == pytest.approx(ratio - 1)
    third_order = expansion["expansion_fc3_300"] / strained["expansion_strained_300"]
    assert third_order == pytest.approx(ratio, rel=1e-4)
    # fc3 of this narrow supercell is off; strained cells agree however many strains they take (δ²)
    assert ratio > 1.1
    assert expansion["gruneisen_300"] == pytest.approx(strained["gruneisen_strained_300"], rel=2e-3)
