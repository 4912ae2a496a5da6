"""Choose the q-mesh of a primitive cell."""

from __future__ import annotations

from phonopy.phonon.grid import length2mesh
from phonopy.structure.cells import get_primitive
from phonopy.structure.symmetry import Symmetry

from screen.core.errors import DisplacementError
from screen.core.records import ForceConstants, Hints
from screen.core.settings import MeshSettings
from screen.physics.convert import to_phonopy
from screen.physics.displacements import SYMPREC

Mesh = tuple[int, int, int]


def mesh_of(force_constants: ForceConstants, hints: Hints, settings: MeshSettings) -> Mesh:
    """Mesh of the primitive cell, equal along symmetry-equivalent axes.

    Raises
    ------
    DisplacementError
        The protocol wants the catalog's mesh and the catalog gives none.
    """
    if settings.rule == "density":
        primitive = get_primitive(
            to_phonopy(force_constants.unitcell), force_constants.primitive_matrix
        )
        rotations = Symmetry(primitive, symprec=SYMPREC).pointgroup_operations
        a, b, c = length2mesh(settings.length, primitive.cell, rotations=rotations)
        return (int(a), int(b), int(c))
    if hints.mesh is None:
        raise DisplacementError(
            "the protocol takes the q-mesh from the catalog and this entry has none; "
            "use a protocol with mesh.rule = 'density', e.g. screen",
            kind="no_mesh_hint",
        )
    a, b, c = (int(n) for n in hints.mesh)
    return (a, b, c)
