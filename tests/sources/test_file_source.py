"""Structure files, good and bad: a bad entry is rejected with its reason and the rest goes on."""

import numpy as np
import pytest

from screen.core.catalogs import catalog_path
from screen.core.errors import CatalogError, SettingsError
from screen.core.records import Candidate, Rejected
from screen.sources import benchmark, files

A = 5.513151436007101  # Å, LiBr
POSCAR = f"""LiBr
1.0
{A} 0 0
0 {A} 0
0 0 {A}
Li Br
1 1
Direct
0 0 0
0.5 0.5 0.5
"""
FRAME = f"""2
Lattice="{A} 0 0 0 {A} 0 0 0 {A}" Properties=species:S:1:pos:R:3
Li 0 0 0
Br 2.7 2.7 2.7
"""
CIF = """data_LiBr
_cell_length_a 5.5
_cell_length_b 5.5
_cell_length_c 5.5
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 1'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Li1 Li 0 0 0 1
Br1 Br 0.5 0.5 0.5 1
"""


@pytest.fixture
def source(tmp_path):
    """Write files by name, read their folder (or the given paths in it)."""

    def read(contents, *paths):
        for name, text in contents.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        given = [str(tmp_path / path) for path in paths] or str(tmp_path)
        return list(files.candidates({"path": given}))

    return read


def only_rejected(items):
    (item,) = items
    assert isinstance(item, Rejected), item
    return item


def ids(items):
    return [item.id for item in items if isinstance(item, Candidate)]


def sorted_cell(crystal):
    order = np.lexsort((*np.round(crystal.fractional.T, 6) % 1, crystal.numbers))
    return crystal.numbers[order], np.round(crystal.fractional[order], 6) % 1


def test_the_examples_are_the_crystals_of_the_catalog():
    found = {item.id: item for item in files.candidates({"path": catalog_path("examples")})}
    assert list(found) == ["MgO", "SiC", "nitrides#0", "nitrides#1"]
    names = {"MgO": "MgO-rs", "SiC": "SiC-zb", "nitrides#0": "AlN-wz", "nitrides#1": "GaN-wz"}
    for entry, name in names.items():
        (expected,) = benchmark.candidates({"names": name})
        crystal = found[entry].crystal
        np.testing.assert_allclose(crystal.lattice, expected.crystal.lattice, atol=1e-7)
        for ours, theirs in zip(sorted_cell(crystal), sorted_cell(expected.crystal), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=2e-6)


def test_positions_and_lattice_of_a_poscar_are_kept_as_given(source):
    (item,) = source({"LiBr.vasp": POSCAR})
    np.testing.assert_allclose(item.crystal.lattice, np.eye(3) * A, atol=1e-12)
    np.testing.assert_allclose(item.crystal.fractional, [[0, 0, 0], [0.5, 0.5, 0.5]], atol=1e-12)
    assert item.crystal.numbers.tolist() == [3, 35]


def test_cartesian_positions_scale_with_a_negative_scale_which_is_a_volume(source):
    cube = POSCAR.replace(str(A), "1").replace("\n1.0\n", f"\n{-(A**3)}\n")
    (item,) = source({"LiBr.vasp": cube.replace("Direct", "Cartesian")})
    assert item.crystal.volume == pytest.approx(A**3)
    np.testing.assert_allclose(item.crystal.fractional[1], [0.5, 0.5, 0.5], atol=1e-12)


def test_selective_dynamics_and_pseudopotential_labels_do_not_disturb(source):
    text = POSCAR.replace("Li Br", "Li_sv/0a1b2c Br/3d4e5f").replace("Direct", "Selective\nDirect")
    text = text.replace("0 0 0\n0.5 0.5 0.5\n", "0 0 0 T T F\n0.5 0.5 0.5 F F F\n")
    (item,) = source({"LiBr.vasp": text})
    assert item.crystal.formula == "LiBr"


def test_a_file_named_only_poscar_takes_the_name_of_its_folder(source):
    contents = {"LiBr/POSCAR": POSCAR, "MgO/CONTCAR": POSCAR, "x/POSCAR_KCl": POSCAR}
    assert ids(source(contents | {"POSCAR.NaF": POSCAR})) == ["LiBr", "MgO", "NaF", "KCl"]


