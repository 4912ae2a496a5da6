"""The figures of a report: those of the dashboard, sized for paper, without WebGL.

A browser keeps some ten WebGL pictures on a page, so crystals are flat drawings here and no figure
has a point per phonon mode.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import plotly.graph_objects as go

from dashboard import comparison
from dashboard.charts.bands import band_structure
from dashboard.charts.comparison import EXPANSION, PARTS
from dashboard.charts.comparison import comparison as comparison_chart
from dashboard.charts.conductivity import conductivity_curve
from dashboard.charts.dos import density_of_states
from dashboard.charts.expansion import expansion_curve
from dashboard.charts.spectra import spectral_curve
from dashboard.comparison import Entry
from dashboard.report.records import Records
from screen.core.experiment import Measurement, measured
from screen.core.records import Conductivity, Expansion, Phonons, Relaxed

WIDTH, HEIGHT = 345, 250  # px: two beside each other on A4
WIDE = 700  # px


def overview_figures(entries: Sequence[Entry]) -> list[tuple[str, go.Figure]]:
    """Return κ(T) and α(T) of all results."""
    found = []
    for title, curves, quantity in (
        ("Thermal conductivity", comparison.conductivities(entries, "κ"), PARTS["κ"]),
        ("Thermal expansion", comparison.expansions(entries), EXPANSION),
    ):
        if curves:
            found.append((title, _sized(comparison_chart(curves, quantity), WIDE, 330)))
    return found


def material_figures(
    entries: Sequence[Entry], records: Records, temperature: float
) -> list[tuple[str, go.Figure]]:
    """Return the figures of one material.

    Parameters
    ----------
    entries
        Its results; several share the figures of κ(T) and α(T).
    records
        Of the result whose phonons are drawn.
    temperature
        K, of κ(ω): the nearest one that was computed.
    """
    row = records.result.row
    known = measured(row["formula"], row["prototype"])
    figures = [
        *_transport(entries, records, known, temperature),
        *_bands(records),
        *_dilation(entries, records, known),
    ]
    return [(title, _sized(figure, WIDTH, HEIGHT)) for title, figure in figures]


def _transport(
    entries: Sequence[Entry], records: Records, known: Sequence[Measurement], temperature: float
) -> Iterator[tuple[str, go.Figure]]:
    """Yield κ(T), and what carries it."""
    curves = comparison.conductivities(entries, "κ")
    record = records.get("conductivity", Conductivity)
    if len(curves) > 1:
        yield "Thermal conductivity", comparison_chart(curves, PARTS["κ"])
    elif record is not None:
        reference = records.result.reference_300
        yield "Thermal conductivity", conductivity_curve(record, reference, measured=known)
    if record is not None:
        index = int(abs(record.temperatures - temperature).argmin())
        at = f"{record.temperatures[index]:g} K"
        yield f"Heat carriers at {at}", spectral_curve(record, index)


def _bands(records: Records) -> Iterator[tuple[str, go.Figure]]:
    """Yield the phonon bands."""
    phonons = records.get("stability", Phonons)
    if phonons is not None:
        figure = band_structure(phonons.bands, density_of_states(phonons))
        yield "Phonon bands and density of states", figure


def _dilation(
    entries: Sequence[Entry], records: Records, known: Sequence[Measurement]
) -> Iterator[tuple[str, go.Figure]]:
    """Yield α(T)."""
    curves = comparison.expansions(entries)
    record, relaxed = records.get("expansion", Expansion), records.get("relax", Relaxed)
    if len(curves) > 1:
        yield "Thermal expansion", comparison_chart(curves, EXPANSION)
    elif record is not None:
        lattice = None if relaxed is None else relaxed.crystal.lattice
        yield "Thermal expansion", expansion_curve(record, lattice, known)


def _sized(figure: go.Figure, width: int, height: int) -> go.Figure:
    """Fit a figure to its place on paper."""
    figure.update_layout(
        template="plotly_white",
        width=width,
        height=height,
        font={"size": 10},
        margin={"l": 58, "r": 58 if "yaxis2" in figure.layout else 12, "t": 48, "b": 44},
        legend={"font": {"size": 9}},
    )
    return figure
