"""MACE potentials with a name: what is known of them and where to download them."""

from __future__ import annotations

from screen.core.protocols import ModelCard
from screen.models._elements import MPTRJ

_MIT = "MIT"
_ACADEMIC = "ASL (academic, non-commercial)"
_PBE = "PBE, PBE+U as in the Materials Project"
_R2SCAN = "r2SCAN"


_SOURCE = "k_SRME"


def _card(
    name: str,
    description: str,
    training_set: str,
    functional: str,
    licence: str,
    kappa_srme: float | None = None,
) -> ModelCard:
    return ModelCard(
        name=name,
        family="mace",
        description=description,
        training_set=training_set,
        functional=functional,
        licence=licence,
        citation="Batatia et al., arXiv:2401.00096",
        bundled=False,
        cutoff=6.0,
        elements=MPTRJ,
        kappa_srme=kappa_srme,
        kappa_srme_source=None if kappa_srme is None else _SOURCE,
    )


_EMBEDDED_ELEMENTS = (
    "Ag Al As B Ba Be Br C Ca Cd Cl Cs Cu F Ga H I In K Li Mg N Na O P Pb Rb S Sb Se Si Sr Te Zn"
)
EMBEDDED = ModelCard(
    name="mace-embedded",
    family="mace",
    description="SevenNet-l3i5 distilled for the 103 phononDB-PBE compounds, for tests and examples",
    training_set="SevenNet-l3i5 on 103 compounds",
    functional=_PBE,
    licence="BSD-3-Clause",
    citation="catalogs/models/mace-embedded/README.md",
    bundled=True,
    cutoff=7.0,
    elements=frozenset(_EMBEDDED_ELEMENTS.split()),
)
EMBEDDED_FILE = "models/mace-embedded/mace-embedded.model"  # among the catalogs

CARDS = (
    _card("mace-mpa-0", "MPA-0, medium", "MPtrj and sAlex", _PBE, _MIT, 0.412),
    _card("mace-mp-0-small", "MP-0, 128 scalars", "MPtrj", _PBE, _MIT),
    _card("mace-mp-0-medium", "MP-0, 128 scalars and vectors", "MPtrj", _PBE, _MIT, 0.688),
    _card("mace-mp-0-large", "MP-0, up to l = 2, of September 2022", "MPtrj", _PBE, _MIT, 0.935),
    _card("mace-mp-0b3-medium", "MP-0b3: stable phonons and high pressure", "MPtrj", _PBE, _MIT),
    _card("mace-omat-0-small", "OMAT-0, small", "OMat24", "PBE, PBE+U", _ACADEMIC),
    _card("mace-omat-0", "OMAT-0, medium", "OMat24", "PBE, PBE+U", _ACADEMIC),
    _card("mace-matpes-pbe-0", "OMAT-0 tuned on MatPES", "OMat24, MatPES", "PBE", _ACADEMIC),
    _card("mace-matpes-r2scan-0", "OMAT-0 tuned on MatPES", "OMat24, MatPES", _R2SCAN, _ACADEMIC),
    EMBEDDED,
)
LOADER_NAMES = {  # card -> name that mace's loader knows
    "mace-mpa-0": "medium-mpa-0",
    "mace-mp-0-small": "small",
    "mace-mp-0-medium": "medium",
    "mace-mp-0-large": "large",
    "mace-mp-0b3-medium": "medium-0b3",
    "mace-omat-0-small": "small-omat-0",
    "mace-omat-0": "medium-omat-0",
    "mace-matpes-pbe-0": "mace-matpes-pbe-0",
    "mace-matpes-r2scan-0": "mace-matpes-r2scan-0",
}
_MP = "https://github.com/ACEsuit/mace-mp/releases/download"
_FOUNDATIONS = "https://github.com/ACEsuit/mace-foundations/releases/download"
DOWNLOADS = {
    "mace-mpa-0": f"{_MP}/mace_mpa_0/mace-mpa-0-medium.model",
    "mace-mp-0-small": f"{_MP}/mace_mp_0/2023-12-10-mace-128-L0_energy_epoch-249.model",
    "mace-mp-0-medium": f"{_MP}/mace_mp_0/2023-12-03-mace-128-L1_epoch-199.model",
    "mace-mp-0-large": f"{_MP}/mace_mp_0/MACE_MPtrj_2022.9.model",
    "mace-mp-0b3-medium": f"{_MP}/mace_mp_0b3/mace-mp-0b3-medium.model",
    "mace-omat-0-small": f"{_MP}/mace_omat_0/mace-omat-0-small.model",
    "mace-omat-0": f"{_MP}/mace_omat_0/mace-omat-0-medium.model",
    "mace-matpes-pbe-0": f"{_FOUNDATIONS}/mace_matpes_0/MACE-matpes-pbe-omat-ft.model",
    "mace-matpes-r2scan-0": f"{_FOUNDATIONS}/mace_matpes_0/MACE-matpes-r2scan-omat-ft.model",
}
