"""The crystal as a flat picture in SVG: for paper, and where ten pictures share a page."""

from __future__ import annotations

from html import escape

import numpy as np
from ase.data import chemical_symbols, covalent_radii
from ase.data.colors import jmol_colors

from dashboard.charts.structure import RADIUS, bonds, cell_edges, drawn_atoms
from screen.core.crystal import Crystal, FloatArray

SIZE = 260.0  # px, the longer side of the picture
MARGIN = 6.0  # px
BEHIND = 1e-3  # Å
TURN, TILT = 24.0, 14.0  # degrees about the vertical, then towards the viewer


def structure_svg(crystal: Crystal) -> str:
    """Draw atoms, bonds and the cell in parallel projection, what is nearer over what is not."""
    numbers, positions = drawn_atoms(crystal)
    turned = positions @ _view().T
    radii = RADIUS * covalent_radii[numbers]
    low = (turned[:, :2] - radii[:, None]).min(axis=0)
    high = (turned[:, :2] + radii[:, None]).max(axis=0)
    scale = (SIZE - 2 * MARGIN) / float((high - low).max())
    width, height = (high - low) * scale + 2 * MARGIN

    def flat(points: FloatArray) -> FloatArray:
        """Å in the view's axes to px; SVG counts downwards."""
        x = (points[:, 0] - low[0]) * scale + MARGIN
        y = (high[1] - points[:, 1]) * scale + MARGIN
        return np.stack([x, y], axis=-1)

    centres = flat(turned)
    # edges of the cell are behind everything: atoms may sit on them
    edges = [flat(edge @ _view().T) for edge in cell_edges(crystal.lattice)]
    parts = [(-np.inf, _line(ends, "#8A929B", 1.2)) for ends in edges]
    for pair in bonds(numbers, positions, crystal):
        parts += _halves(centres[pair], turned[pair, 2], "#B4BAC2", 0.16 * scale)
    for number, centre, depth, radius in zip(
        numbers, centres, turned[:, 2], radii * scale, strict=True
    ):
        parts.append((float(depth), _atom(int(number), centre, float(radius))))
    body = "".join(text for _, text in sorted(parts))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.1f} {height:.1f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img" '
        f'aria-label="Crystal of {escape(crystal.formula)}">{body}</svg>'
    )


def element_colours(crystal: Crystal) -> list[tuple[str, str]]:
    """Return the symbol and the colour of each element, by atomic number."""
    return [
        (chemical_symbols[number], _colour(int(number))) for number in np.unique(crystal.numbers)
    ]


def _view() -> FloatArray:
    """Rotation (3, 3) from Cartesian axes to right, up and towards the viewer."""
    turn, tilt = np.radians([TURN, TILT])
    about_z = np.array(
        [[np.cos(turn), np.sin(turn), 0], [-np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
    )
    upright = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # z up, y away from the viewer
    tilted = np.array(
        [[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]]
    )
    return np.asarray(tilted @ upright @ about_z)


def _halves(
    ends: FloatArray, depths: FloatArray, colour: str, width: float
) -> list[tuple[float, str]]:
    """Draw a line (2, 2) px as two halves, each just behind the atom at its own end."""
    middle = ends.mean(axis=0)
    return [
        (float(depth) - BEHIND, _line(np.stack([end, middle]), colour, width))
        for end, depth in zip(ends, depths, strict=True)
    ]


def _line(ends: FloatArray, colour: str, width: float) -> str:
    (x1, y1), (x2, y2) = ends
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
        f'stroke-width="{width:.1f}" stroke-linecap="round"/>'
    )


def _atom(number: int, centre: FloatArray, radius: float) -> str:
    x, y = centre
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{_colour(number)}" '
        f'stroke="#333" stroke-width="0.8"><title>{chemical_symbols[number]}</title></circle>'
    )


def _colour(number: int) -> str:
    red, green, blue = (255 * jmol_colors[number]).astype(int)
    return f"#{red:02x}{green:02x}{blue:02x}"
