"""``thermoscreen benchmark --forces``: force sets of any code through our post-processing."""

from __future__ import annotations

import sys
from pathlib import Path

from screen import console
from screen.benchmark.conformance import Conformance, run_conformance
from screen.benchmark.conformance_table import COLUMNS, conformance_row, conformance_table
from screen.benchmark.references import read_references
from screen.core.errors import CatalogError, SettingsError
from screen.core.published import published, published_of
from screen.core.settings import protocol_named
from screen.store.export import write_table

SHOWN = (
    *("compound", "kappa_300", "kappa_stored_300", "kappa_published_300", "kappa_reference_300"),
    *("srme_300", "srme_published", "conforms", "status"),
)


def check(
    folder: Path,
    protocol: str,
    references: Path | None,
    model: str | None,
    nac: bool,
    output: Path | None,
    as_json: bool,
) -> None:
    """Check the force sets one by one and tell; exits with 1 if one failed or does not conform."""
    scores = {} if model is None else {item.compound: item for item in published_of(model)}
    if model is not None and not scores:
        known = ", ".join(dict.fromkeys(item.model for item in published()))
        raise SettingsError(f"nothing is published here of {model!r}; known: {known}")
    try:
        modes = read_references(references, nac)
    except CatalogError as error:
        if references is not None:
            raise
        console.print_message(f"no SRME: {error}")
        modes = {}
    results: list[Conformance] = []
    for result in run_conformance(
        folder, protocol_named(protocol), nac=nac, references=modes, published=scores
    ):
        results.append(result)
        told = result.status if result.failure is None else result.failure.message
        console.print_message(f"{result.compound}: {told}, {console.seconds(result.wall_s)}")
    table = conformance_table(results)
    if output is not None:
        write_table(table, output.suffix.removeprefix(".").lower(), output)
    if as_json:
        console.print_json([conformance_row(result) for result in results])
    else:
        console.print_table(table.select(SHOWN), columns=COLUMNS)
    if any(result.status == "failed" or result.stored.conforms is False for result in results):
        sys.exit(1)
