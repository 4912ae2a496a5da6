"""Springs as a calculator of ASE, and calculators that are wrong in one way each."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from ase.calculators.calculator import Calculator, PropertyNotImplementedError, all_changes

from screen.core.crystal import Crystal
from screen.core.settings import ModelSettings
from screen.models import springs


class SpringsCalculator(Calculator):
    """The family ``springs`` behind ASE's interface."""

    implemented_properties: ClassVar[list[str]] = ["energy", "forces", "stress"]

    def __init__(self, name: str = "springs", weights: str | None = None) -> None:
        super().__init__()
        settings = ModelSettings.model_validate(
            {"family": "springs", "name": name, "weights": weights}
        )
        self.springs = springs.load(settings)
        self.element_types = sorted(self.springs.elements)

    def calculate(
        self,
        atoms: Any = None,
        properties: Any = ("energy",),
        system_changes: Any = all_changes,
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        crystal = Crystal(np.array(atoms.cell), atoms.numbers, atoms.get_scaled_positions(False))
        result = self.springs.evaluate([crystal])
        self.results = {
            "energy": float(result.energies[0]),
            "forces": result.forces[0],
            "stress": result.stresses[0].ravel()[[0, 4, 8, 5, 2, 1]],
        }


class WithoutStress(SpringsCalculator):
    implemented_properties: ClassVar[list[str]] = ["energy", "forces"]


class WithholdsStress(SpringsCalculator):
    """Lists stress, but does not give it."""

    def calculate(self, *arguments: Any, **options: Any) -> None:
        super().calculate(*arguments, **options)
        del self.results["stress"]

    def get_property(self, name: str, *arguments: Any, **options: Any) -> Any:
        if name == "stress":
            raise PropertyNotImplementedError("stress")
        return super().get_property(name, *arguments, **options)


class Breaks(SpringsCalculator):
    def calculate(self, *arguments: Any, **options: Any) -> None:
        raise RuntimeError("the library crashed")
