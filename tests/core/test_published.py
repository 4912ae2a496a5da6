"""Published scores: they follow from the published conductivities, and the cards quote them."""

from __future__ import annotations

import csv
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from screen.core import catalogs
from screen.core.catalogs import catalog_path
from screen.core.errors import CatalogError
from screen.core.published import (
    COLUMNS,
    COMPOUNDS,
    POTENTIALS,
    PublishedScore,
    published,
    published_of,
)
from screen.core.registry import find, names
from screen.physics.metrics import relative_error
from tests.shared import SHARED, shared_path

MODELS = tuple(dict.fromkeys(item.model for item in published()))
GOOD = "SevenNet,LiBr-rs,mp-23259,true,0.3,0.2,1.5,1.6"


def compounds() -> dict[str, dict[str, str]]:
    """Lines of the catalog of compounds by id."""
    with catalog_path("phonondb_pbe_103.csv").open(encoding="utf-8", newline="") as handle:
        return {row["id"]: row for row in csv.DictReader(handle)}


def mean_srme(found: tuple[PublishedScore, ...]) -> float:
    """Mean over the 103 compounds; those without a line count as 2, as k_SRME counts them."""
    return (sum(item.srme for item in found) + 2.0 * (COMPOUNDS - len(found))) / COMPOUNDS


@pytest.mark.parametrize("model", MODELS)
def test_published_sre_follows_from_published_conductivities(model: str) -> None:
    """Every line, to 1e-3; largest deviation 3.6e-4 (κ = 0.0003 W/m/K in the source's four decimals)."""
    for item in published_of(model):
        found = relative_error(item.kappa_300, item.kappa_reference_300)
        assert found == pytest.approx(item.sre, abs=1e-3), item
        if item.kappa_300 is None:
            assert item.srme == 2.0, item


def test_no_microscopic_error_is_below_the_error_of_the_sum() -> None:
    """|Σ(κ − κ_ref)| ≤ Σ|κ − κ_ref|; both have four decimals."""
    assert all(item.srme >= item.sre - 1e-4 for item in published())


def test_published_means_are_those_that_the_cards_quote() -> None:
    """Of the potentials that we have; the cards have three decimals."""
    cards = {card.name: card for family in names("models") for card in find("models", family).CARDS}
    assert set(POTENTIALS) <= set(MODELS)
    for model, name in POTENTIALS.items():
        assert published_of(name) == published_of(model)
        assert cards[name].kappa_srme_source == "k_SRME"
        assert cards[name].kappa_srme == pytest.approx(mean_srme(published_of(model)), abs=5e-4)


def test_all_but_one_potential_have_the_103_compounds() -> None:
    known = compounds()
    for model in MODELS:
        found = {item.compound for item in published_of(model)}
        missing = {"CaS-rs", "CdO-rs", "GaAs-wz"} if model == "MACE-M" else set()
        assert found == known.keys() - missing
    assert all(item.prototype == known[item.compound]["prototype"] for item in published())


def test_references_are_those_of_the_catalog_with_or_without_nac() -> None:
    """To the four decimals that k_SRME prints."""
    known = compounds()
    for item in published():
        column = "kappa_reference_nac_300" if item.nac else "kappa_reference_300"
        expected = float(known[item.compound][column])
        assert item.kappa_reference_300 == pytest.approx(expected, abs=6e-5), item
    assert {item.model for item in published() if not item.nac} == {
        *("GRACE-1L-OAM", "GRACE-2L-OAM", "GRACE-2L-r6-11Nov2024"),
        *("MACE-MPA-0", "MatterSim-V1-1M", "MatterSim-V1-5M"),
    }


def test_references_with_and_without_nac_differ_by_far_more_than_digits() -> None:
    """So that each potential's can be told apart: NAC raises κ by up to 17 %."""
    known = compounds().values()
    without = np.array([float(row["kappa_reference_300"]) for row in known])
    nac = np.array([float(row["kappa_reference_nac_300"]) for row in known])
    assert np.abs(nac / without - 1).max() == pytest.approx(0.17, abs=0.005)


def test_the_script_gives_the_committed_catalog_byte_for_byte() -> None:
    shared_path("published_kappa_srme.csv")
    script = runpy.run_path(str(catalog_path("make_published_ksrme.py")))
    made = script["catalog_text"](SHARED).encode()
    assert made == catalog_path("published_ksrme.csv").read_bytes()


def test_references_of_no_table_are_refused() -> None:
    script = runpy.run_path(str(catalog_path("make_published_ksrme.py")))
    rows = [{"mp_id": "mp-1", "kappa_dft_300K_W_per_mK": "2.5"}]
    with pytest.raises(ValueError, match="potential-x: 0 tables of references fit"):
        script["has_nac"]("potential-x", rows, {False: {"mp-1": 2.0}, True: {"mp-1": 3.0}})


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Read scores from this line instead of the catalog."""

    def write(line: str) -> None:
        (tmp_path / "catalogs").mkdir()
        text = f"{','.join(COLUMNS)}\n{line}\n"
        (tmp_path / "catalogs" / "published_ksrme.csv").write_text(text, "utf-8")
        monkeypatch.setattr(catalogs, "PACKAGE", tmp_path / "screen")
        published.cache_clear()

    yield write
    published.cache_clear()


def test_a_good_line_is_read(broken: Callable[[str], None]) -> None:
    broken(GOOD)
    assert published() == (PublishedScore("SevenNet", "LiBr-rs", 0.3, 0.2, 1.5, 1.6, True),)
    assert published_of("sevennet-0") == published()
    assert published_of("unknown") == ()


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("true", "yes", "line 2: nac = 'yes' is neither true nor false"),
        ("LiBr-rs", "LiBr-xx", "compound 'LiBr-xx' does not end in -rs, -zb or -wz"),
        ("0.3", "2.3", "srme = 2.3 and sre = 0.2 are not from 0 to 2"),
        ("1.5", "-1.5", "a conductivity is not positive"),
        ("1.6", "nan", "kappa_reference_300 = 'nan' is no finite number"),
    ],
)
def test_a_broken_line_is_named(
    broken: Callable[[str], None], old: str, new: str, problem: str
) -> None:
    assert GOOD.count(old) == 1
    broken(GOOD.replace(old, new))
    with pytest.raises(CatalogError, match=problem):
        published()
