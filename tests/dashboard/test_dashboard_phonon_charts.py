"""Density of states, linewidths, mean free paths, ranges and experiments: exactly their numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest

from dashboard.charts.bands import band_structure
from dashboard.charts.conductivity import conductivity_curve
from dashboard.charts.dos import density_of_states
from dashboard.charts.expansion import expansion_curve
from dashboard.charts.lifetimes import lifetime_scatter
from dashboard.charts.spectra import mean_free_path_curve
from dashboard.spread import Spread
from screen.core.experiment import Measurement

from .conftest import RECIPES, conductivity_of, expansion_of, phonons_of

LIBR = RECIPES[0]


def trace(fig: go.Figure, name: str) -> go.Scatter:
    return next(item for item in fig.data if item.name == name)


def test_density_of_states_counts_every_band() -> None:
    phonons = phonons_of(LIBR)
    found = density_of_states(phonons)
    step = found.frequencies[1] - found.frequencies[0]
    assert found.states.sum() * step == pytest.approx(6)
    assert found.frequencies[0] < 0
    assert found.frequencies[-1] > 9.0
    assert (found.states >= 0).all()


def test_stars_weigh_in_the_density_of_states() -> None:
    phonons = phonons_of(LIBR)
    q, frequencies = phonons.q[:2], np.array([[2.0] * 6, [8.0] * 6])
    two = replace(phonons, q=q, weights=np.array([1, 3]), frequencies=frequencies)
    found = density_of_states(two)
    step = found.frequencies[1] - found.frequencies[0]
    below = found.states[found.frequencies < 5].sum() * step
    assert below == pytest.approx(6 / 4)


def test_unstable_crystals_have_states_below_zero() -> None:
    found = density_of_states(phonons_of(LIBR, imaginary=True))
    assert found.states[found.frequencies < -0.2].sum() > 0


def test_density_of_states_shares_the_axis_of_the_bands() -> None:
    phonons = phonons_of(LIBR)
    fig = band_structure(phonons.bands, density_of_states(phonons))
    density = trace(fig, "DOS")
    assert (density.xaxis, density.yaxis) == ("x2", None)  # None: the first
    assert fig.layout.xaxis2.title.text == "DOS [1/THz]"
    assert fig.layout.xaxis.domain[1] < fig.layout.xaxis2.domain[0]
    assert fig.layout.xaxis.ticktext == ("Γ", "X", "U|K", "Γ")
    assert fig.layout.xaxis2.ticktext is None


def test_linewidths_are_inverse_lifetimes_with_the_same_limits() -> None:
    record = conductivity_of(LIBR)
    by_time, by_width = (lifetime_scatter(record, 2, name) for name in ("lifetime", "linewidth"))
    shown = (record.frequencies > 0) & (record.linewidths[2] > 0)
    widths = trace(by_width, "phonon modes").y
    assert sorted(widths) == pytest.approx(sorted(record.linewidths[2][shown]))
    assert widths == pytest.approx(1 / (2 * np.pi * np.array(trace(by_time, "phonon modes").y)))
    limit = trace(by_width, "Ioffe–Regel limit: width = frequency")
    assert limit.y == pytest.approx(limit.x)
    assert trace(by_width, "Wigner limit").y[0] == pytest.approx(record.frequencies.max() / 6)
    assert by_width.layout.yaxis.title.text == "linewidth (FWHM) [THz]"
    assert "width = %{y:.3g} THz" in trace(by_width, "phonon modes").hovertemplate


def test_accumulation_over_mean_free_paths_ends_at_kappa_with_coherences() -> None:
    record = conductivity_of(LIBR)
    populations, everything, _ = mean_free_path_curve(record, 2).data
    assert everything.y[-1] - populations.y[-1] == pytest.approx(0.05 * 1.8)
    assert (np.diff(everything.y) >= -1e-12).all()


def test_range_of_the_potentials_encloses_the_curve() -> None:
    record = conductivity_of(LIBR)
    kappa = 1.8 * 300 / record.temperatures
    fig = conductivity_curve(record, spread=Spread(record.temperatures, 0.5 * kappa, 2 * kappa, 3))
    shade = fig.data[0]
    assert shade.name == "range of 3 potentials"
    assert shade.y[0] == pytest.approx(2 * kappa[0])
    assert shade.y[-1] == pytest.approx(0.5 * kappa[0])
    expansion = expansion_of(LIBR)
    grid = expansion.temperatures
    fig = expansion_curve(expansion, spread=Spread(grid, 0 * grid, 0 * grid + 1e-5, 2))
    assert max(fig.data[0].y) == pytest.approx(10.0)  # 10⁻⁶/K


def measurement(**changed: object) -> Measurement:
    values = {
        **{"formula": "LiBr", "prototype": "rocksalt", "mp_id": None, "property": "kappa"},
        **{"value": 1.83, "uncertainty": 0.1, "temperature": 300.0, "temperature_to": None},
        "citation": "A. Author (1980)",
    }
    return Measurement(**{**values, **changed})  # type: ignore[arg-type]


def test_measured_conductivities_are_drawn_with_uncertainty_and_citation() -> None:
    fig = conductivity_curve(conductivity_of(LIBR), measured=[measurement()])
    point = trace(fig, "experiment")
    assert (point.x, point.y) == ((300.0,), (1.83,))
    assert point.error_y.array == (0.1,)
    assert "A. Author (1980)" in point.hovertemplate


@pytest.mark.parametrize(
    "changed", [{"temperature": None}, {"temperature_to": 400.0}, {"property": "alpha"}]
)
def test_measurements_without_one_temperature_are_not_drawn(changed: dict[str, object]) -> None:
    fig = conductivity_curve(conductivity_of(LIBR), measured=[measurement(**changed)])
    assert len(fig.data) == 3
