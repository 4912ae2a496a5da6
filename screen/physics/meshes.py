"""Choose the q-mesh of a primitive cell."""

from __future__ import annotations

from typing import Any

from screen.core.errors import DisplacementError
from screen.core.records import Hints
from screen.core.settings import MeshSettings

Mesh = tuple[int, int, int]


def mesh_of(phono3py: Any, hints: Hints, settings: MeshSettings) -> Mesh:
    """Mesh of the primitive cell, equal along symmetry-equivalent axes.

    Raises
    ------
    DisplacementError
        The protocol wants the catalog's mesh and the catalog gives none.
    """
    from phonopy.phonon.grid import length2mesh

    if settings.rule == "density":
        rotations = phono3py.primitive_symmetry.pointgroup_operations
        a, b, c = length2mesh(settings.length, phono3py.primitive.cell, rotations=rotations)
        return (int(a), int(b), int(c))
    if hints.mesh is None:
        raise DisplacementError(
            "the protocol takes the q-mesh from the catalog and this entry has none; "
            "use a protocol with mesh.rule = 'density', e.g. screen",
            kind="no_mesh_hint",
        )
    a, b, c = (int(n) for n in hints.mesh)
    return (a, b, c)
