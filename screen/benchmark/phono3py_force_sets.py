"""Force sets that phono3py wrote: ``phono3py_params.yaml``, or displacements and FORCES_FC3.

``phono3py.load`` would also take BORN, FORCES_FC3 and fc3.hdf5 of the working directory: the files
are read one by one instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from screen.benchmark.force_sets import (
    DisplacedForces,
    ForceSet,
    finite_forces,
    known,
    members_of,
    name_of,
    unusable,
)
from screen.core.records import Metadata, Nac
from screen.physics.convert import from_phonopy

NAC_FACTOR = 14.399652  # eV·Å, of files in Å and eV that do not give it


def read_phono3py(path: Path) -> ForceSet:
    """Read a file, or the folder of one compound.

    Raises
    ------
    ForceConstantsError
        See ``read_force_set``.
    """
    file = _file_of(path)
    content = _parsed(file)
    if path.is_dir():
        _add_forces(path, content)
    if content.dataset is None or not _has_forces(content.dataset):
        raise unusable(file, "holds no forces for fc3; save it with settings={'force_sets': True}")
    if content.phonon_supercell_matrix is not None and (
        content.phonon_dataset is None or not _has_forces(content.phonon_dataset)
    ):
        raise unusable(file, "holds no forces for the supercell of fc2")
    return _force_set(path, file, content)


def _file_of(path: Path) -> Path:
    if not path.is_dir():
        return path
    files = members_of(path)
    if len(files) != 1:
        names = ", ".join(file.name for file in files)
        raise unusable(path, f"holds {names or 'no force set'}; leave one file")
    return files[0]


def _parsed(file: Path) -> Any:
    """Return phono3py's view of a file in Å and eV."""
    from phono3py.interface.phono3py_yaml import Phono3pyYaml
    from yaml import YAMLError

    content = Phono3pyYaml()
    try:
        content.read(file)
    except (OSError, EOFError, ValueError, KeyError, TypeError, YAMLError) as error:
        reason = " ".join(str(error).split())
        raise unusable(file, f"is no file of phono3py ({reason})") from error
    if content.unitcell is None or content.supercell_matrix is None:
        raise unusable(file, "holds no unit cell or no supercell matrix; is it of phono3py?")
    if content.calculator not in {None, "vasp"}:
        raise unusable(file, f"is in the units of {content.calculator}; convert it to Å and eV/Å")
    return content


def _add_forces(folder: Path, content: Any) -> None:
    """Add FORCES_FC3 and FORCES_FC2 of the folder to displacements that have no forces."""
    from phono3py.file_IO import parse_FORCES_FC2, parse_FORCES_FC3

    for name, parse, dataset in (
        ("FORCES_FC3", parse_FORCES_FC3, content.dataset),
        ("FORCES_FC2", parse_FORCES_FC2, content.phonon_dataset),
    ):
        files = sorted(folder.glob(f"{name}*"))
        if not files or dataset is None or _has_forces(dataset):
            continue
        try:
            parse(dataset, filename=files[0])
        except (OSError, ValueError, KeyError, IndexError) as error:
            raise unusable(files[0], f"does not fit the displacements ({error})") from error


def _has_forces(dataset: Mapping[str, Any]) -> bool:
    if "first_atoms" not in dataset:
        return "forces" in dataset
    return all("forces" in displaced for displaced in _displaced(dataset))


def _displaced(dataset: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Displacements of a finite-difference data set that have a supercell of their own."""
    firsts = dataset["first_atoms"]
    seconds = [second for first in firsts for second in first.get("second_atoms", ())]
    return [*firsts, *(second for second in seconds if second.get("included", True))]


def _force_set(path: Path, file: Path, content: Any) -> ForceSet:
    candidate = known(name_of(path))
    fc3_supercell = np.array(content.supercell_matrix)
    fc2_supercell = content.phonon_supercell_matrix
    _check(file, "the forces for fc3", content.dataset, len(content.unitcell), fc3_supercell)
    if fc2_supercell is not None:
        fc2 = (content.phonon_dataset, len(content.unitcell), np.array(fc2_supercell))
        _check(file, "the forces for fc2", *fc2)
    return ForceSet(
        compound=name_of(path) if candidate is None else candidate.id,
        path=path,
        unitcell=from_phonopy(content.unitcell),
        own_cell=True,
        fc2_supercell=fc3_supercell if fc2_supercell is None else np.array(fc2_supercell),
        fc3_supercell=fc3_supercell,
        forces=DisplacedForces(
            fc3=content.dataset,
            fc2=None if fc2_supercell is None else content.phonon_dataset,
            primitive_matrix=content.primitive_matrix,
            nac=_nac(content.nac_params),
        ),
        mesh=None if candidate is None else candidate.hints.mesh,
        metadata=Metadata() if candidate is None else candidate.metadata,
    )


def _check(file: Path, name: str, dataset: Mapping[str, Any], n_atoms: int, supercell: Any) -> None:
    """Refuse forces that are not finite or not those of all atoms of the supercell."""
    each = (
        [displaced["forces"] for displaced in _displaced(dataset)]
        if "first_atoms" in dataset
        else dataset["forces"]
    )
    expected = n_atoms * round(abs(np.linalg.det(supercell)))
    for number, forces in enumerate(each):
        if np.shape(forces) != (expected, 3):
            raise unusable(
                file,
                f"{name} of supercell {number} (from 0) are of shape {np.shape(forces)}, its "
                f"{expected} atoms need {(expected, 3)}",
            )
    finite_forces(file, name, each)


def _nac(params: Mapping[str, Any] | None) -> Nac | None:
    if params is None:
        return None
    return Nac(params["born"], params["dielectric"], params.get("factor") or NAC_FACTOR)
