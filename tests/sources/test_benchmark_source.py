"""The 103 compounds against the files they were made from and the published tables."""

import gzip
import importlib.util
import json
import os
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from ase.io import read

from screen.core.catalogs import catalog_path
from screen.core.errors import CatalogError, SettingsError
from screen.sources import benchmark

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("THERMOSCREEN_SHARED", ROOT.parent / "shared"))
SPACE_GROUPS = {"rocksalt": 225, "zincblende": 216, "wurtzite": 186}
SUFFIXES = {225: "rs", 216: "zb", 186: "wz"}

needs_shared = pytest.mark.skipif(
    not (SHARED / "data").is_dir(),
    reason=f"no reference data in {SHARED}: set THERMOSCREEN_SHARED",
)


@pytest.fixture(scope="module")
def compounds():
    return {candidate.id: candidate for candidate in benchmark.candidates({})}


@pytest.fixture(scope="module")
def structures():
    frames = read(SHARED / "data/phonondb/structures_103.extxyz", ":")
    return {f"{a.info['name']}-{SUFFIXES[a.info['symm.no']]}": a for a in frames}


def reference_kappas(name):
    with gzip.open(SHARED / f"data/phonondb/kappas_phononDB_PBE_{name}.json.gz") as handle:
        table = json.load(handle)
    return {
        f"{table['name'][i]}-{SUFFIXES[table['symm.no'][i]]}": kappa
        for i, (kappa,) in table["kappa_TOT_ave"].items()
    }


def test_there_are_37_rocksalts_33_zincblendes_and_33_wurtzites(compounds):
    counts = Counter(candidate.metadata.prototype for candidate in compounds.values())
    assert counts == {"rocksalt": 37, "zincblende": 33, "wurtzite": 33}  # arXiv 2408.00755


def test_every_crystal_has_the_space_group_of_its_prototype(compounds):
    import spglib

    warnings.simplefilter("ignore", DeprecationWarning)  # spglib 2.7+ announces its new errors
    for candidate in compounds.values():
        crystal = candidate.crystal
        cell = (crystal.lattice, crystal.fractional, crystal.numbers)
        found = spglib.get_symmetry_dataset(cell, symprec=1e-5).number
        assert found == SPACE_GROUPS[candidate.metadata.prototype], candidate.id


@needs_shared
def test_every_structure_is_reproduced_atom_by_atom_to_1e_8_angstrom(compounds, structures):
    assert compounds.keys() == structures.keys()
    for name, atoms in structures.items():
        crystal = compounds[name].crystal
        np.testing.assert_array_equal(crystal.numbers, atoms.numbers, err_msg=name)
        np.testing.assert_allclose(crystal.lattice, atoms.cell.array, atol=1e-8, rtol=0)
        np.testing.assert_allclose(crystal.positions, atoms.positions, atol=1e-8, rtol=0)


@needs_shared
def test_supercells_meshes_and_identifiers_are_those_of_the_source(compounds, structures):
    for name, atoms in structures.items():
        hints, mp_id = compounds[name].hints, atoms.info["mp_id"]
        np.testing.assert_array_equal(hints.fc2_supercell, atoms.info["fc2_supercell"])
        np.testing.assert_array_equal(hints.fc3_supercell, atoms.info["fc3_supercell"])
        np.testing.assert_array_equal(hints.mesh, atoms.info["q_mesh"])
        assert compounds[name].metadata.mp_id == (None if mp_id.startswith("no-") else mp_id)


@needs_shared
def test_reference_conductivities_are_those_of_the_source(compounds):
    plain, with_nac = reference_kappas("noNAC"), reference_kappas("NAC")
    for name, candidate in compounds.items():
        assert candidate.metadata.kappa_reference_300 == plain[name]
        assert candidate.metadata.kappa_reference_nac_300 == with_nac[name]


@needs_shared
def test_the_script_gives_the_committed_catalog_byte_for_byte():
    path = catalog_path("make_phonondb_pbe_103.py")
    spec = importlib.util.spec_from_file_location("make_phonondb_pbe_103", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    made = script.catalog_text(SHARED).encode()
    assert made == catalog_path("phonondb_pbe_103.csv").read_bytes()


def test_compounds_are_found_by_id_formula_or_materials_project_id_in_the_order_asked_for():
    for names, expected in (
        (["LiBr-rs"], ["LiBr-rs"]),
        ("mp-23259", ["LiBr-rs"]),
        (["ZnTe", "LiBr-rs"], ["ZnTe-zb", "ZnTe-wz", "LiBr-rs"]),
        (["no-mp-1"], ["CuBr-wz"]),
    ):
        assert [c.id for c in benchmark.candidates({"names": names})] == expected


def test_names_and_prototypes_and_limit_narrow_the_choice_together():
    assert sum(1 for _ in benchmark.candidates({"prototypes": ["rocksalt", "wurtzite"]})) == 70
    (only,) = benchmark.candidates({"names": ["SiC", "GaN"], "prototypes": "wurtzite", "limit": 1})
    assert only.id == "SiC-wz"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"names": ["LiBr-rs", "LiBr-xx"]}, r"no compound 'LiBr-xx', did you mean .*LiBr-rs"),
        ({"names": ["libr"]}, r"'libr', did you mean .*LiBr"),
        ({"prototypes": ["rock salt"]}, r"no prototype 'rock salt', did you mean rocksalt\?"),
        ({"names": []}, r"names=\[\] must be"),
        ({"names": [3]}, r"names=\[3\] must be"),
        ({"names": "LiBr", "prototypes": "wurtzite"}, r"no compound is one of .*LiBr.*wurtzite"),
    ],
)
def test_a_wrong_choice_is_refused_with_the_way_out(options, message):
    with pytest.raises(SettingsError, match=message):
        benchmark.candidates(options)


def test_a_broken_catalog_is_named_with_its_line(tmp_path, monkeypatch):
    text = catalog_path(benchmark.CATALOG).read_text(encoding="utf-8")
    broken = tmp_path / benchmark.CATALOG
    broken.write_text(text.replace("5.823447283892974", "five"), encoding="utf-8")
    monkeypatch.setattr(benchmark, "catalog_path", lambda name: broken)
    with pytest.raises(CatalogError, match=r"is broken at 'AgBr-rs' .*five"):
        list(benchmark.candidates({}))


def test_a_seed_takes_other_compounds_but_always_the_same():
    first, again, other = (
        [item.id for item in benchmark.candidates({"seed": seed, "limit": 20})]
        for seed in (0, 0, 1)
    )
    assert first == again != other
    assert len(set(first)) == 20
    everything = [item.id for item in benchmark.candidates({})]
    assert first != everything[:20]
    assert sorted(item.id for item in benchmark.candidates({"seed": 0})) == sorted(everything)


@pytest.mark.parametrize("seed", [-1, 0.5, "0", True])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(SettingsError, match=r"seed=.* must be an integer of at least 0"):
        benchmark.candidates({"seed": seed})
