"""Reference substrates: cited, checked when they are read, asked for by name or number."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from screen.core import catalogs
from screen.core.errors import CatalogError, SettingsError
from screen.core.substrates import COLUMNS, expansion_to_match, substrates

GOOD = "Si,Si,diamond,2.57e-6,,,300,Okada (1984)"


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Read substrates from these lines instead of the catalog."""

    def write(*lines: str, header: str = ",".join(COLUMNS)) -> None:
        folder = tmp_path / "catalogs"
        folder.mkdir(exist_ok=True)
        (folder / "substrates.csv").write_text("\n".join([header, *lines]) + "\n", "utf-8")
        monkeypatch.setattr(catalogs, "PACKAGE", tmp_path / "screen")
        substrates.cache_clear()

    yield write
    substrates.cache_clear()


def test_the_expansion_of_silicon_is_its_published_formula_at_300_kelvin() -> None:
    """Okada and Tokumaru (1984): 3.725 (1 − exp(−5.88e-3 (T − 124))) + 5.548e-4 T, in 1e-6/K."""
    formula = 3.725 * (1 - math.exp(-5.88e-3 * (300 - 124))) + 5.548e-4 * 300
    assert expansion_to_match("Si", 300.0) == pytest.approx(1e-6 * formula, abs=0.005e-6)


def test_the_expansion_of_cubic_silicon_carbide_is_its_polynomial_at_27_celsius() -> None:
    """Li and Bradt (1986): 3.19e-6 + 3.60e-9 T − 1.68e-12 T², T in °C."""
    t = 300 - 273.15
    polynomial = 3.19e-6 + 3.60e-9 * t - 1.68e-12 * t**2
    assert expansion_to_match("3C-SiC", 300.0) == pytest.approx(polynomial, abs=0.005e-6)


def test_a_uniaxial_substrate_is_matched_by_the_mean_of_its_axes() -> None:
    gallium_nitride = substrates()["GaN"]
    assert (gallium_nitride.expansion_a, gallium_nitride.expansion_c) == (5.59e-6, 3.17e-6)
    assert gallium_nitride.expansion == pytest.approx((2 * 5.59e-6 + 3.17e-6) / 3, abs=0.01e-6)


def test_the_substrates_that_the_help_names_are_there() -> None:
    assert {"Si", "GaN", "SiC"} <= set(substrates())


@pytest.mark.parametrize("given", [3.2e-6, "3.2e-6", "0.0000032"])
def test_a_number_is_taken_at_any_temperature(given: str | float) -> None:
    assert expansion_to_match(given, 1234.0) == 3.2e-6


def test_a_substrate_may_contract(broken: Callable[..., None]) -> None:
    broken("invar,FeNi,fcc,-1e-6,,,300,Guillaume (1897)")
    assert expansion_to_match("invar", 300.0) == -1e-6
    assert expansion_to_match("-1e-6", 300.0) == -1e-6


def test_a_name_is_known_within_ten_kelvin_of_room_temperature() -> None:
    assert expansion_to_match("Si", 293.15) == expansion_to_match("Si", 310.0)
    with pytest.raises(SettingsError, match=r"Si is known at 300 K only, not at 311 K; give its"):
        expansion_to_match("Si", 311.0)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"no substrate 'si'; known: Si, diamond, SiC, 3C-SiC"):
        expansion_to_match("si", 300.0)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("Si,Si,diamond,2.57,,,300,Okada (1984)", "line 3: expansion = 2.57 is not in 1/K"),
        ("Si,Si,diamond,x,,,300,Okada (1984)", "expansion = 'x' is no finite number"),
        ("Si,Si,diamond,nan,,,300,Okada (1984)", "expansion = 'nan' is no finite number"),
        ("Si,Si,diamond,2.57e-6,,,293,Okada (1984)", "the temperature is not 300 K"),
        ("Si,Si,diamond,2.57e-6,,,300,Okada", "names no year"),
        ("Si,Si,diamond,2.57e-6,,,300,", "citation is empty"),
        (",Si,diamond,2.57e-6,,,300,Okada (1984)", "name is empty"),
        ("Ge,Ge,diamond,2.57e-6,,,300,Okada (1984)", "Ge is given twice"),
        ("Si,Si,diamond,2e-6,2e-6,,300,Okada (1984)", "one of expansion_a and expansion_c"),
        ("Si,Si,diamond,2e-6,2e-6,4e-6,300,Okada (1984)", r"is not \(2 expansion_a"),
        ("Si,Si,diamond,2.57e-6,,,300,Okada, 1984", "9 cells instead of 8"),
    ],
)
def test_a_broken_line_is_named(broken: Callable[..., None], line: str, problem: str) -> None:
    broken("Ge,Ge,diamond,5.9e-6,,,300,Somebody (1970)", line)
    with pytest.raises(CatalogError, match=problem):
        substrates()


def test_other_columns_are_refused(broken: Callable[..., None]) -> None:
    broken(GOOD, header="name,formula")
    with pytest.raises(CatalogError, match=r"has the columns \['name', 'formula'\] instead of"):
        substrates()
