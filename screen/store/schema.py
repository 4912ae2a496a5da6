"""The tables, declared once: what a column is called, means and is measured in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from screen.core.columns import Column
from screen.core.errors import StoreError

Properties = Mapping[str, Sequence[Column]]
"""Property name to its ``COLUMNS``."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Table:
    """A table: no secondary indexes and no foreign keys, one natural primary key."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    description: str  # one sentence

    @property
    def create(self) -> str:
        """SQL that creates the table unless it exists."""
        lines = [f'"{column.name}" {column.sql_type}' for column in self.columns]
        lines.append(f"PRIMARY KEY ({', '.join(self.key)})")
        return f'CREATE TABLE IF NOT EXISTS "{self.name}" (\n  ' + ",\n  ".join(lines) + "\n)"


MATERIAL_ID = Column(
    "material_id", "VARCHAR", "material", "Identifier of the crystal in its source"
)
MODEL_DIGEST = Column("model_digest", "VARCHAR", "model digest", "Digest of potential and version")
PROTOCOL_DIGEST = Column(
    "protocol_digest", "VARCHAR", "protocol digest", "Digest of all settings that decide a number"
)
CRYSTAL_DIGEST = Column("crystal_digest", "VARCHAR", "crystal digest", "Digest of the given cell")

OUTCOME_KEY = (MATERIAL_ID, MODEL_DIGEST, PROTOCOL_DIGEST)
OUTCOME_KEY_NAMES = tuple(column.name for column in OUTCOME_KEY)

METADATA = (
    Column("prototype", "VARCHAR", "prototype", "Structure type, e.g. rocksalt"),
    Column("mp_id", "VARCHAR", "Materials Project", "Materials Project identifier"),
    Column("band_gap", "DOUBLE", "band gap", "Electronic band gap given by the source", "eV"),
    Column(
        "energy_above_hull",
        "DOUBLE",
        "energy above hull",
        "Energy above the convex hull given by the source",
        "eV/atom",
    ),
    Column(
        "theoretical", "BOOLEAN", "theoretical", "The source knows of no experimental structure"
    ),
    Column(
        "magnetic_ordering",
        "VARCHAR",
        "magnetic ordering",
        "Magnetic ordering given by the source: NM, FM, AFM or FiM",
    ),
    Column(
        "kappa_reference_300",
        "DOUBLE",
        "reference κ (300 K)",
        "Reference conductivity at 300 K without non-analytical correction",
        "W/m/K",
    ),
    Column(
        "kappa_reference_nac_300",
        "DOUBLE",
        "reference κ with NAC (300 K)",
        "Reference conductivity at 300 K with non-analytical correction",
        "W/m/K",
    ),
    Column("reference", "VARCHAR", "reference", "Where the reference figures come from"),
    Column("licence", "VARCHAR", "licence", "Licence of the source's entry"),
    Column("citation", "VARCHAR", "citation", "What the source asks to cite for its entry"),
    Column("db_version", "VARCHAR", "source version", "Version of the source's database"),
)

MATERIALS = Table(
    "materials",
    (
        MATERIAL_ID,
        Column("source", "VARCHAR", "source", "Source adapter that proposed the crystal"),
        Column("formula", "VARCHAR", "formula", "Reduced formula"),
        Column("n_atoms", "BIGINT", "atoms", "Atoms in the given cell"),
        Column("elements", "VARCHAR[]", "elements", "Sorted element symbols"),
        CRYSTAL_DIGEST,
        *METADATA,
        Column("lattice", "DOUBLE[3][]", "lattice", "Lattice vectors as given, rows", "Å"),
        Column("numbers", "BIGINT[]", "atomic numbers", "Atomic number of each atom"),
        Column("fractional", "DOUBLE[3][]", "positions", "Fractional positions as given"),
        Column("hints", "JSON", "hints", "Supercells and mesh that the catalog advises, if any"),
    ),
    ("material_id",),
    "Candidates, one row each: what the source says about them, and their cells as given.",
)

MODELS = Table(
    "models",
    (
        MODEL_DIGEST,
        Column("family", "VARCHAR", "family", "Family of the potential"),
        Column("name", "VARCHAR", "potential", "Name of the potential"),
        Column("weights_digest", "VARCHAR", "weights digest", "Digest of the weights"),
        Column("dtype", "VARCHAR", "precision", "Floating-point type of the evaluation"),
        Column("package", "VARCHAR", "package", "Package that evaluates the potential"),
        Column("package_version", "VARCHAR", "package version", "Version of that package"),
        Column("training_set", "VARCHAR", "training set", "What it was trained on, if published"),
        Column("functional", "VARCHAR", "functional", "Level of theory of the training set"),
        Column("licence", "VARCHAR", "licence", "Licence of the weights"),
        Column("citation", "VARCHAR", "citation", "Publication of the potential"),
        Column(
            "kappa_srme",
            "DOUBLE",
            "published κ_SRME",
            "Symmetric relative mean error of mode κ on 103 compounds: 0 exact, 2 worst",
        ),
        Column(
            "fit_for_kappa",
            "BOOLEAN",
            "fit for κ",
            "The published κ_SRME is at most 1; empty where none is published, which counts as fit",
        ),
    ),
    ("model_digest",),
    "Potentials of the run, one row each.",
)

PROTOCOLS = Table(
    "protocols",
    (
        PROTOCOL_DIGEST,
        Column("name", "VARCHAR", "protocol", "Name of the protocol"),
        Column("description", "VARCHAR", "description", "What the protocol is for"),
        Column("settings", "JSON", "settings", "All values, defaults included"),
    ),
    ("protocol_digest",),
    "Protocols of the run, one row each, with all their settings.",
)

OUTCOMES = Table(
    "outcomes",
    (
        *OUTCOME_KEY,
        Column(
            "status", "VARCHAR", "status", "complete, partial, failed, not_selected or over_budget"
        ),
        CRYSTAL_DIGEST,
        Column("artifacts", "JSON", "artifacts", "Stage to the key of its artifact"),
        Column("versions", "JSON", "versions", "Package to version"),
        Column("finished_at", "TIMESTAMP", "finished", "When the last stage ended", "UTC"),
    ),
    OUTCOME_KEY_NAMES,
    "What became of each material, one row per potential and protocol.",
)

FAILURE_LOG = Table(
    "failure_log",
    (
        *OUTCOME_KEY,
        Column("stage", "VARCHAR", "stage", "Stage that gave no usable result"),
        Column("position", "BIGINT", "position", "0 for the first failure of the outcome"),
        Column("kind", "VARCHAR", "kind", "Machine-readable reason"),
        Column("message", "VARCHAR", "message", "What went wrong"),
        Column("traceback", "VARCHAR", "traceback", "Where it went wrong"),
    ),
    (*OUTCOME_KEY_NAMES, "stage"),
    "Stages without a usable result, one row each; also what was held back.",
)

COST_LEDGER = Table(
    "cost_ledger",
    (
        Column("execution_id", "VARCHAR", "execution", "Identifier of one computation"),
        *OUTCOME_KEY,
        Column("stage", "VARCHAR", "stage", "Stage that was computed"),
        Column("artifact", "VARCHAR", "artifact", "Key of the artifact that it wrote"),
        Column("wall_s", "DOUBLE", "wall time", "Wall-clock time", "s"),
        Column("cpu_s", "DOUBLE", "CPU time", "CPU time of the process", "s"),
        Column("peak_mb", "DOUBLE", "peak memory", "Peak resident memory of the process", "MB"),
        Column("evaluations", "BIGINT", "evaluations", "Cells evaluated by the potential"),
        Column("atoms", "BIGINT", "atoms", "Atoms in the evaluated cells"),
        Column("started_at", "TIMESTAMP", "started", "When the computation started", "UTC"),
        Column("host", "VARCHAR", "host", "Host that computed"),
        Column("pid", "BIGINT", "process", "Process that computed"),
    ),
    ("execution_id",),
    "Computations, one row each.",
)

COLUMNS = Table(
    "columns",
    (
        Column("table_name", "VARCHAR", "table", "Table or view"),
        Column("name", "VARCHAR", "column", "Column of the table"),
        Column("position", "BIGINT", "position", "Order in the table"),
        Column("sql_type", "VARCHAR", "type", "SQL type"),
        Column("unit", "VARCHAR", "unit", "Unit; empty if there is none"),
        Column("label", "VARCHAR", "label", "Short name for headers and axes"),
        Column("description", "VARCHAR", "description", "What the column holds"),
    ),
    ("table_name", "name"),
    "What every column of every table and view holds.",
)

CORE_TABLES = (MATERIALS, MODELS, PROTOCOLS, OUTCOMES, FAILURE_LOG, COST_LEDGER, COLUMNS)
VIEWS = ("results", "insulators", "heat_spreaders", "failures", "costs", "benchmark")
"""Names of the views; two of them were tables of schema version 1."""
RANKABLE = "rankable"
"""A view of the live database that snapshots hold as a table, see ``screen.store.rankable``."""
GRIDS = "grids"
"""Another one, see ``screen.store.grids``."""
NO_PROPERTIES = frozenset({*(table.name for table in CORE_TABLES), *VIEWS, RANKABLE, GRIDS})
"""Names in the table ``columns`` that are no property's."""
_RESERVED = NO_PROPERTIES | {"schema_version", "keys"}


def property_table(name: str, columns: Sequence[Column]) -> Table:
    """Return the table of a property: its columns after the outcome's key.

    Raises
    ------
    StoreError
        A name is taken, given twice, or no plain lower-case SQL name.
    """
    names = [column.name for column in columns]
    for word in (name, *names):
        if not _NAME.fullmatch(word):
            raise StoreError(f"{name}: {word!r} is no column name; use a-z, 0-9 and _")
    if name in _RESERVED:
        raise StoreError(f"a property cannot be called {name!r}: that table is taken")
    twice = {word for word in names if names.count(word) > 1} | set(names) & set(OUTCOME_KEY_NAMES)
    if twice:
        raise StoreError(f"{name} declares {', '.join(sorted(twice))} twice, or it is the key's")
    about = f"Property {name}: one row per material, potential and protocol that has it."
    return Table(name, (*OUTCOME_KEY, *columns), OUTCOME_KEY_NAMES, about)


def property_tables(properties: Properties) -> tuple[Table, ...]:
    """Return the tables of all properties; see ``property_table``."""
    return tuple(property_table(name, columns) for name, columns in properties.items())
