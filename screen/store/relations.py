"""What people name in SQL without it being a table: views, and queries that take a temperature."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from screen.core.columns import Column, SqlType
from screen.store.schema import OUTCOME_KEY_NAMES, Table

Selected = tuple[Column, str]  # a column and the SQL that computes it

KEY = ", ".join(OUTCOME_KEY_NAMES)


@dataclass(frozen=True)
class Relation:
    """A stored query: a view, or with ``parameters`` a table macro such as ``kappa_at(kelvin)``."""

    name: str
    description: str
    columns: tuple[Column, ...]
    sql: str
    parameters: tuple[str, ...] = ()

    @property
    def statements(self) -> tuple[str, ...]:
        """SQL that creates it, replacing an earlier one, with comments that other clients show."""
        if self.parameters:
            head, kind = f'MACRO "{self.name}"({", ".join(self.parameters)})', "MACRO TABLE"
            return (
                f"CREATE OR REPLACE {head} AS TABLE\n{self.sql}",
                f'COMMENT ON {kind} "{self.name}" IS {text(self.description)}',
            )
        return (
            f'CREATE OR REPLACE VIEW "{self.name}" AS\n{self.sql}',
            *self.comments("VIEW", f'"{self.name}"'),
        )

    def comments(self, kind: str, name: str) -> tuple[str, ...]:
        """Return SQL of the comments on a view, or on a table of its rows, by its quoted name."""
        return (
            f"COMMENT ON {kind} {name} IS {text(self.description)}",
            *(
                f'COMMENT ON COLUMN {name}."{column.name}" IS '
                f"{text(f'{column.header}: {column.description}')}"
                for column in self.columns
            ),
        )


@dataclass(frozen=True)
class Function:
    """A scalar macro."""

    name: str
    description: str
    parameters: tuple[str, ...]
    sql: str

    @property
    def statements(self) -> tuple[str, ...]:
        """SQL that creates it, replacing an earlier one."""
        return (
            f'CREATE OR REPLACE MACRO "{self.name}"({", ".join(self.parameters)}) AS\n{self.sql}',
            f'COMMENT ON MACRO "{self.name}" IS {text(self.description)}',
        )


@dataclass(frozen=True)
class Stored:
    """The property tables that a run has; what a run did not compute is NULL."""

    tables: tuple[Table, ...]

    def has(self, table: str) -> bool:
        """Say whether the run has a property."""
        return any(item.name == table for item in self.tables)

    def value(self, table: str, column: str, sql_type: SqlType = "DOUBLE") -> str:
        """Return SQL for a property's column, NULL if the run does not have it."""
        known = any(
            item.name == column
            for found in self.tables
            if found.name == table
            for item in found.columns
        )
        return f'"{table}"."{column}"' if known else f"NULL::{sql_type}"

    def joined(self, table: str) -> str:
        """Return SQL that adds a property's row to each outcome; empty if there is none."""
        return f'LEFT JOIN "{table}" ON {same(table)}' if self.has(table) else ""


def same(table: str, other: str = "outcomes") -> str:
    """Return the condition that a row belongs to the row of another table."""
    return " AND ".join(f'"{table}".{name} = "{other}".{name}' for name in OUTCOME_KEY_NAMES)


def named(table: str) -> str:
    """Return SQL that joins what has names to a table of outcomes."""
    return (
        f'LEFT JOIN materials ON materials.material_id = "{table}".material_id\n'
        f'LEFT JOIN models ON models.model_digest = "{table}".model_digest\n'
        f'LEFT JOIN protocols ON protocols.protocol_digest = "{table}".protocol_digest'
    )


def listed(selected: Iterable[Selected]) -> str:
    """Return the columns of a SELECT."""
    return ",\n  ".join(f'{sql} AS "{column.name}"' for column, sql in selected)


def columns_of(selected: Iterable[Selected]) -> tuple[Column, ...]:
    """Return the declarations of selected columns."""
    return tuple(column for column, _ in selected)


def of(table: Table, names: Sequence[str], alias: str | None = None) -> list[Selected]:
    """Select columns of a table."""
    source = alias or table.name
    known = {column.name: column for column in table.columns}
    return [(known[name], f'"{source}"."{name}"') for name in names]


def renamed(column: Column, name: str) -> Column:
    """Return a column under another name."""
    return replace(column, name=name)


def text(value: str) -> str:
    """Quote a text for SQL."""
    return "'" + value.replace("'", "''") + "'"
