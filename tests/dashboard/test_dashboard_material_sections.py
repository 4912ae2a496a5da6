"""What the page of a material says beyond its curves: cell, links, downloads, other potentials."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pyarrow.parquet as pq
import pytest
from pymatgen.io.cif import CifParser

from dashboard import exported, sheet
from dashboard.cells import cif, lengths_and_angles, relaxation_facts
from dashboard.potentials import ensemble, potential_facts, potentials, protocols
from dashboard.spread import spread_of
from screen.core.errors import StoreError
from screen.core.protocols import ModelCard, ModelIdentity
from screen.core.records import Outcome
from screen.store.artifacts import Artifacts
from screen.store.database import Writer, open_snapshot
from screen.store.layout import artifacts_folder
from screen.store.queries import columns_of, material_sheet
from tests.crystals import rocksalt
from tests.physics.analytic import exact_force_constants

from .conftest import (
    COLUMNS,
    MODEL_DIGEST,
    PROTOCOL,
    RECIPES,
    conductivity_of,
    crystal_of,
    outcome_of,
    relaxed_of,
    write_run,
)
from .reading import OpenPage, charts, checked, facts, texts

LIBR = RECIPES[0]
OTHER = "77" * 12
UNFIT = "88" * 12


@pytest.fixture
def result_of(run: Path) -> Callable[[str], sheet.Result]:
    def find(material_id: str) -> sheet.Result:
        with open_snapshot(run) as snapshot:
            (result,) = sheet.results(material_sheet(snapshot, material_id))
        return result

    return find


def test_lengths_and_angles_are_those_of_the_crystallographers() -> None:
    hexagonal = np.array([[3.0, 0, 0], [-1.5, 1.5 * np.sqrt(3), 0], [0, 0, 5.0]])
    lengths, angles = lengths_and_angles(hexagonal)
    assert lengths == pytest.approx([3, 3, 5])
    assert angles == pytest.approx([90, 90, 120])
    sheared = np.array([[2.0, 0, 0], [0, 3.0, 0], [0, 1.0, 1.0]])  # α: between b and c
    assert lengths_and_angles(sheared)[1] == pytest.approx([45, 90, 90])


def test_relaxation_is_told_in_numbers_with_units() -> None:
    given = crystal_of(LIBR)
    wider = given.with_lattice(given.lattice * 1.01)
    stress = -0.01 * np.eye(3)  # eV/Å³, under pressure
    relaxed = replace(relaxed_of(LIBR), crystal=wider, stress=stress, space_group_after=1)
    known = dict(relaxation_facts(given, relaxed))
    assert known["a, b, c [Å]"] == ", ".join(["5.5651"] * 3)
    assert known["volume against the given cell [%]"] == "+3.03"
    assert known["pressure left [GPa]"] == "1.6e+00"
    assert known["density [g/cm³]"] == "3.347"
    assert known["space group as given"] == "Fm-3m (225)"
    assert known["space group relaxed"] == "P1 (1)"
    assert "volume against the given cell [%]" not in dict(relaxation_facts(None, relaxed))


def test_cif_holds_exactly_the_cell_and_says_where_it_comes_from() -> None:
    crystal = crystal_of(RECIPES[3])
    text = cif(crystal, [("material", "SiC-zb"), ("citation", "two\nlines")])
    assert text.startswith("# material: SiC-zb\n# citation: two lines\n")
    (structure,) = CifParser.from_str(text).parse_structures(primitive=False)
    assert structure.lattice.matrix == pytest.approx(crystal.lattice)
    assert structure.frac_coords == pytest.approx(crystal.fractional)
    assert [site.specie.Z for site in structure] == crystal.numbers.tolist()


@pytest.mark.parametrize(
    ("identifier", "known"),
    [("mp-23259", True), ("mvc-12", True), ("agm0123", False), ("mp-1)](x", False), (None, False)],
)
def test_only_ids_of_the_materials_project_are_linked(identifier: str | None, known: bool) -> None:
    url = exported.materials_project_url(identifier)
    assert (url is not None) is known
    if known:
        assert str(url).endswith(f"/materials/{identifier}")


def test_material_links_to_its_entry(page: OpenPage) -> None:
    said = texts(page("material", id="LiBr-rs"))
    assert "[mp-23259](https://next-gen.materialsproject.org/materials/mp-23259)" in said


def test_relaxation_stands_beside_the_crystal(page: OpenPage) -> None:
    app = page("material", id="LiBr-rs")
    assert "Relaxation and symmetry" in texts(app)
    assert facts(app, 1)["a, b, c [Å]"] == "5.5100, 5.5100, 5.5100"


def test_linewidths_are_shown_instead_of_lifetimes(page: OpenPage) -> None:
    title = charts(page("material", id="LiBr-rs"))["lifetimes"]["layout"]["yaxis"]["title"]
    assert title["text"] == "lifetime τ [ps]"
    app = page("material", id="LiBr-rs", decay="linewidth", mode_temperature="600")
    drawn = charts(app)["lifetimes"]
    assert drawn["layout"]["yaxis"]["title"]["text"] == "linewidth (FWHM) [THz]"
    assert "Coherences (600 K)" in texts(app)


def labels(app: object) -> list[str]:
    return [item.proto.label for item in app.get("download_button")]  # type: ignore[attr-defined]


def test_downloads_are_what_there_is(page: OpenPage) -> None:
    everything = ["Relaxed crystal (CIF)", "All numbers (JSON)", "Phonon modes (Parquet)"]
    assert labels(page("material", id="LiBr-rs")) == everything
    assert labels(page("material", id="CsF-rs")) == everything[:2]
    assert labels(page("material", id="AgCl-rs")) == []


def test_json_has_every_number_with_its_unit(
    run: Path, result_of: Callable[[str], sheet.Result]
) -> None:
    with open_snapshot(run) as snapshot:
        columns = {column.name: column for column in columns_of(snapshot)}
        card, protocol = potentials(snapshot)[MODEL_DIGEST], protocols(snapshot)[PROTOCOL.digest]
    text = exported.numbers(
        result_of("LiBr-rs"), columns, "demo", 1, card, protocol, relaxed_of(LIBR)
    )
    found = json.loads(text)
    assert found["results"]["kappa_300"] == pytest.approx(1.8)
    assert found["units"]["kappa_300"] == "W/m/K"
    assert found["properties"]["conductivity"]["temperatures"] == list(PROTOCOL.temperatures)
    assert found["relaxed"]["lengths_angstrom"] == pytest.approx([5.51] * 3)
    assert found["potential"]["package"] == "mace-torch"
    assert found["protocol"]["settings"]["temperatures"] == list(PROTOCOL.temperatures)
    assert {row["stage"] for row in found["costs"]} >= {"relax", "conductivity"}


def test_cif_of_a_result_names_potential_and_licence(
    result_of: Callable[[str], sheet.Result],
) -> None:
    text = exported.cif(result_of("LiBr-rs"), relaxed_of(LIBR), 1)
    assert "# potential: mace-mpa-0\n" in text
    assert "# licence: CC BY 4.0\n" in text


def test_modes_are_a_table_that_sums_to_the_conductivity() -> None:
    record = conductivity_of(LIBR)
    table = pq.read_table(BytesIO(exported.modes(record)))
    at_300 = table.filter(np.array(table["temperature_k"]) == 300.0)
    total = sum(at_300["kappa_p"].to_pylist()) + sum(at_300["kappa_c"].to_pylist())
    assert total == pytest.approx(1.8)


def test_force_constants_are_what_the_export_command_writes(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "with fc", RECIPES[:1])
    artifacts = Artifacts(artifacts_folder(folder))
    artifacts.write("fc2", "aa" * 12, exact_force_constants(rocksalt(5.9), (2, 2, 2), False))
    outcome = outcome_of(LIBR, artifacts)
    with Writer(folder, COLUMNS) as writer:
        writer.upsert([replace(outcome, artifacts={**outcome.artifacts, "fc2": "aa" * 12})])
        writer.publish()
    with open_snapshot(folder) as snapshot:
        (result,) = sheet.results(material_sheet(snapshot, "LiBr-rs"))
    with ZipFile(BytesIO(exported.phono3py(folder, result))) as archive:
        assert archive.namelist() == ["LiBr-rs/fc2.hdf5", "LiBr-rs/phono3py_params.yaml"]


def test_export_that_fails_gives_its_own_message(
    run: Path, result_of: Callable[[str], sheet.Result]
) -> None:
    with pytest.raises(StoreError, match="has force constants; see its failures"):
        exported.phono3py(run, result_of("LiBr-rs"))


def test_names_of_files_suit_any_file_system(result_of: Callable[[str], sheet.Result]) -> None:
    result = result_of("LiBr-rs")
    odd = replace(result, row={**result.row, "material_id": "a/b:c d"})
    assert exported.file_name(odd, ".cif") == "a_b_c_d-mace-mpa-0-quick.cif"
    quoted = replace(result, row={**result.row, "material_id": "it's"})
    assert "material_id = 'it''s'" in exported.where(quoted)


# ------------------------------------------------------------------------------ potentials


@pytest.fixture
def three_potentials(tmp_path: Path) -> Path:
    """LiBr by three potentials, one of them unfit for κ."""
    folder = write_run(tmp_path / "three", RECIPES[:1])
    artifacts = Artifacts(artifacts_folder(folder))
    with Writer(folder, COLUMNS) as writer:
        for digest, name, kappa, srme in ((OTHER, "other", 3.0, 0.4), (UNFIT, "bad", 99.0, 1.5)):
            identity = ModelIdentity(name, name, digest, "float64", "pkg", "1")
            writer.add_model(digest, identity, card(name, srme))
            writer.upsert([by(outcome_of(replace(LIBR, kappa=kappa), artifacts), digest)])
        writer.publish()
    with open_snapshot(folder) as snapshot:
        assert len(potentials(snapshot)) == 3
    return folder


def card(name: str, srme: float) -> ModelCard:
    about = ("training set", "PBE", "MIT", f"A. Author, {name} (2025)")
    return ModelCard(name, name, "for tests", *about, False, 6.0, frozenset({"Li"}), srme)


def by(outcome: Outcome, model: str) -> Outcome:
    return replace(outcome, model_digest=model, executions=())


def test_spread_is_the_range_over_the_potentials_that_count(three_potentials: Path) -> None:
    with open_snapshot(three_potentials) as snapshot:
        found = material_sheet(snapshot, "LiBr-rs")
        row = sheet.results(found)[0].row
        counted = ensemble(snapshot)
    table, names = found.properties["conductivity"], ("temperatures", "kappa")
    assert counted == {MODEL_DIGEST, OTHER}
    spread = spread_of(table, row, names, counted)
    assert spread is not None
    at_300 = spread.temperatures.tolist().index(300.0)
    assert (spread.low[at_300], spread.high[at_300]) == pytest.approx((1.8, 3.0))
    assert spread.potentials == 2
    assert spread_of(table, row, names, {OTHER}) is None
    assert spread_of(None, row, names, {OTHER}) is None


def test_page_shades_the_range_of_the_potentials(page: OpenPage, three_potentials: Path) -> None:
    app = page("material", three_potentials, id="LiBr-rs", model=OTHER, protocol=PROTOCOL.digest)
    for name in ("conductivity", "expansion"):
        (shade,) = (
            item for item in charts(app)[name]["data"] if item["name"] == "range of 2 potentials"
        )
        assert shade["fill"] == "toself"
    assert facts(app, 2)["potential's citation"] == "A. Author, other (2025)"
    assert app.get("page_link")[0].proto.label == "Compare them side by side"
    assert not charts(page("material", id="LiBr-rs"))["conductivity"]["data"][0]["name"].startswith(
        "range"
    )


def test_card_of_a_potential_is_told_as_far_as_it_is_known() -> None:
    assert potential_facts(None) == []
    row = {"package": "p", "package_version": "1", "dtype": "float64", "kappa_srme": 0.41234}
    assert potential_facts({**row, "citation": "A. Author (2025)"}) == [
        ("potential evaluated by", "p 1"),
        ("potential's precision", "float64"),
        ("potential's citation", "A. Author (2025)"),
        ("published κ_SRME of the potential", "0.412"),
    ]


def test_other_result_of_a_material_has_its_own_address(
    page: OpenPage, three_potentials: Path
) -> None:
    app = page("material", three_potentials, id="LiBr-rs", model=OTHER, protocol=PROTOCOL.digest)
    assert app.metric[0].value == "3"
    assert OTHER in app.query_params["model"]
    app.selectbox[1].select_index(
        next(i for i, name in enumerate(app.selectbox[1].options) if "mace" in name)
    )
    checked(app.run())
    assert app.metric[0].value == "1.8"
    assert MODEL_DIGEST in app.query_params["model"]
