"""Any calculator of ASE: what it gives, how it is identified, and what is said of wrong ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from screen.core.errors import EvaluationError, ModelUnavailableError, UnsupportedElementError
from screen.core.settings import ModelSettings
from screen.models import ase, springs
from tests.crystals import fcc, rocksalt, wurtzite

CALCULATORS = "tests.models.springs_calculator"
SPRINGS = f"{CALCULATORS}:SpringsCalculator"
EMT = "ase.calculators.emt:EMT"


def settings(calculator: str | None = SPRINGS, **values: Any) -> ModelSettings:
    return ModelSettings(family="ase", calculator=calculator, **values)


def test_springs_behind_ase_equal_springs() -> None:
    """ASE's scaled positions differ in the last bit: hence 1e-12 and not 0."""
    crystals = (rocksalt(5.6), wurtzite(3.9, 6.3, 30, 16), fcc(3.7, 29))
    one = ase.load(settings()).evaluate(crystals)
    two = springs.load(ModelSettings(family="springs")).evaluate(crystals)
    np.testing.assert_allclose(one.energies, two.energies, rtol=0, atol=1e-12)
    np.testing.assert_allclose(one.stresses, two.stresses, rtol=0, atol=1e-12)
    for left, right in zip(one.forces, two.forces, strict=True):
        np.testing.assert_allclose(left, right, rtol=0, atol=1e-12)


def test_emt_gives_copper_at_its_lattice_constant() -> None:
    """ASE's EMT, copper: equilibrium at 3.59 Å (Jacobsen et al. 1996): there the stress changes
    sign.
    """
    force_field = ase.load(settings(EMT))
    stresses = force_field.evaluate([fcc(3.55, 29), fcc(3.63, 29)]).stresses
    assert stresses[0, 0, 0] < 0 < stresses[1, 0, 0]


def test_the_name_is_the_calculators_unless_the_settings_give_one() -> None:
    assert ase.identify(settings()).name == "SpringsCalculator"
    assert ase.load(settings(name="mine")).name == "mine"
    assert ase.identify(settings(name="mine")).name == "mine"


def test_the_version_is_the_packages() -> None:
    from importlib.metadata import version

    identity = ase.identify(settings(EMT))
    assert (identity.package, identity.package_version) == ("ase", version("ase"))


def test_a_calculator_outside_any_package_is_known_by_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_calculator.py").write_text("from ase.calculators.emt import EMT\n")
    monkeypatch.syspath_prepend(tmp_path)
    before = ase.identify(settings("own_calculator:EMT"))
    assert len(before.package_version) == 24
    (tmp_path / "own_calculator.py").write_text("from ase.calculators.emt import EMT  # new\n")
    assert ase.identify(settings("own_calculator:EMT")).weights_digest != before.weights_digest


def test_the_dtype_is_what_the_user_states() -> None:
    assert ase.identify(settings(dtype="float32")).dtype == "float32"


def test_other_arguments_are_another_potential() -> None:
    soft = settings(arguments={"name": "springs-soft"})
    assert ase.identify(soft).weights_digest != ase.identify(settings()).weights_digest
    crystal = rocksalt(5.6)
    ratio = (
        ase.load(soft).evaluate([crystal]).energies
        / ase.load(settings()).evaluate([crystal]).energies
    )
    assert ratio[0] == pytest.approx(0.7, abs=1e-12)


def test_a_file_among_the_arguments_counts_by_its_content(tmp_path: Path) -> None:
    digests = []
    for name, radius in (("a.json", 1.91), ("b.json", 1.91), ("a.json", 1.92)):
        path = tmp_path / name
        path.write_text(json.dumps({"species": {"Ar": {"radius": radius}}}), encoding="utf-8")
        there = settings(arguments={"weights": str(path)})
        digests.append(ase.identify(there).weights_digest)
        assert ase.load(there).elements == {"Ar"}
    assert digests[0] == digests[1] != digests[2]


def test_elements_are_refused_only_where_the_calculator_lists_them() -> None:
    krypton_astatide = rocksalt(6.0, 36, 85)
    with pytest.raises(UnsupportedElementError, match="SpringsCalculator was not trained on At"):
        ase.load(settings()).evaluate([krypton_astatide])
    emt = ase.load(settings(EMT))
    assert len(emt.elements) == 118
    with pytest.raises(EvaluationError, match=r"EMT failed for AtKr.*No EMT-potential for Kr"):
        emt.evaluate([krypton_astatide])


@pytest.mark.parametrize(
    ("calculator", "complaint"),
    [
        (None, r"needs a calculator, e\.g\. .*emt:EMT"),
        ("ase.calculators.emt.EMT", r"'ase\.calculators\.emt\.EMT' is not of the form"),
        ("ase/calculators/emt:EMT", "is not of the form"),
        ("no_such_package.module:Calculator", "no Python package 'no_such_package' here"),
    ],
)
def test_a_wrong_path_is_named_already_when_identified(
    calculator: str | None, complaint: str
) -> None:
    for use in (ase.identify, ase.load):
        with pytest.raises(ModelUnavailableError, match=complaint):
            use(settings(calculator))


@pytest.mark.parametrize(
    ("calculator", "arguments", "complaint"),
    [
        ("ase.no_such_module:EMT", {}, "cannot be imported: ModuleNotFoundError.*no_such_module"),
        ("ase.calculators.emt:NMT", {}, "module ase.calculators.emt has no NMT"),
        (SPRINGS, {"volume": 11}, r"arguments \{'volume': 11\} failed with TypeError.*volume"),
        ("ase.build:bulk", {"name": "Cu"}, "gave a Atoms, which is no calculator of ASE"),
        (f"{CALCULATORS}:WithoutStress", {}, "offers no stress: relaxation needs"),
    ],
)
def test_what_is_no_calculator_is_explained(
    calculator: str, arguments: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ModelUnavailableError, match=complaint):
        ase.load(settings(calculator, arguments=arguments))


@pytest.mark.parametrize(
    ("calculator", "complaint"),
    [
        ("WithholdsStress", "LiBr .*PropertyNotImplementedError: stress"),
        ("Breaks", r"Breaks failed for LiBr \(8 atoms\) with RuntimeError: the library crashed"),
    ],
)
def test_a_calculator_that_fails_names_the_crystal(calculator: str, complaint: str) -> None:
    with pytest.raises(EvaluationError, match=complaint):
        ase.load(settings(f"{CALCULATORS}:{calculator}")).evaluate([rocksalt()])


@pytest.mark.parametrize("key", ["weights", "head"])
def test_weights_and_head_belong_into_the_arguments(key: str) -> None:
    with pytest.raises(ModelUnavailableError, match=f"takes no {key} .*into arguments"):
        ase.identify(settings(**{key: "omat"}))
