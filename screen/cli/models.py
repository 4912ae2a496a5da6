"""``thermoscreen models``: which potentials there are, which are ready, and their environments."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import typer
from ase.data import atomic_numbers

from screen import console
from screen.core.errors import ModelUnavailableError, SettingsError
from screen.core.protocols import ModelCard
from screen.core.registry import find, names
from screen.core.settings import ModelSettings, model_named
from screen.environments import questions
from screen.environments.install import TORCH
from screen.environments.install import install as install_environment
from screen.environments.interpreters import THIS, interpreter_of

app = typer.Typer(
    help="The potentials: what is known about each, and the environments of their families.",
    invoke_without_command=True,
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def table(context: typer.Context, as_json: Json = False) -> None:
    """Show every named potential: training set, functional, licence, published κ_SRME."""
    if context.invoked_subcommand is not None:
        return
    rows = [_row(card) for family in names("models") for card in find("models", family).CARDS]
    if as_json:
        console.print_json(rows)
        return
    hidden = ["family", "description", "citation", "kappa_srme_source", "weights"]
    hidden += ["n_elements", "elements"]
    console.print_table(pa.Table.from_pylist(rows).drop_columns(hidden), title="potentials")
    console.print_message(
        "κ_SRME: 0 is exact, 2 is the worst (Póta et al., arXiv 2408.00755). Citation, source of "
        "κ_SRME and elements of one: thermoscreen models card NAME; of all: --json. Any other "
        "potential: family ase with the import path of its ASE calculator."
    )


@app.command()
def card(name: Annotated[str, typer.Argument(help="Name of a potential.")]) -> None:
    """Show all that is known about one potential."""
    chosen = model_named(name)
    module = find("models", chosen.family)
    wanted = chosen.name or module.DEFAULT
    for each in module.CARDS:
        if each.name == wanted:
            row = _row(each)
            console.print_pairs(wanted, row | {"elements": " ".join(row["elements"])})
            return
    raise SettingsError(f"the family {name} has no named potential")


def _row(card: ModelCard) -> dict[str, Any]:
    fit = {None: "unknown", True: "yes", False: "not fit for κ"}[card.fit_for_kappa]
    return {
        "family": card.family,
        "name": card.name,
        "description": card.description,
        "training_set": card.training_set,
        "functional": card.functional,
        "n_elements": len(card.elements),
        "elements": sorted(card.elements, key=atomic_numbers.__getitem__),
        "cutoff": card.cutoff,
        "kappa_srme": card.kappa_srme,
        "kappa_srme_source": card.kappa_srme_source,
        "fit_for_kappa": fit,
        "weights": "bundled" if card.bundled else "download",
        "licence": card.licence,
        "citation": card.citation,
    }


@app.command("list")
def list_families(as_json: Json = False) -> None:
    """Show which families are ready, in which environment, and if not, why."""
    rows = [_state(family) for family in names("models")]
    if as_json:
        console.print_json(rows)
    else:
        console.print_table(pa.Table.from_pylist(rows), title="families")


def _state(family: str) -> dict[str, Any]:
    """Versions of a family's environment, or what it lacks."""
    python = interpreter_of(ModelSettings(family=family))
    row: dict[str, Any] = {"family": family, "ready": False, "why_not": None}
    row |= {"version": None, "torch": None, "python": str(python)}
    try:
        found = questions.describe(family, python)
        row |= {"version": found["package_version"], "torch": found["torch"]}
        if python != THIS:
            questions.check_same_code(family, python)
    except ModelUnavailableError as error:
        return row | {"why_not": str(error)}
    if found["package"] is not None and found["package_version"] is None:
        missing = f"{found['package']} is not installed: thermoscreen models install {family}"
        return row | {"why_not": missing}
    return row | {"ready": True}


@app.command()
def install(
    family: Annotated[str, typer.Argument(help=f"One of {', '.join(names('models'))}.")],
    environment: Annotated[
        str | None, typer.Option(help="Name of the environment, by default the family's.")
    ] = None,
    path: Annotated[
        Path | None, typer.Option(help="Folder to make it in, instead of the user's data folder.")
    ] = None,
    package: Annotated[
        list[str] | None,
        typer.Option("--with", help="Further packages, e.g. that of an ASE calculator."),
    ] = None,
    constraint: Annotated[
        list[Path] | None,
        typer.Option(help="pip constraints instead of the versions that the tests pass with."),
    ] = None,
    torch: Annotated[str, typer.Option(help="Version of torch that is held.")] = TORCH,
) -> None:
    """Make (or renew) the environment of a family: its packages and this Thermoscreen."""
    find("models", family)  # an unknown name takes no minute
    console.print_message(f"installing {family}, which takes a minute or two")
    python = install_environment(family, environment, path, package or (), constraint or (), torch)
    console.print_message(f"{family} is ready in {python}")
