"""Filters: what they keep, and what is said about one that is wrong."""

import pytest

from screen.core.errors import SettingsError
from screen.sources._where import parse, unmet

FACTS = {
    "band_gap": 1.5,
    "nsites": 4,
    "elements": ("Ga", "N"),
    "theoretical": False,
    "crystal_system": "hexagonal",
    "space_group": 186,
    "magnetic_ordering": None,
}
HELD = [
    "band_gap > 1.4 and band_gap<1.6",
    "band_gap >= 1.5 AND nsites <= 4",
    "nsites = 4",
    "nsites == 4",
    "nsites in 2, 4",
    "elements has N",
    "elements lacks radioactive, noble_gases, actinoids",
    "elements only N, Ga, Al",
    "theoretical = no",
    "crystal_system in Cubic, HEXAGONAL",
    "space_group in 186,194",
]
UNMET = [
    "band_gap > 1.5",
    "nsites < 4",
    "nsites in 2, 3",
    "elements has N, Al",
    "elements lacks Al, N",
    "elements only N",
    "theoretical = true",
    "crystal_system = cubic",
    "magnetic_ordering = NM",
    "energy_above_hull < 1",
]
WRONG = {
    "band_gap": "is no condition such as",
    "band_gap > ": "is no condition such as",
    "band_gap > 1 and": "is no condition such as|compared with a finite number",
    "bandgap > 1": "no quantity 'bandgap', did you mean band_gap",
    "band_gap has 1": "takes one of <, <=, >, >=, =, in, not 'has'",
    "theoretical > 1": "takes one of =",
    "band_gap > high": "compared with a finite number, not 'high'",
    "band_gap > nan": "compared with a finite number, not 'nan'",
    "band_gap < inf": "compared with a finite number, not 'inf'",
    "nsites > 1e400": "nsites is compared with a finite number, not '1e400'",
    "nsites < 1e300": "nsites is compared with an integer of at most 1000000, not '1e300'",
    "nsites in 2, 4.5": "nsites is compared with an integer of at most 1000000, not '4.5'",
    "space_group = 225.5": "space_group is compared with an integer",
    "band_gap > 1, 2": "needs one value",
    "theoretical = maybe": "true or false, not 'maybe'",
    "crystal_system = cubical": "one of triclinic, .*not 'cubical'",
    "elements has Xx": "no element 'Xx'; groups are radioactive",
    "": "is no condition such as",
}


@pytest.mark.parametrize("text", HELD)
def test_an_entry_that_fits_is_kept(text):
    assert unmet(parse("any", text), FACTS) is None


@pytest.mark.parametrize("text", UNMET)
def test_the_condition_that_is_not_met_is_named(text):
    (condition,) = parse("any", text)
    assert unmet((condition,), FACTS) is condition
    assert str(condition) == text


def test_no_filter_keeps_everything():
    assert unmet(parse("any", None), {}) is None


@pytest.mark.parametrize(("text", "told"), WRONG.items())
def test_a_wrong_filter_is_one_line_that_names_the_part(text, told):
    with pytest.raises(SettingsError, match=told) as caught:
        parse("any", text)
    assert str(caught.value).startswith("source 'any': where: ")


def test_a_filter_that_is_no_text_is_refused():
    with pytest.raises(SettingsError, match="must be a text"):
        parse("any", 3)