def test_a_poscar_without_symbols_is_not_guessed(source):
    item = only_rejected(source({"a.vasp": POSCAR.replace("Li Br\n", "")}))
    assert item.kind == "unreadable_file"
    assert "names no elements" in item.message


def test_a_poscar_cut_short_is_rejected(source):
    for kept in (POSCAR[:-12], POSCAR[:-9], POSCAR[:60]):
        assert only_rejected(source({"a.vasp": kept})).kind == "unreadable_file"


def test_frames_are_numbered_and_a_bad_one_does_not_stop_the_others(source):
    lone = FRAME.replace(f'Lattice="{A} 0 0 0 {A} 0 0 0 {A}" ', "")
    items = source({"run.extxyz": FRAME + lone + FRAME.replace("Br", "Xy") + "\n" + FRAME})
    assert [item.id for item in items] == ["run#0", "run#1", "run#2", "run#3"]
    kinds = [item.kind for item in items if isinstance(item, Rejected)]
    assert kinds == ["not_periodic", "unreadable_file"]


def test_an_xyz_file_that_ends_inside_a_frame_keeps_the_frames_before(source):
    items = source({"run.xyz": FRAME + FRAME[:-17]})
    assert ids(items) == ["run#0"]
    assert items[1].kind == "unreadable_file"


def test_an_xyz_file_without_a_count_is_rejected_from_there_on(source):
    items = source({"run.xyz": FRAME + "Li 0 0 0\n" + FRAME})
    assert ids(items) == ["run#0"]
    assert "where a number of atoms should be" in items[1].message
    assert len(items) == 2


def test_a_slab_is_rejected_as_not_periodic_in_three_directions(source):
    item = only_rejected(source({"slab.xyz": FRAME.replace("Lattice", 'pbc="T T F" Lattice')}))
    assert item.kind == "not_periodic"
    assert "2 of 3 directions" in item.message


def test_metadata_and_hints_come_from_the_comment_line(source):
    extra = 'mp_id=mp-23259 band_gap=5.1 q_mesh="19 19 15" '
    extra += 'fc3_supercell="_JSON [[2, 0, 0], [0, 2, 0], [0, 0, 2]]" '
    (item,) = source({"LiBr.xyz": FRAME.replace("Lattice", extra + "Lattice")})
    assert (item.metadata.mp_id, item.metadata.band_gap) == ("mp-23259", 5.1)
    assert item.metadata.energy_above_hull is None
    assert item.hints.mesh.tolist() == [19, 19, 15]
    assert item.hints.fc3_supercell.tolist() == [[2, 0, 0], [0, 2, 0], [0, 0, 2]]
    assert item.hints.fc2_supercell is None


def test_metadata_that_is_no_number_rejects_the_frame(source):
    bad = FRAME.replace("Lattice", "band_gap=wide Lattice")
    assert "wide" in only_rejected(source({"LiBr.xyz": bad})).message


@pytest.mark.parametrize(
    "sites",
    [
        "Li1 Li 0 0 0 0.5\nBr1 Br 0.5 0.5 0.5 1",  # a vacancy
        "Li1 Li 0 0 0 0.5\nNa1 Na 0 0 0 0.5\nBr1 Br 0.5 0.5 0.5 1",  # two elements on a site
        "Li1 Li 0 0 0 0.999\nBr1 Br 0.5 0.5 0.5 1",
    ],
)
def test_partial_occupancy_is_rejected_not_dropped(source, sites):
    text = CIF.replace("Li1 Li 0 0 0 1\nBr1 Br 0.5 0.5 0.5 1", sites)
    item = only_rejected(source({"mixed.cif": text}))
    assert item.kind == "partial_occupancy"
    assert "mixed.cif" in item.message
    assert "ordered cell" in item.message


def test_two_full_atoms_on_one_site_of_a_cif_overlap(source):
    item = only_rejected(source({"a.cif": CIF.replace("0.5 0.5 0.5", "0 0 0")}))
    assert item.kind == "overlapping_atoms"


