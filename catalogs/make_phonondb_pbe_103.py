"""Write ``phonondb_pbe_103.csv`` from the files that k_SRME distributes.

Usage: ``python catalogs/make_phonondb_pbe_103.py [output.csv]``. The input is looked for in
``$THERMOSCREEN_SHARED/data/phonondb`` (default: ``../shared`` beside the checkout).
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.io import read

HERE = Path(__file__).resolve().parent
PROTOTYPES = {225: ("rocksalt", "rs"), 216: ("zincblende", "zb"), 186: ("wurtzite", "wz")}
ROUNDING = 5e-9  # Å: the structures are printed with 8 decimals
COLUMNS = (
    "id",
    "formula",
    "mp_id",
    "prototype",
    "space_group",
    "cation",
    "anion",
    "a",
    "c",
    "x",
    "z_cation",
    "z_anion",
    "fc3_supercell",
    "fc2_supercell",
    "q_mesh",
    "kappa_reference_300",
    "kappa_reference_nac_300",
)


def shared_folder() -> Path:
    """Folder with the reference data made by others."""
    return Path(os.environ.get("THERMOSCREEN_SHARED", HERE.parent.parent / "shared"))


def catalog_text(shared: Path) -> str:
    """Return the catalog as CSV text."""
    folder = shared / "data" / "phonondb"
    kappa = read_kappas(folder / "kappas_phononDB_PBE_noNAC.json.gz")
    kappa_nac = read_kappas(folder / "kappas_phononDB_PBE_NAC.json.gz")
    rows = []
    for atoms in read(folder / "structures_103.extxyz", ":"):
        key = (str(atoms.info["mp_id"]), str(atoms.info["name"]), int(atoms.info["symm.no"]))
        references = {
            "kappa_reference_300": kappa[key],
            "kappa_reference_nac_300": kappa_nac[key],
        }
        rows.append(describe(atoms) | references)
    order = [prototype for prototype, _ in PROTOTYPES.values()]
    rows.sort(key=lambda row: (order.index(row["prototype"]), row["id"]))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def read_kappas(path: Path) -> dict[tuple[str, str, int], float]:
    """κ(300 K) in W/m/K by (mp id, formula, space group)."""
    with gzip.open(path) as handle:
        table = json.load(handle)
    kappas = {}
    for index, (kappa,) in table["kappa_TOT_ave"].items():
        if table["temperatures"][index] != [300.0]:
            raise ValueError(f"{path}, entry {index}: not at 300 K")
        key = (table["mp_id"][index], table["name"][index], table["symm.no"][index])
        kappas[key] = kappa
    return kappas


def describe(atoms: Atoms) -> dict[str, Any]:
    """Columns of one compound that follow from its structure."""
    info = atoms.info
    symbols = atoms.get_chemical_symbols()
    cation, anion = symbols[0], symbols[-1]
    half = len(symbols) // 2
    if symbols != [cation] * half + [anion] * half or info["name"] != cation + anion:
        raise ValueError(f"{info['name']}: not a binary compound, cations first: {symbols}")
    prototype, suffix = PROTOTYPES[int(info["symm.no"])]
    return {
        "id": f"{info['name']}-{suffix}",
        "formula": info["name"],
        "mp_id": info["mp_id"],
        "prototype": prototype,
        "space_group": int(info["symm.no"]),
        "cation": cation,
        "anion": anion,
        "a": float(atoms.cell[0, 0]),
        "fc3_supercell": diagonal(info["fc3_supercell"]),
        "fc2_supercell": diagonal(info["fc2_supercell"]),
        "q_mesh": " ".join(str(n) for n in info["q_mesh"]),
    } | (wurtzite_parameters(atoms) if prototype == "wurtzite" else {})


def diagonal(matrix: np.ndarray) -> str:
    """Diagonal of a supercell matrix."""
    if (np.diag(np.diag(matrix)) != matrix).any():
        raise ValueError(f"not a diagonal supercell: {matrix}")
    return " ".join(str(n) for n in np.diag(matrix))


def wurtzite_parameters(atoms: Atoms) -> dict[str, float]:
    """Return c in Å and the internal parameters, from the positions printed with 8 decimals.

    x is 1/3 by symmetry and written as such where the printed positions agree with it; the
    source gives ZnTe with fractional coordinates rounded to 8 decimals.
    """
    c = float(atoms.cell[2, 2])
    fractional = atoms.get_scaled_positions(wrap=False)
    deviation = abs(fractional[0, 0] - 1 / 3) * float(atoms.cell[0, 0])
    x = 1 / 3 if deviation < 2 * ROUNDING else round(float(fractional[0, 0]), 8)
    z_cation, z_anion = (mean_height(*fractional[pair, 2]) for pair in ([0, 1], [2, 3]))
    return {"c": c, "x": x, "z_cation": z_cation, "z_anion": z_anion}


def mean_height(first: float, second: float) -> float:
    """Height of the first of two atoms related by the screw axis, z and z + 1/2 (mod 1)."""
    shift = (second - first) % 1 - 0.5
    return round(float(first + shift / 2), 10)


if __name__ == "__main__":
    output = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "phonondb_pbe_103.csv"
    output.write_text(catalog_text(shared_folder()), encoding="utf-8")
