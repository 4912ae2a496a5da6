"""Crystals are frozen, hashable values."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

from screen.core.crystal import Crystal
from screen.core.errors import CatalogError

CUBE = np.eye(3) * 4.0


def rocksalt_pair() -> Crystal:
    return Crystal(CUBE, np.array([3, 35]), np.array([[0, 0, 0], [0.5, 0.5, 0.5]]))


def test_arrays_stay_read_only_through_pickle() -> None:
    arrived = pickle.loads(pickle.dumps(rocksalt_pair()))
    for array in (arrived.lattice, arrived.numbers, arrived.fractional):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_equal_crystals_have_one_digest_and_minus_zero_is_zero() -> None:
    shifted = Crystal(CUBE, np.array([3, 35]), np.array([[-0.0, 0, 0], [0.5, 0.5, 0.5]]))
    assert shifted == rocksalt_pair()
    assert len({shifted, rocksalt_pair()}) == 1


def test_another_lattice_is_another_crystal() -> None:
    assert rocksalt_pair().with_lattice(CUBE * 1.0001) != rocksalt_pair()


def test_the_formula_of_a_noble_gas_comes_without_warnings() -> None:
    """pymatgen warns once per process and element, and warnings are errors here."""
    neon = "import numpy as np; from screen.core.crystal import Crystal; "
    words = "print(Crystal(4 * np.eye(3), [10, 18], [[0, 0, 0], [.5, .5, .5]]).formula)"
    command = [sys.executable, "-W", "error::UserWarning", "-c", neon + words]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (found.stdout, found.stderr) == ("ArNe\n", "")


def test_formula_and_volume() -> None:
    assert rocksalt_pair().formula == "LiBr"
    assert rocksalt_pair().volume == pytest.approx(64.0)
    assert rocksalt_pair().elements == ("Br", "Li")


@pytest.mark.parametrize(
    ("lattice", "numbers", "fractional", "message"),
    [
        (CUBE, [], np.zeros((0, 3)), "empty"),
        (CUBE, [3], [[np.nan, 0, 0]], "not finite"),
        (np.zeros((3, 3)), [3], [[0, 0, 0]], "no volume"),
        (CUBE, [0], [[0, 0, 0]], "atomic numbers must be 1–118"),
        (CUBE, [3, 3], [[0, 0, 0]], r"\(n, 3\) positions"),
    ],
)
def test_impossible_crystals_are_refused(lattice, numbers, fractional, message) -> None:
    with pytest.raises(CatalogError, match=message):
        Crystal(np.array(lattice), np.array(numbers), np.array(fractional))
