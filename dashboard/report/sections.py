"""What a report says about one material."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import plotly.graph_objects as go

from dashboard import comparison, potentials, sheet
from dashboard.cells import relaxation_facts
from dashboard.charts.drawing import element_colours, structure_svg
from dashboard.exported import materials_project_url
from dashboard.report.citations import Citations
from dashboard.report.figures import material_figures
from dashboard.report.records import Records
from dashboard.sheet import Result, Row
from screen.core.columns import Column
from screen.core.crystal import Crystal
from screen.core.experiment import measured
from screen.core.records import Relaxed
from screen.store import queries
from screen.store.artifacts import Artifacts
from screen.store.database import Snapshot
from screen.store.layout import artifacts_folder

Facts = list[tuple[str, str]]


@dataclass(frozen=True)
class Order:
    """What was asked for."""

    run: Path
    command: str
    temperature: float = 300.0  # K
    model: str | None = None  # name or digest
    protocol: str | None = None

    def wants(self, row: Row) -> bool:
        """Say whether a result is by the potential and the protocol that were asked for."""
        return all(
            wanted is None or wanted in {row[name], row[f"{name}_digest"]}
            for name, wanted in (("model", self.model), ("protocol", self.protocol))
        )


@dataclass(frozen=True)
class Grid:
    """A table as text: headers carry the units."""

    headers: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class Head:
    """Which material it is."""

    anchor: str
    title: str
    material_id: str
    about: str
    url: str | None  # entry of the Materials Project


@dataclass(frozen=True)
class Drawing:
    """A flat picture of the crystal with its legend."""

    svg: str
    elements: list[tuple[str, str]]  # symbol and colour


@dataclass(frozen=True)
class Section:
    """One material."""

    head: Head
    notes: list[str]  # failures, doubts, what is missing
    drawing: Drawing | None
    citations: list[int]
    cell: Facts = field(default_factory=list)
    figures: list[tuple[str, go.Figure]] = field(default_factory=list)
    numbers: Grid | None = None
    provenance: list[tuple[str, Facts]] = field(default_factory=list)


class Writer:
    """Writes one material after the other, with the same citations and columns."""

    def __init__(
        self,
        snapshot: Snapshot,
        order: Order,
        cited: Citations,
        columns: Mapping[str, Column],
        grids: Mapping[tuple[str, str, str], Row],
    ) -> None:
        self._snapshot, self._order = snapshot, order
        self._cited, self._columns, self._grids = cited, columns, grids
        self._cards = potentials.potentials(snapshot)
        self._artifacts = Artifacts(artifacts_folder(order.run))

    def section(self, place: int, material: str) -> Section:
        """Return what is said about a material."""
        found = queries.material_sheet(self._snapshot, material)
        results = [item for item in sheet.results(found) if self._order.wants(item.row)]
        row: Row = next(iter(found.material.to_pylist()), {})
        head = Head(
            anchor=f"m{place}",
            title=row.get("formula") or material,
            material_id=material,
            about=" · ".join(
                str(row[name]) for name in ("prototype", "mp_id", "source") if row.get(name)
            ),
            url=materials_project_url(row.get("mp_id")),
        )
        given = sheet.crystal_given(found)
        if results:
            return self._computed(head, row, given, results)
        return Section(head, [self._absent()], drawn(given), self._cited.of(row))

    def _absent(self) -> str:
        if self._order.model or self._order.protocol:
            return "This run has no result of the chosen potential and protocol for it."
        return "This run has no result for this material: it has not been computed yet."

    def _computed(
        self, head: Head, row: Row, given: Crystal | None, results: Sequence[Result]
    ) -> Section:
        """Return what is said about a material that has results."""
        records = Records(self._artifacts, max(results, key=lambda item: len(item.artifacts)))
        entries = comparison.entries([item.row for item in results], self._grids)
        relaxed = records.get("relax", Relaxed)
        figures = material_figures(entries, records, self._order.temperature)
        table = comparison.numbers(entries, self._columns)
        cards = [self._cards.get(item.row["model_digest"]) for item in results]
        experiments = measured(row.get("formula"), row.get("prototype"))
        measurements = [{"citation": item.citation} for item in experiments]
        return Section(
            head,
            [*doubts(results), *records.problems],
            drawn(given if relaxed is None else relaxed.crystal),
            self._cited.of(row, *cards, *measurements),
            cell=[] if relaxed is None else relaxation_facts(given, relaxed),
            figures=figures,
            numbers=Grid(table.column_names, [list(item.values()) for item in table.to_pylist()]),
            provenance=[self._provenance(item) for item in results],
        )

    def _provenance(self, result: Result) -> tuple[str, Facts]:
        """Return where the numbers of a result come from."""
        card = self._cards.get(result.row["model_digest"])
        versions = ", ".join(f"{name} {text}" for name, text in sorted(result.versions.items()))
        facts = [
            *sheet.provenance(result, self._snapshot.version),
            *potentials.potential_facts(card),
        ]
        return result.label, [*facts, ("versions", versions)] if versions else facts


def drawn(crystal: Crystal | None) -> Drawing | None:
    """Return the drawing of a crystal with its legend."""
    return None if crystal is None else Drawing(structure_svg(crystal), element_colours(crystal))


def doubts(results: Sequence[Result]) -> list[str]:
    """Say what failed and what is to be doubted."""
    notes = []
    for result in results:
        notes += [
            f"{result.label}: {item['stage']} failed ({item['kind']}): {item['message'] or ''}"
            for item in result.failures
        ]
        flags = result.properties.get("expansion", {}).get("expansion_flags") or []
        if flags:
            notes.append(f"{result.label}: doubt the expansion: {', '.join(flags)}.")
        if result.row.get("fc3_fit_poor"):
            notes.append(f"{result.label}: the fit of fc3 is poor: doubt κ.")
    if results and results[0].row.get("models_disagree"):
        notes.append("The potentials disagree: see the numbers of each.")
    return notes
