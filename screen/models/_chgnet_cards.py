"""What is known about the named CHGNet potentials, and where their weights lie."""

from __future__ import annotations

from typing import Any

from screen.core.protocols import ModelCard
from screen.models._elements import MPTRJ

_SHARED: dict[str, Any] = {
    "family": "chgnet",
    "licence": "BSD-3-Clause",
    "bundled": True,
    "cutoff": 6.0,
}
CARDS = (
    ModelCard(
        name="chgnet-0.3.0",
        description="CHGNet 0.3.0: bonds up to 6 Å, angles of bonds up to 3 Å, 0.41 M parameters",
        training_set="MPtrj",
        functional="PBE, PBE+U as in the Materials Project",
        citation="Deng et al., Nat. Mach. Intell. 5, 1031 (2023)",
        elements=MPTRJ,
        kappa_srme=1.717,
        kappa_srme_source="k_SRME",
        **_SHARED,
    ),
    ModelCard(
        name="chgnet-r2scan",
        description="CHGNet 0.3.0 tuned on 0.24 M structures with r2SCAN",
        training_set="MPtrj, MP-r2SCAN",
        functional="r2SCAN",
        citation="Huang et al., arXiv:2504.05565",
        elements=MPTRJ - {"Yb"},
        **_SHARED,
    ),
)
BUNDLED = {  # card -> file in the wheel, below ``pretrained``
    "chgnet-0.3.0": "0.3.0/chgnet_0.3.0_e29f68s314m37.pth.tar",
    "chgnet-r2scan": "r2scan/chgnet_r2scan_transfer_learning_e15f36s161m23.pth.tar",
}
