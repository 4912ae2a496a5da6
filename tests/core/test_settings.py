"""Protocols are named, validated and hashed; campaign files say what is wrong with them."""

from pathlib import Path

import pytest

from screen.core.errors import SettingsError, UnknownAdapterError
from screen.core.registry import find, names
from screen.core.settings import (
    PROTOCOLS,
    RelaxationSettings,
    campaign_from,
    protocol_named,
    read_campaign,
)

MINIMAL = {"name": "x", "source": "benchmark", "model": "springs", "protocol": "quick"}


def test_protocols_have_distinct_digests_that_ignore_name_and_description() -> None:
    digests = {protocol.digest for protocol in PROTOCOLS.values()}
    assert len(digests) == len(PROTOCOLS)
    quick = protocol_named("quick")
    assert quick.model_copy(update={"name": "other", "description": "y"}).digest == quick.digest


def test_the_benchmark_protocol_is_that_of_the_paper() -> None:
    """Values of Póta et al., arXiv 2408.00755, and of k_SRME (DESIGN §4.3)."""
    protocol = protocol_named("ksrme-2024")
    assert protocol.relaxation.fmax == 1e-4
    assert protocol.relaxation.max_steps == 300
    assert protocol.relaxation.cell_mask == (True, True, True, False, False, False)
    assert protocol.relaxation.symprec == 1e-5
    assert protocol.displacements.distance == 0.03
    assert protocol.stability.gamma_tolerance == 0.01
    assert protocol.stability.tolerance == 0.0
    assert protocol.conductivity.boundary_mean_free_path == 1e6
    assert 300.0 in protocol.temperatures
    assert protocol.relaxation.free_stage


def test_the_protocol_of_matbench_is_its_default() -> None:
    """``KappaSettings`` of matbench-discovery, phonons/pipeline.py (July 2026)."""
    protocol, paper = protocol_named("matbench-2026"), protocol_named("ksrme-2024")
    assert protocol.displacements.distance == 0.01
    assert not protocol.relaxation.free_stage
    assert protocol.conductivity == paper.conductivity
    assert protocol.relaxation.fmax == paper.relaxation.fmax == 1e-4


def test_a_relaxation_with_both_stages_keeps_its_digest() -> None:
    """Results of earlier versions, which had no choice, are found again."""
    assert "free_stage" not in RelaxationSettings().model_dump()
    assert RelaxationSettings(free_stage=False).model_dump()["free_stage"] is False


def test_a_modified_protocol_differs_from_its_base_only_where_asked() -> None:
    campaign = campaign_from(
        {**MINIMAL, "protocol": {"base": "quick", "relaxation": {"fmax": 0.01}}}
    )
    assert campaign.protocol.relaxation.fmax == 0.01
    assert campaign.protocol.displacements == protocol_named("quick").displacements
    assert campaign.protocol.digest != protocol_named("quick").digest
    assert campaign.protocol.name == "quick-modified"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"protocol": "quik"}, "no protocol 'quik'; known: ksrme-2024"),
        ({"protocol": {"base": "quick", "temperatures": [300, 200]}}, "must rise"),
        ({"protocol": {"base": "quick", "temperatures": []}}, "protocol.temperatures"),
        ({"protocol": {"base": "quick", "relaxation": {"fmx": 1}}}, "protocol.relaxation.fmx"),
        (
            {"protocol": {"base": "quick", "expansion": {"temperatures": [300, 0]}}},
            "protocol.expansion.temperatures.* must rise",
        ),
        (
            {"protocol": {"base": "quick", "expansion": {"strain": 0.5}}},
            r"protocol.expansion.strain: .*less than or equal to 0.03, not 0.5",
        ),
        (
            {"protocol": {"base": "quick", "qha": {"temperatures": [300, 310, 320, 330]}}},
            r"protocol.qha.temperatures.* must start at 0 and go on in equal steps",
        ),
        (
            {"protocol": {"base": "quick", "qha": {"temperatures": [0, 200, 210, 330]}}},
            r"protocol.qha.temperatures.* must start at 0 and go on in equal steps",
        ),
        ({"name": "a/b"}, "name"),
        ({"modle": 1}, "modle"),
    ],
)
def test_a_wrong_value_is_named(change, message) -> None:
    with pytest.raises(SettingsError, match=message):
        campaign_from({**MINIMAL, **change})


def test_a_campaign_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "campaign.toml"
    path.write_text("name = ")
    with pytest.raises(SettingsError, match=r"campaign\.toml is not valid TOML"):
        read_campaign(path)
    with pytest.raises(SettingsError, match=r"cannot read the campaign file .*missing\.toml"):
        read_campaign(tmp_path / "missing.toml")


def test_adapters_are_found_by_file_name_and_unknown_ones_list_the_known() -> None:
    assert "phono3py" in names("solvers")
    assert all(
        not name.startswith("_") for family in ("clusters", "sources") for name in names(family)
    )
    with pytest.raises(UnknownAdapterError, match=r"known: .*phono3py"):
        find("solvers", "boltzman")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"kernels": "cuequivariance"}, "kernels = 'cuequivariance' is for mace and sevennet"),
        ({"calculator": "a.b:C"}, "calculator and arguments are for the family ase, not springs"),
        ({"arguments": {"a": 1}}, "calculator and arguments are for the family ase, not springs"),
        ({"family": "ase", "device": "cuda"}, "the device of an ASE calculator in its arguments"),
    ],
)
def test_an_option_that_a_family_would_ignore_is_refused(option: dict, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        campaign_from({**MINIMAL, "model": {"family": "springs", **option}})


def test_a_wrong_potential_is_named_once() -> None:
    with pytest.raises(SettingsError) as caught:
        campaign_from({**MINIMAL, "model": {"family": "springs", "dtype": "float16"}})
    assert "models.0.dtype" in str(caught.value)
    assert "at least 1 item" not in str(caught.value)
