"""Write force constants as files that phono3py reads."""

from __future__ import annotations

from pathlib import Path

from screen.core.records import ForceConstants
from screen.physics.displacements import restored


def write_phono3py_files(force_constants: ForceConstants, folder: Path) -> list[Path]:
    """Write ``phono3py_params.yaml``, ``fc2.hdf5`` and, if there is one, ``fc3.hdf5``.

    ``phono3py-load`` in that folder continues from there.
    """
    from phono3py.file_IO import write_fc2_to_hdf5, write_fc3_to_hdf5

    folder.mkdir(parents=True, exist_ok=True)
    phono3py = restored(force_constants)
    primitive = phono3py.primitive
    params, fc2, fc3 = (folder / name for name in ("phono3py_params.yaml", "fc2.hdf5", "fc3.hdf5"))
    phono3py.save(str(params), settings={"force_sets": False, "displacements": False})
    write_fc2_to_hdf5(
        phono3py.fc2,
        filename=str(fc2),
        p2s_map=phono3py.phonon_primitive.p2s_map,
        physical_unit="eV/angstrom^2",
    )
    if force_constants.fc3 is None:
        return [params, fc2]
    write_fc3_to_hdf5(phono3py.fc3, filename=str(fc3), p2s_map=primitive.p2s_map)
    return [params, fc2, fc3]
