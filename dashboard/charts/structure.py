"""The crystal in three dimensions: spheres, bonds and the cell, drawn by Plotly alone."""

from __future__ import annotations

from itertools import product

import numpy as np
import plotly.graph_objects as go
from ase.data import chemical_symbols, covalent_radii
from ase.data.colors import jmol_colors

from dashboard.charts import style
from screen.core.crystal import Crystal, FloatArray, IntArray

RADIUS = 0.4  # of a sphere, in covalent radii
BOND = 1.15  # longest bond, in nearest-neighbour distances of both atoms
ON_FACE = 1e-3  # fractional; nearer atoms are drawn on the opposite face too
LIGHT = {"x": -1e4, "y": -2e4, "z": -3e4}  # Plotly lights the side that looks away from here
CAMERA = {"eye": {"x": 0.5, "y": 1.05, "z": 0.3}, "projection": {"type": "orthographic"}}


def structure_3d(crystal: Crystal) -> go.Figure:
    """Draw the cell with its atoms, also those on all faces; rotates with the mouse."""
    numbers, positions = drawn_atoms(crystal)
    fig = go.Figure()
    _add_lines(fig, cell_edges(crystal.lattice), style.GREY, 2, "cell")
    pairs = bonds(numbers, positions, crystal)
    _add_lines(fig, [positions[list(pair)] for pair in pairs], "#B4BAC2", 7, "bonds")
    for number in np.unique(numbers):
        _add_element(fig, int(number), positions[numbers == number])
    axis = {"visible": False, "showspikes": False}
    fig.update_layout(
        height=style.HEIGHT,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        legend={"x": 0, "y": 1},
        scene={"aspectmode": "data", "camera": CAMERA, "dragmode": "orbit"}
        | {f"{name}axis": axis for name in "xyz"},
    )
    return fig


def drawn_atoms(crystal: Crystal) -> tuple[IntArray, FloatArray]:
    """Return atomic numbers (n,) and positions (n, 3) Å, those on a face on all of them."""
    inside = crystal.fractional % 1.0
    inside = np.where(inside > 1 - ON_FACE, inside - 1, inside)
    numbers, found = [], []
    for number, atom in zip(crystal.numbers, inside, strict=True):
        ranges = [(0, 1) if abs(x) < ON_FACE else (0,) for x in atom]
        for shift in product(*ranges):
            numbers.append(number)
            found.append(atom + shift)
    return np.array(numbers), np.array(found) @ crystal.lattice


def bonds(numbers: IntArray, positions: FloatArray, crystal: Crystal) -> IntArray:
    """Return pairs (n_bonds, 2) of drawn atoms that are near to each other for both of them."""
    nearest = _nearest_distances(crystal)
    by_element = {n: nearest[crystal.numbers == n].max() for n in np.unique(crystal.numbers)}
    reach = BOND * np.array([by_element[n] for n in numbers])
    distances = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    near = distances <= np.minimum(reach[:, None], reach[None])
    return np.argwhere(np.triu(near, k=1))


def _nearest_distances(crystal: Crystal) -> FloatArray:
    """Distance of each atom to its nearest neighbour in the crystal, (n_atoms,) Å."""
    shifts = np.array(list(product((-1, 0, 1), repeat=3))) @ crystal.lattice
    nearest = np.full(len(crystal), np.inf)
    for shift in shifts:
        vectors = crystal.positions[:, None] - crystal.positions[None] + shift
        distances = np.linalg.norm(vectors, axis=-1)
        distances[distances < 1e-6] = np.inf
        nearest = np.minimum(nearest, distances.min(axis=1))
    return nearest


def cell_edges(lattice: FloatArray) -> list[FloatArray]:
    """Return the 12 edges of the cell, each (2, 3) Å."""
    corners = np.array(list(product((0, 1), repeat=3)))
    return [
        np.array([corner, corner + step]) @ lattice
        for corner in corners
        for step in np.eye(3, dtype=int)
        if (corner + step).max() <= 1
    ]


def _add_lines(
    fig: go.Figure, segments: list[FloatArray], colour: str, width: int, name: str
) -> None:
    """Add segments, each (2, 3) Å, as one trace."""
    gap = np.full((1, 3), np.nan)
    points = np.concatenate([part for item in segments for part in (item, gap)] or [gap])
    fig.add_scatter3d(
        **dict(zip("xyz", points.T, strict=True)),
        mode="lines",
        name=name,
        line={"color": colour, "width": width},
        hoverinfo="skip",
        showlegend=False,
    )


def _add_element(fig: go.Figure, number: int, centres: FloatArray) -> None:
    """Add all atoms of an element as shaded spheres."""
    unit, faces = sphere()
    vertices = centres[:, None] + RADIUS * covalent_radii[number] * unit[None]
    shifts = len(unit) * np.arange(len(centres))
    triangles = (faces[None] + shifts[:, None, None]).reshape(-1, 3)
    red, green, blue = (255 * jmol_colors[number]).astype(int)
    fig.add_mesh3d(
        **dict(zip("xyz", vertices.reshape(-1, 3).T, strict=True)),
        **dict(zip("ijk", triangles.T, strict=True)),
        name=chemical_symbols[number],
        color=f"rgb({red}, {green}, {blue})",
        lighting={
            "ambient": 0.45,
            "diffuse": 0.65,
            "specular": 0.2,
            "roughness": 0.6,
            "fresnel": 0,
        },
        lightposition=LIGHT,
        hoverinfo="name",
        showlegend=True,
    )


def sphere(n: int = 12) -> tuple[FloatArray, IntArray]:
    """Return vertices (n_vertices, 3) of a unit sphere and its triangles (n_triangles, 3)."""
    polar, azimuth = np.meshgrid(
        np.linspace(0, np.pi, n), np.linspace(0, 2 * np.pi, 2 * n, endpoint=False), indexing="ij"
    )
    vertices = np.stack(
        [np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)], axis=-1
    )
    index = np.arange(2 * n * n).reshape(n, 2 * n)
    right = np.roll(index, -1, axis=1)
    a, b, c, d = index[:-1], right[:-1], index[1:], right[1:]
    faces = np.concatenate([np.stack([a, c, b], axis=-1), np.stack([b, c, d], axis=-1)])
    return vertices.reshape(-1, 3), faces.reshape(-1, 3)
