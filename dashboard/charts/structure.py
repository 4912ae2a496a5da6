"""The crystal in three dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screen.core.crystal import Crystal

if TYPE_CHECKING:
    import plotly.graph_objects as go


def structure_3d(crystal: Crystal, height: int = 420) -> go.Figure:
    """Draw the cell with the atoms on its faces; rotates with the mouse, needs WebGL."""
    import pymatviz
    from pymatgen.core import Structure

    structure = Structure(crystal.lattice, crystal.numbers.tolist(), crystal.fractional)
    fig = pymatviz.structure_3d(
        structure,
        atom_size=14,
        show_bonds=False,
        show_cell_faces=False,
        subplot_title=False,
        show_site_vectors=(),
    )
    fig.update_layout(height=height, margin={"l": 0, "r": 0, "t": 0, "b": 0}, title=None)
    return fig
