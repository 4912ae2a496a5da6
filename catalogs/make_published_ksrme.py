"""Write ``published_ksrme.csv`` from the metrics that k_SRME distributes.

Usage: ``python catalogs/make_published_ksrme.py [output.csv]``. The input is looked for in
``$THERMOSCREEN_SHARED/data`` (default: ``../shared`` beside the checkout): ``published_kappa_srme.csv``,
and the two tables of references in ``phonondb``, which say whose reference is with NAC.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import os
import sys
from collections.abc import Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from pathlib import Path

HERE = Path(__file__).resolve().parent
COLUMNS = (
    *("model", "compound", "mp_id", "nac"),
    *("srme", "sre", "kappa_300", "kappa_reference_300"),
)
TABLES = {False: "kappas_phononDB_PBE_noNAC.json.gz", True: "kappas_phononDB_PBE_NAC.json.gz"}
ROUNDING = 6e-5  # W/m/K; the source prints four decimals
Row = Mapping[str, str]


def shared_folder() -> Path:
    """Folder with the reference data made by others."""
    return Path(os.environ.get("THERMOSCREEN_SHARED", HERE.parent.parent / "shared"))


def catalog_text(shared: Path) -> str:
    """Return the catalog as CSV text, potentials and compounds in the order of the source."""
    data = shared / "data"
    references = {nac: read_references(data / "phonondb" / name) for nac, name in TABLES.items()}
    with (data / "published_kappa_srme.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for model, group in groupby(rows, itemgetter("model")):
        found = list(group)
        writer.writerows(lines(found, has_nac(model, found, references)))
    return buffer.getvalue()


def read_references(path: Path) -> dict[str, float]:
    """DFT κ(300 K) in W/m/K by id of the Materials Project."""
    with gzip.open(path) as handle:
        table = json.load(handle)
    return {table["mp_id"][index]: kappa for index, (kappa,) in table["kappa_TOT_ave"].items()}


def has_nac(model: str, rows: list[Row], references: Mapping[bool, Mapping[str, float]]) -> bool:
    """Say which of the two tables all references of a potential come from."""
    fitting = [
        nac
        for nac, known in references.items()
        if all(abs(reference(row) - known[row["mp_id"]]) < ROUNDING for row in rows)
    ]
    if len(fitting) != 1:
        raise ValueError(f"{model}: {len(fitting)} tables of references fit instead of one")
    return fitting[0]


def reference(row: Row) -> float:
    """Return the reference conductivity of a line of the source, in W/m/K."""
    return float(row["kappa_dft_300K_W_per_mK"])


def lines(rows: list[Row], nac: bool) -> Iterator[tuple[str, ...]]:
    """Yield cells as the source prints them; no κ (``nan``) is an empty cell."""
    for row in rows:
        kappa = row["kappa_300K_W_per_mK"]
        yield (
            *(row["model"], row["compound"], row["mp_id"], str(nac).lower()),
            *(row["srme"], row["sre"], "" if math.isnan(float(kappa)) else kappa),
            row["kappa_dft_300K_W_per_mK"],
        )


if __name__ == "__main__":
    output = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "published_ksrme.csv"
    output.write_text(catalog_text(shared_folder()), encoding="utf-8", newline="")