def test_atoms_that_overlap_only_through_the_boundary_are_rejected(source):
    text = POSCAR.replace("0.5 0.5 0.5", "0.95 0 0")
    item = only_rejected(source({"a.vasp": text}))
    assert item.kind == "overlapping_atoms"
    assert "0.276 Å apart" in item.message  # 0.05 · 5.513 Å


def test_an_atom_that_overlaps_its_own_image_is_rejected(source):
    text = POSCAR.replace(f"0 0 {A}", "0 0 0.4")
    assert only_rejected(source({"a.vasp": text})).kind == "overlapping_atoms"


def test_hydrogen_molecules_do_not_count_as_overlapping(source):
    text = POSCAR.replace("Li Br\n1 1", "H\n2").replace("0.5 0.5 0.5", "0.1343 0 0")
    assert ids(source({"H2.vasp": text})) == ["H2"]


def test_a_cif_whose_sites_miss_an_element_of_its_formula_is_rejected(source):
    text = CIF.replace("_cell_length_a", "_chemical_formula_sum 'H2 Li Br O'\n_cell_length_a")
    item = only_rejected(source({"hydrate.cif": text}))
    assert item.kind == "incomplete_structure"
    assert "'H2 Li Br O'" in item.message


def test_a_cif_without_space_group_is_not_taken_as_p1(source):
    without = CIF.replace("_symmetry_space_group_name_H-M 'P 1'\n", "")
    unknown = CIF.replace("'P 1'", "'Q -9 q'")
    for text in (without, unknown):
        item = only_rejected(source({"a.cif": text}))
        assert item.kind == "incomplete_structure"
        assert "no space group" in item.message


def test_a_cif_with_only_the_identity_operation_is_read(source):
    operations = "loop_\n_symmetry_equiv_pos_as_xyz\n'x, y, z'\n"
    assert ids(source({"a.cif": CIF.replace("_symmetry_space_group_name_H-M 'P 1'\n", operations)}))


@pytest.mark.parametrize("sites", ["Br1 Br . . . 1", "Wat1 Wat 0.5 0.5 0.5 1"])
def test_a_cif_with_unplaced_atoms_is_rejected(source, sites):
    text = CIF.replace("Br1 Br 0.5 0.5 0.5 1", sites).replace("Li1 Li 0 0 0", "Li1 Li 0.2 0 0")
    assert only_rejected(source({"a.cif": text})).kind == "incomplete_structure"


def test_oxidation_states_of_a_cif_do_not_disturb(source):
    charges = "loop_\n_atom_type_symbol\n_atom_type_oxidation_number\nLi+ 1\nBr- -1\n"
    text = CIF.replace("data_LiBr\n", f"data_LiBr\n_chemical_formula_sum 'Li Br'\n{charges}")
    (item,) = source(
        {"LiBr.cif": text.replace("Li1 Li ", "Li1 Li+ ").replace("Br1 Br ", "Br1 Br- ")}
    )
    assert sorted(item.crystal.numbers.tolist()) == [3, 35]


def test_each_data_block_with_atoms_is_an_entry(source):
    second = CIF.replace("data_LiBr", "data_again").replace("Br 0.5 0.5", "Br 0.5 0.x")
    items = source({"two.cif": "data_global\n_journal_year 2024\n" + CIF + second})
    assert ids(items) == ["two#0"]
    assert items[1].kind == "unreadable_file"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.cif", "no crystal at all"),
        ("a.cif", "data_x\n_cell_length_a 5\n"),
        ("a.cif", CIF.replace("_cell_length_b 5.5\n", "")),
        ("a.cif", CIF.replace("Li1 Li", "Qq1 Qq")),
        ("a.vasp", "no crystal at all"),
        ("a.vasp", POSCAR.replace("Li Br", "Li Qq")),
        ("a.xyz", "\x00\x01\x02"),
        ("a.xyz", FRAME.replace("2.7 2.7", "2.7 nan")),
        ("a.cif", ""),
    ],
)
def test_nonsense_is_an_unreadable_file(source, name, text):
    item = only_rejected(source({name: text}))
    assert item.kind == "unreadable_file"
    assert item.id == "a"
    assert name in item.message


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.xyz", f'0\nLattice="{A} 0 0 0 {A} 0 0 0 {A}"\n'),
        ("a.xyz", FRAME.replace(f'0 0 0 {A}"', '0 0 0 0"')),
        ("a.vasp", POSCAR.replace(f"0 0 {A}", f"0 {A} 0")),
    ],
)
def test_a_cell_without_atoms_or_without_volume_is_empty(source, name, text):
    assert only_rejected(source({name: text})).kind == "empty_cell"


