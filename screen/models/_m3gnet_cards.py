"""What is known about the named M3GNet potentials, and where their weights are."""

from __future__ import annotations

from typing import Any

from screen.core.protocols import ModelCard
from screen.models._elements import MPTRJ

HUB = "https://huggingface.co/materialyze"
WITHDRAWN = "m3gnet-mp-2021.2.8"

_SHARED: dict[str, Any] = {
    "family": "m3gnet",
    "licence": "BSD-3-Clause",
    "bundled": False,
    "cutoff": 5.0,
    "elements": MPTRJ,
}
CARDS = (
    ModelCard(
        name="m3gnet-matpes-pbe-2025.2",
        description="M3GNet of matgl 3: bonds up to 5 Å, angles of bonds up to 4 Å",
        training_set="MatPES-PBE-2025.2",
        functional="PBE",
        citation="Kaplan et al., arXiv:2503.04070",
        **_SHARED,
    ),
    ModelCard(
        name="m3gnet-matpes-r2scan-2025.2",
        description="The same for r2SCAN",
        training_set="MatPES-r2SCAN-2025.2",
        functional="r2SCAN",
        citation="Kaplan et al., arXiv:2503.04070",
        **_SHARED,
    ),
    ModelCard(
        name=WITHDRAWN,
        description="The first M3GNet; withdrawn by its authors, cannot be loaded",
        training_set="MPF.2021.2.8",
        functional="PBE, PBE+U as in the Materials Project",
        citation="Chen and Ong, Nat. Comput. Sci. 2, 718 (2022)",
        kappa_srme=1.407,
        kappa_srme_source="k_SRME",
        **_SHARED,
    ),
)
REPOSITORIES = {
    "m3gnet-matpes-pbe-2025.2": "M3GNet-PES-MatPES-PBE-2025.2",
    "m3gnet-matpes-r2scan-2025.2": "M3GNet-PES-MatPES-r2SCAN-2025.2",
}
