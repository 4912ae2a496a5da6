"""Any calculator of ASE (Larsen et al., J. Phys. Condens. Matter 29, 273002, 2017), cell by cell.

::

    [model]
    family = "ase"
    calculator = "orb_models.forcefield.calculator:ORBCalculator"
    arguments = { ... }        # what the calculator is called with
    dtype = "float32"          # what it computes in, as far as the user knows
    name = "orb-v3"            # label in the results; by default the last part of calculator

The calculator chooses its device, threads and precision: say so in ``arguments``. An argument that
names an existing file counts by the file's content, so that a changed checkpoint is another
potential. Elements are refused only where the calculator lists its own as ``element_types``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import packages_distributions, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols

from screen.core.crystal import N_ELEMENTS, Crystal
from screen.core.digest import digest_of_file, digest_of_json
from screen.core.errors import EvaluationError, ModelUnavailableError
from screen.core.protocols import ModelCard, ModelIdentity, check_elements
from screen.core.records import Evaluation
from screen.core.settings import ModelSettings
from screen.models._batches import Result, gathered

PACKAGE = None
DEFAULT = None
CARDS: tuple[ModelCard, ...] = ()
NEEDED = ("energy", "forces", "stress")
EXAMPLE = "calculator = 'ase.calculators.emt:EMT'"


def identify(settings: ModelSettings) -> ModelIdentity:
    """Identify a calculator by its path, arguments and package, without importing it.

    Raises
    ------
    ModelUnavailableError
        ``calculator`` is missing or is no path, ``weights`` or ``head`` is given, or there is no
        such package.
    """
    module, factory = _path(settings)
    package, installed = _package(module)
    recipe = {
        "calculator": f"{module}:{factory}",
        "arguments": _by_content(settings.arguments),
        "version": installed,
    }
    return ModelIdentity(
        family="ase",
        name=settings.name or factory,
        weights_digest=digest_of_json(recipe),
        dtype=settings.dtype,
        package=package,
        package_version=installed,
    )


def load(settings: ModelSettings) -> AseForceField:
    """Import the calculator and call it with its arguments.

    Raises
    ------
    ModelUnavailableError
        As ``identify``; or the import fails, there is no such attribute, the arguments are wrong,
        or what comes is no calculator of energy, forces and stress.
    """
    from ase.calculators.calculator import BaseCalculator

    module, factory = _path(settings)
    _package(module)
    path = f"{module}:{factory}"
    build = _imported(module, factory)
    try:
        calculator = build(**settings.arguments)
    except Exception as error:  # foreign code can raise any exception at all
        raise ModelUnavailableError(
            f"calculator {path!r} with arguments {settings.arguments} failed with "
            f"{type(error).__name__}: {error}; change arguments"
        ) from error
    if not isinstance(calculator, BaseCalculator):
        raise ModelUnavailableError(
            f"calculator {path!r} gave a {type(calculator).__name__}, which is no calculator of "
            f"ASE; e.g. {EXAMPLE}"
        )
    missing = [name for name in NEEDED if name not in calculator.implemented_properties]
    if missing:
        raise ModelUnavailableError(
            f"calculator {path!r} offers no {', '.join(missing)}: relaxation needs forces and "
            "stress; use another one"
        )
    return AseForceField(settings.name or factory, calculator, _elements(calculator))


@dataclass(frozen=True, eq=False)
class AseForceField:
    """A calculator: a ``core.protocols.ForceField``."""

    name: str
    calculator: Any  # ase.calculators.calculator.BaseCalculator
    elements: frozenset[str]

    def evaluate(self, crystals: Sequence[Crystal]) -> Evaluation:
        """Energies, forces and stresses; see ``core.protocols.ForceField``.

        Raises
        ------
        UnsupportedElementError
            A crystal holds an element that the calculator does not list.
        EvaluationError
            The calculator failed, or a result is not finite.
        """
        for crystal in crystals:
            check_elements(self.elements, crystal, self.name)
        return gathered(self.name, crystals, map(self.forward, crystals))

    def forward(self, crystal: Crystal) -> Result:
        """Evaluate one cell."""
        atoms = Atoms(crystal.numbers, crystal.positions, cell=crystal.lattice, pbc=True)
        atoms.calc = self.calculator
        try:
            energy = atoms.get_potential_energy()
            forces, stress = atoms.get_forces(), atoms.get_stress(voigt=False)
        except Exception as error:  # foreign code can raise any exception at all
            raise EvaluationError(
                f"{self.name} failed for {crystal.formula} ({len(crystal)} atoms) with "
                f"{type(error).__name__}: {error}"
            ) from error
        return (
            np.array([energy], dtype=np.float64),
            np.array(forces, dtype=np.float64),
            np.array([stress], dtype=np.float64),
        )


def _path(settings: ModelSettings) -> tuple[str, str]:
    """Split ``calculator`` into module and attribute."""
    for key in ("weights", "head"):
        if getattr(settings, key) is not None:
            raise ModelUnavailableError(
                f"family ase takes no {key} ({getattr(settings, key)}): write it into arguments, "
                "under the name that the calculator knows"
            )
    if settings.calculator is None:
        raise ModelUnavailableError(f"family ase needs a calculator, e.g. {EXAMPLE}")
    module, colon, factory = settings.calculator.partition(":")
    if not (colon and factory.isidentifier() and all(map(str.isidentifier, module.split(".")))):
        raise ModelUnavailableError(
            f"calculator {settings.calculator!r} is not of the form package.module:Calculator, "
            f"e.g. {EXAMPLE}"
        )
    return module, factory


def _package(module: str) -> tuple[str, str]:
    """Distribution that holds a module and its version; of a lone file, its digest."""
    top = module.partition(".")[0]
    spec = find_spec(top)
    if spec is None:
        raise ModelUnavailableError(
            f"there is no Python package {top!r} here (calculator in {module}): install it into "
            "this environment, or set environment to the one that has it"
        )
    distributions = packages_distributions().get(top)
    if distributions:
        return distributions[0], version(distributions[0])
    folders = [Path(folder).parent for folder in spec.submodule_search_locations or ()]
    relative = module.replace(".", "/")
    candidates = [
        folder / f"{relative}{end}" for folder in folders for end in (".py", "/__init__.py")
    ]
    files = [path for path in (*candidates, Path(spec.origin or "")) if path.is_file()]
    return top, digest_of_file(files[0]) if files else "unknown"


def _imported(module: str, factory: str) -> Any:
    """Import the object that makes the calculator."""
    try:
        imported = import_module(module)
    except Exception as error:  # an import runs foreign code
        raise ModelUnavailableError(
            f"calculator '{module}:{factory}' cannot be imported: {type(error).__name__}: {error}; "
            "correct the path or install what is missing"
        ) from error
    if not hasattr(imported, factory):
        raise ModelUnavailableError(
            f"calculator '{module}:{factory}': the module {module} has no {factory}; correct the "
            "part after the colon"
        )
    return getattr(imported, factory)


def _by_content(value: Any) -> Any:
    """Put digests in the place of existing files' names."""
    if isinstance(value, dict):
        return {key: _by_content(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_by_content(item) for item in value]
    if isinstance(value, str) and _is_file(value):
        return {"file": digest_of_file(Path(value))}
    return value


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except OSError:  # too long for a name
        return False


def _elements(calculator: Any) -> frozenset[str]:
    """Symbols that the calculator lists, or all."""
    known = set(chemical_symbols[1 : N_ELEMENTS + 1])
    listed = getattr(calculator, "element_types", None)
    return frozenset(known if listed is None else known & set(map(str, listed)))