def test_a_file_in_another_encoding_is_read(tmp_path):
    path = tmp_path / "LiBr.cif"
    path.write_bytes("# Müller\n".encode("latin-1") + CIF.encode())
    assert ids(files.candidates({"path": path})) == ["LiBr"]


def test_a_file_that_may_not_be_opened_is_rejected(tmp_path, monkeypatch):
    path = tmp_path / "LiBr.cif"
    path.write_text(CIF)

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "read_text", refuse)
    item = only_rejected(files.candidates({"path": path}))
    assert (item.kind, "Permission denied" in item.message) == ("unreadable_file", True)


def test_of_two_equal_ids_the_second_is_rejected_and_both_files_are_named(source):
    first, second, third = source({"a/LiBr.cif": CIF, "b/LiBr.vasp": POSCAR, "c/LiBr.cif": "?"})
    assert first.id == "LiBr"
    assert (second.kind, third.kind) == ("duplicate_id", "unreadable_file")
    assert "a/LiBr.cif" in second.message
    assert "b/LiBr.vasp" in second.message
    assert len({first.id, second.id, third.id}) == 3


def test_a_bad_file_keeps_its_id_from_a_good_one(source):
    bad, good = source({"a/LiBr.cif": "?", "b/LiBr.vasp": POSCAR})
    assert (bad.id, good.kind) == ("LiBr", "duplicate_id")


def test_a_folder_gives_its_structure_files_sorted_and_passes_over_the_rest(source):
    contents = {
        "b.cif": CIF,
        "sub/a.vasp": POSCAR,
        "README.md": "text",
        ".cache/c.cif": CIF,
        "B.xyz": FRAME,
    }
    assert [item.id for item in source(contents)] == ["B", "b", "a"]


def test_structures_in_an_unknown_format_are_not_passed_over_in_silence(source):
    items = source({"a.xsf": "CRYSTAL", "b.cif.gz": "", "c.cif": CIF})
    assert [getattr(item, "kind", "fine") for item in items] == [
        "unsupported_format",
        "unsupported_format",
        "fine",
    ]
    assert "a.xsf" in items[0].message
    assert ".cif" in items[0].message


def test_a_file_named_explicitly_in_an_unknown_format_is_rejected(source):
    item = only_rejected(source({"notes.txt": "text"}, "notes.txt"))
    assert (item.id, item.kind) == ("notes.txt", "unsupported_format")


def test_globs_and_lists_keep_the_given_order_and_read_a_file_once(source):
    contents = {"x/a.cif": CIF, "x/b.cif": CIF, "y/c.vasp": POSCAR}
    assert ids(source(contents, "y", "x/b.cif", "**/*.cif")) == ["c", "b", "a"]


def test_brackets_in_a_name_are_a_name_first(source):
    assert ids(source({"LiBr[1].cif": CIF, "LiBr1.cif": CIF}, "LiBr[1].cif")) == ["LiBr[1]"]


def test_a_path_that_matches_nothing_is_an_error_that_names_it(source, tmp_path):
    (tmp_path / "empty").mkdir()
    for path in ("none.cif", "*.vasp", "empty"):
        with pytest.raises(CatalogError, match=r"matches no structure file .*supported: CIF"):
            source({"a.cif": CIF}, "a.cif", path)


@pytest.mark.parametrize("options", [{}, {"path": None}, {"path": []}, {"path": 3}])
def test_a_missing_or_wrong_path_is_refused(options):
    with pytest.raises(SettingsError, match="path"):
        files.candidates(options)
