"""Charts hold exactly the record's numbers and say their units."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pyarrow as pa
import pytest

from dashboard.charts import style
from dashboard.charts.bands import band_structure
from dashboard.charts.conductivity import conductivity_curve
from dashboard.charts.expansion import expansion_curve, gruneisen_scatter
from dashboard.charts.lifetimes import lifetime_scatter
from dashboard.charts.progress import cost_bars, status_bars, time_unit
from dashboard.charts.ranking import ranking_scatter
from dashboard.charts.spectra import coherence_map, mean_free_path_curve, spectral_curve
from dashboard.charts.structure import bonds, cell_edges, drawn_atoms, sphere, structure_3d
from dashboard.rankings.criteria import CRITERIA
from screen.core.experiment import measured

from .conftest import RECIPES, bands_of, conductivity_of, crystal_of, expansion_of, phonons_of

LIBR, MGO, _, SIC, *_ = RECIPES


def titles(fig: go.Figure) -> tuple[str, str]:
    return fig.layout.xaxis.title.text, fig.layout.yaxis.title.text


def trace(fig: go.Figure, name: str) -> go.Scatter:
    return next(item for item in fig.data if item.name == name)


def test_conductivity_curve_splits_kappa_into_populations_and_coherences() -> None:
    record = conductivity_of(LIBR)
    fig = conductivity_curve(record)
    total, populations, coherences = fig.data
    assert populations.y == pytest.approx(0.95 * 1.8 * 300 / record.temperatures)
    assert total.y == pytest.approx(np.add(populations.y, coherences.y))
    assert total.x == pytest.approx(record.temperatures)
    assert titles(fig) == ("T [K]", "κ [W/m/K]")
    assert fig.layout.yaxis.type == "log"


def test_conductivity_curve_marks_the_reference_at_300_kelvin() -> None:
    fig = conductivity_curve(conductivity_of(LIBR), reference_300=2.07, scale="linear")
    reference = trace(fig, "DFT reference")
    assert (reference.x, reference.y) == ((300.0,), (2.07,))
    assert fig.layout.yaxis.type is None


def test_conductivity_curve_without_coherences_keeps_a_finite_axis() -> None:
    record = conductivity_of(LIBR)
    fig = conductivity_curve(replace(record, kappa_c=np.zeros_like(record.kappa_c)))
    assert fig.layout.yaxis.dtick in {"D2", 1}


def test_band_structure_breaks_lines_where_segments_meet() -> None:
    bands = bands_of(9.0)
    fig = band_structure(bands)
    assert len(fig.data) == 6
    line = np.array(fig.data[0].y, dtype=float)
    assert np.isnan(line).sum() == 2  # three segments
    assert line[~np.isnan(line)] == pytest.approx(bands.frequencies[:, 0])
    assert fig.layout.xaxis.ticktext == ("Γ", "X", "U|K", "Γ")
    assert fig.layout.xaxis.tickvals == pytest.approx(bands.label_positions)
    assert titles(fig) == ("wave vector", "frequency [THz]")


def test_imaginary_bands_are_negative_and_shaded() -> None:
    stable, unstable = phonons_of(LIBR), phonons_of(LIBR, imaginary=True)
    assert not [item for item in band_structure(stable.bands).layout.shapes if item.type == "rect"]
    fig = band_structure(unstable.bands)
    (shade,) = (item for item in fig.layout.shapes if item.type == "rect")
    assert shade.y1 == 0
    assert shade.y0 < np.nanmin(fig.data[0].y) < 0


def test_lifetimes_show_every_mode_that_a_logarithm_can_show() -> None:
    record = conductivity_of(LIBR)
    fig = lifetime_scatter(record, 4)
    modes = trace(fig, "phonon modes")
    shown = (record.frequencies > 0) & (record.linewidths[4] > 0)
    assert len(modes.x) == shown.sum() == shown.size - 3  # the acoustic modes at Γ
    expected = 1 / (2 * np.pi * record.linewidths[4][shown])  # ps
    assert sorted(modes.y) == pytest.approx(sorted(expected))
    contributions = np.array(modes.customdata)[:, 0]
    assert contributions.sum() == pytest.approx(100.0)
    assert (np.diff(contributions) <= 0).all()  # the smallest point is drawn last
    assert titles(fig) == ("frequency [THz]", "lifetime τ [ps]")
    assert modes.marker.colorbar.title.text == "coherences in κ of the mode [%]"


def test_area_of_a_mode_is_its_contribution_and_colour_its_origin() -> None:
    record = conductivity_of(LIBR)
    modes = trace(lifetime_scatter(record, 2), "phonon modes")
    sizes, shares = np.array(modes.marker.size), np.array(modes.customdata)
    large = sizes > sizes.min()
    ratio = (sizes[large] / sizes.max()) ** 2
    assert ratio == pytest.approx(shares[large, 0] / shares[:, 0].max())
    coherent = (shares[:, 0] * shares[:, 1]).sum() / 100
    assert coherent == pytest.approx(5.0)  # % of κ at 300 K
    assert list(modes.marker.color) == pytest.approx(shares[:, 1])


def test_limits_are_those_of_widths_equal_to_spacing_and_to_frequency() -> None:
    record = conductivity_of(LIBR)
    fig = lifetime_scatter(record, 2)
    ioffe_regel = trace(fig, "Ioffe–Regel limit: τ = 1/ω")
    assert 1 / (2 * np.pi * np.array(ioffe_regel.y)) == pytest.approx(np.array(ioffe_regel.x))
    wigner = trace(fig, "Wigner limit")
    assert 1 / (2 * np.pi * wigner.y[0]) == pytest.approx(record.frequencies.max() / 6)


def test_many_modes_are_drawn_by_webgl() -> None:
    record = conductivity_of(LIBR)
    fold = 40
    many = replace(
        record,
        weights=np.tile(record.weights, fold),
        frequencies=np.tile(record.frequencies, (fold, 1)),
        linewidths=np.tile(record.linewidths, (1, fold, 1)),
        pair_velocities=np.tile(record.pair_velocities, (fold, 1, 1)),
    )
    assert lifetime_scatter(many, 2).data[0].type == "scattergl"
    assert lifetime_scatter(record, 2).data[0].type == "scatter"


def test_spectra_and_their_integral_end_at_the_conductivity() -> None:
    record = conductivity_of(LIBR)
    populations, coherences, cumulative = spectral_curve(record, 2).data
    step = populations.x[1] - populations.x[0]
    assert sum(populations.y) * step == pytest.approx(0.95 * 1.8)
    assert sum(coherences.y) * step == pytest.approx(0.05 * 1.8)
    assert cumulative.y[-1] == pytest.approx(1.8)
    assert cumulative.yaxis == "y2"
    fig = spectral_curve(record, 2)
    assert titles(fig) == ("frequency [THz]", "κ(ω) [W/m/K/THz]")
    assert fig.layout.yaxis2.title.text == "cumulative κ [W/m/K]"


def test_mean_free_paths_accumulate_populations_and_mark_their_half() -> None:
    record = conductivity_of(LIBR)
    fig = mean_free_path_curve(record, 2)
    curve, total, half = fig.data
    assert total.y[-1] == pytest.approx(1.8)  # each coherence at the paths of its two modes
    assert (np.array(total.y) >= curve.y).all()
    assert curve.y[0] < 0.01 * 1.8
    assert curve.y[-1] == pytest.approx(0.95 * 1.8)
    median = half.x[1]
    below, above = np.interp([0.98 * median, 1.02 * median], curve.x, curve.y)
    assert below < 0.95 * 0.9 < above
    assert half.y[1] == pytest.approx(0.95 * 0.9)
    assert half.text[1].strip() == f"half: {median:.3g} nm"
    assert titles(fig) == ("mean free path Λ [nm]", "κ up to Λ [W/m/K]")
    assert fig.layout.xaxis.type == "log"


def test_coherence_map_is_symmetric_and_blank_where_nothing_tunnels() -> None:
    record = conductivity_of(LIBR)
    fig = coherence_map(record, 2)
    plane = np.array(fig.data[0].z, dtype=float)
    assert np.array_equal(plane, plane.T, equal_nan=True)
    values = np.array(fig.data[0].customdata, dtype=float)
    step = fig.data[0].x[1] - fig.data[0].x[0]
    assert values.sum() * step**2 == pytest.approx(0.05 * 1.8)
    assert np.nanmax(plane) == pytest.approx(np.log10(values.max()))
    assert np.nanmin(plane) >= np.nanmax(plane) - 3
    assert np.isnan(plane).any()


def test_expansion_is_plotted_in_millionths() -> None:
    record = expansion_of(LIBR)
    fig = expansion_curve(record)
    assert fig.data[0].y == pytest.approx(1e6 * record.alpha_linear)
    assert titles(fig) == ("T [K]", "α<sub>L</sub> [10⁻⁶/K]")


def test_third_order_force_constants_alone_are_drawn_where_they_differ() -> None:
    record = expansion_of(LIBR)
    same = replace(record, alpha_fc3=record.alpha)
    assert len(expansion_curve(same).data) == 1
    _, other = expansion_curve(replace(record, alpha_fc3=1.2 * record.alpha)).data
    assert other.name == "fc3 alone"
    np.testing.assert_allclose(other.y, 1.2e6 * record.alpha_linear)


def test_negative_expansion_gets_a_line_at_zero() -> None:
    record = expansion_of(LIBR)
    assert not expansion_curve(record).layout.shapes
    assert expansion_curve(replace(record, alpha=-record.alpha)).layout.shapes


def test_axes_that_expand_differently_have_their_own_curves() -> None:
    record = expansion_of(LIBR)
    lattice = np.array([[3.0, 0, 0], [-1.5, 2.6, 0], [0, 0, 5.0]])
    assert len(expansion_curve(record, lattice).data) == 1
    uniaxial = replace(record, alpha=record.alpha * [1.0, 1, 0.5, 0, 0, 0])
    fig = expansion_curve(uniaxial, lattice)
    along_a, along_c, mean = fig.data
    assert (along_a.name, along_c.name) == ("α<sub>a</sub>", "α<sub>c</sub>")
    assert along_c.y == pytest.approx(along_a.y / 2)
    assert mean.y == pytest.approx((2 * along_a.y + along_c.y) / 3)


def test_measured_expansions_are_drawn_with_their_citation() -> None:
    record = expansion_of(SIC)
    known = measured("GaAs", "zincblende")
    fig = expansion_curve(record, measured=known)
    expected = [
        1e6 * item.value
        for item in known
        if item.property == "alpha" and item.temperature and item.temperature_to is None
    ]
    assert expected
    drawn = [item for item in fig.data if item.name == "experiment"]
    assert [item.y[0] for item in drawn] == pytest.approx(expected)
    assert known[0].citation.split(",")[0] in "".join(item.hovertemplate for item in drawn)
    assert not measured("GaAs", "wurtzite")


def test_mode_gruneisen_parameters_are_plotted_over_the_spectrum() -> None:
    record = expansion_of(LIBR)
    gamma = record.mode_gruneisen.copy()
    gamma[0, :3] = 0.0  # acoustic modes at Γ
    (points,) = gruneisen_scatter(replace(record, mode_gruneisen=gamma)).data
    assert len(points.x) == gamma[..., 0].size - 3
    assert points.y == pytest.approx(1.6)


def ranked(**changed: list[object]) -> pa.Table:
    columns: dict[str, list[object]] = {
        "material_id": ["a", "b", "c"],
        "formula": ["LiBr", "MgO", "SiC"],
        "prototype": ["rocksalt", "rocksalt", None],
        "temperature": [300.0, 300.0, 300.0],
        "kappa": [1.8, 55.0, 430.0],
        "coherence_share": [0.05, 0.01, 0.001],
        "expansion": [5e-5, 1.1e-5, None],
        "kappa_reference_300": [2.0, 60.0, 400.0],
    }
    return pa.table(columns | changed)


def test_ranking_points_carry_their_material() -> None:
    fig = ranking_scatter(ranked(), CRITERIA["thermal expansion"])
    (points,) = fig.data  # c has no expansion
    assert points.name == "rocksalt"
    assert [item[0] for item in points.customdata] == ["a", "b"]
    assert points.x == pytest.approx([50.0, 11.0])
    assert points.y == pytest.approx([1.8, 55.0])
    assert titles(fig) == ("α [10⁻⁶/K]", "κ (300 K) [W/m/K]")
    assert (fig.layout.xaxis.type, fig.layout.yaxis.type) == ("log", "log")


def test_negative_expansion_makes_the_axis_linear_so_that_no_point_is_lost() -> None:
    fig = ranking_scatter(ranked(expansion=[5e-5, -1e-6, None]), CRITERIA["thermal expansion"])
    assert fig.layout.xaxis.type is None
    assert fig.layout.yaxis.type == "log"


def test_comparison_with_the_reference_shows_the_line_of_agreement() -> None:
    fig = ranking_scatter(ranked(), CRITERIA["DFT reference"])
    assert [item.name for item in fig.data] == ["rocksalt", "other", "agreement"]
    assert fig.data[2].x == fig.data[2].y == (1.8, 430.0)


def test_ranking_without_any_value_is_an_empty_figure() -> None:
    empty = ranked().slice(0, 0)
    assert not ranking_scatter(empty, CRITERIA["share of coherences"]).data


def test_rare_prototypes_share_one_colour() -> None:
    names = [f"type {index}" for index in range(20)]
    table = pa.table(
        {
            "material_id": names,
            "formula": names,
            "prototype": ["rocksalt", "rocksalt", *names[2:]],
            "temperature": [300.0] * 20,
            "kappa": np.arange(1.0, 21.0),
            "coherence_share": [0.1] * 20,
        }
    )
    fig = ranking_scatter(table, CRITERIA["share of coherences"])
    assert len(fig.data) == len(style.CATEGORIES)
    assert sum(len(item.x) for item in fig.data) == 20


def test_status_bars_add_up_to_all_materials() -> None:
    counts = pa.table(
        {
            "model": ["mace", "mace", None],
            "protocol": ["quick", "quick", None],
            "status": ["complete", "failed", "pending"],
            "materials": [7, 2, 1],
        }
    )
    fig = status_bars(counts)
    assert [(item.name, item.x[0], item.y[0]) for item in fig.data] == [
        ("complete", 7, "mace · quick"),
        ("failed", 2, "mace · quick"),
        ("pending", 1, "not started"),
    ]
    assert fig.layout.xaxis.title.text == "materials"


def test_cost_bars_choose_a_readable_unit() -> None:
    costs = pa.table(
        {
            "stage": ["fc3_forces", "relax"],
            "wall_s": [7200.0, 1800.0],
            "executions": [3, 4],
            "evaluations": [900, 60],
        }
    )
    fig = cost_bars(costs)
    assert fig.layout.xaxis.title.text == "wall time [h]"
    assert dict(zip(fig.data[0].y, fig.data[0].x, strict=True)) == {"fc3_forces": 2.0, "relax": 0.5}
    assert [time_unit(seconds)[1] for seconds in (0.0, 59.0, 60.0, 3600.0)] == [
        "s",
        "s",
        "min",
        "h",
    ]


def test_atoms_on_faces_are_drawn_on_all_of_them() -> None:
    numbers, positions = drawn_atoms(crystal_of(LIBR))
    assert (numbers == 3).sum() == 14  # face-centred cubic: 8 corners and 6 faces
    assert (numbers == 35).sum() == 13  # 12 edges and the centre
    assert positions.max() == pytest.approx(LIBR.a)


def test_bonds_join_nearest_neighbours_only() -> None:
    crystal = crystal_of(SIC)
    numbers, positions = drawn_atoms(crystal)
    pairs = bonds(numbers, positions, crystal)
    lengths = np.linalg.norm(positions[pairs[:, 0]] - positions[pairs[:, 1]], axis=1)
    assert lengths == pytest.approx(np.full(16, np.sqrt(3) / 4 * SIC.a))  # 4 C with 4 bonds
    assert (numbers[pairs[:, 0]] != numbers[pairs[:, 1]]).all()


def test_cell_has_twelve_edges_of_its_own_lengths() -> None:
    edges = cell_edges(np.diag([2.0, 3.0, 5.0]))
    lengths = sorted(float(np.linalg.norm(b - a)) for a, b in edges)
    assert lengths == [2.0] * 4 + [3.0] * 4 + [5.0] * 4


def test_sphere_is_closed_and_round() -> None:
    vertices, faces = sphere()
    assert np.linalg.norm(vertices, axis=1) == pytest.approx(1.0)
    corners = vertices[faces]
    volume = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    assert volume == pytest.approx(4 / 3 * np.pi, rel=0.06)  # positive: faces look outwards


def test_structure_has_one_trace_per_element() -> None:
    fig = structure_3d(crystal_of(MGO))
    assert [item.name for item in fig.data if item.type == "mesh3d"] == ["O", "Mg"]
    assert fig.layout.scene.aspectmode == "data"


def test_subscripts_are_written_as_subscripts() -> None:
    assert style.pretty("κ_P (populations)") == "κ<sub>P</sub> (populations)"
    assert style.pretty("T [K]") == "T [K]"
