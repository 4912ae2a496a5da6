"""SevenNet potentials with a name: what is known of them and where their checkpoints are."""

from __future__ import annotations

from screen.core.protocols import ModelCard
from screen.models._elements import MPTRJ

_K_SRME = "k_SRME"
_MATBENCH = "matbench-discovery, July 2026"
_DOCS = "SevenNet's documentation of pretrained models, version 0.13"

_PBE = "PBE, PBE+U as in the Materials Project"
_PARK = "Park et al., J. Chem. Theory Comput. 20, 4857 (2024)"
_KIM_2024 = "Kim et al., J. Am. Chem. Soc. 147, 1042 (2024)"
_KIM_2026 = "Kim et al., Nat. Commun. 17, 3432 (2026)"
_DATASETS = "15 open sets of crystals, surfaces and molecules"


def _card(
    name: str,
    description: str,
    training_set: str,
    citation: str,
    srme: tuple[float, str] | None = None,
    functional: str = _PBE,
) -> ModelCard:
    bundled = name in BUNDLED
    return ModelCard(
        name=name,
        family="sevennet",
        description=description,
        training_set=training_set,
        functional=functional,
        licence="MIT",
        citation=citation,
        bundled=bundled,
        cutoff=5.0 if bundled else 6.0,
        elements=MPTRJ,  # all were trained on crystals of the Materials Project or OMat24
        kappa_srme=None if srme is None else srme[0],
        kappa_srme_source=None if srme is None else srme[1],
    )


_MF_0 = "SevenNet_MF_0/checkpoint_sevennet_mf_0.pth"
BUNDLED = {  # card -> file in sevenn/pretrained_potentials
    "sevennet-0": "SevenNet_0__11Jul2024/checkpoint_sevennet_0.pth",
    "sevennet-l3i5": "SevenNet_l3i5/checkpoint_l3i5.pth",
    "sevennet-mf-0": _MF_0,
    "sevennet-mf-0-r2scan": _MF_0,
}
RELEASES = "https://github.com/MDIL-SNU/SevenNet/releases/download"
DOWNLOADS = {  # card -> address below RELEASES
    "sevennet-omat": "v0.11.0.cp/checkpoint_sevennet_omat.pth",
    "sevennet-mf-ompa": "v0.11.0.cp/checkpoint_sevennet_mf_ompa.pth",
    "sevennet-omni": "v0.12.0.cp/checkpoint_sevennet_omni.pth",
    "sevennet-omni-i8": "v0.12.1.cp/checkpoint_sevennet_omni_i8.pth",
    "sevennet-omni-i12": "v0.12.1.cp/checkpoint_sevennet_omni_i12.pth",
}
HEADS = {  # card of a checkpoint with several levels of theory -> the one it is
    "sevennet-mf-0": "PBE",
    "sevennet-mf-0-r2scan": "R2SCAN",
    "sevennet-mf-ompa": "mpa",
    "sevennet-omni": "mpa",
    "sevennet-omni-i8": "mpa",
    "sevennet-omni-i12": "mpa",
}
CARDS = (
    _card(
        "sevennet-0",
        "SevenNet-0 of 11 July 2024: lmax 2, 5 layers, 0.84 M parameters",
        "MPtrj",
        _PARK,
        (0.767, _K_SRME),
    ),
    _card(
        "sevennet-l3i5",
        "SevenNet-l3i5: lmax 3, 5 layers; 2.8 times the cost of sevennet-0",
        "MPtrj",
        _PARK,
        (0.550, _MATBENCH),
    ),
    _card(
        "sevennet-mf-0",
        "SevenNet-MF-0, its PBE level: lmax 2, 5 layers",
        "Materials Project, PBE and r2SCAN",
        _KIM_2024,
    ),
    _card(
        "sevennet-mf-0-r2scan",
        "SevenNet-MF-0, its r2SCAN level",
        "Materials Project, PBE and r2SCAN",
        _KIM_2024,
        functional="r2SCAN",
    ),
    _card("sevennet-omat", "lmax 3, 5 layers", "OMat24", _KIM_2024, (0.221, _DOCS), "PBE, PBE+U"),
    _card(
        "sevennet-mf-ompa",
        "its level of MPtrj and sAlex: lmax 3, 5 layers, 25.7 M parameters",
        "OMat24, sAlex, MPtrj",
        _KIM_2024,
        (0.317, _MATBENCH),
    ),
    _card(
        "sevennet-omni",
        "its level of MPtrj and sAlex: lmax 3, 5 layers",
        _DATASETS,
        _KIM_2026,
        (0.265, _DOCS),
    ),
    _card(
        "sevennet-omni-i8",
        "its level of MPtrj and sAlex: lmax 3, 8 layers",
        _DATASETS,
        _KIM_2026,
        (0.257, _DOCS),
    ),
    _card(
        "sevennet-omni-i12",
        "its level of MPtrj and sAlex: lmax 3, 12 layers, 54.9 M parameters",
        _DATASETS,
        _KIM_2026,
        (0.192, _MATBENCH),
    ),
)
