"""A small MACE network with random weights, for tests of what does not depend on training."""

from __future__ import annotations

import warnings
from pathlib import Path

from ase.data import atomic_numbers

ELEMENTS = ("Li", "O", "F", "Mg", "Zn", "Br")


def write_random_mace(
    path: Path,
    heads: tuple[str, ...] = ("Default",),
    elements: tuple[str, ...] = ELEMENTS,
    like_mpa_0: bool = False,
) -> Path:
    """Write a seeded float32 MACE as a ``.model`` file.

    It has 8 scalars, two layers and a cutoff of 4 Å, or the shape of MACE-MPA-0 (medium).
    """
    hidden, cutoff, degree = ("128x0e + 128x1o", 6.0, 3) if like_mpa_0 else ("8x0e", 4.0, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # e3nn builds TorchScript, which torch retires
        import mace.modules  # before e3nn: sets how e3nn's constants are read
        import numpy as np
        import torch
        from e3nn import o3

        torch.manual_seed(7)
        block = mace.modules.interaction_classes["RealAgnosticResidualInteractionBlock"]
        model = mace.modules.ScaleShiftMACE(
            atomic_inter_scale=[0.5] * len(heads),
            atomic_inter_shift=[0.1] * len(heads),
            r_max=cutoff,
            num_bessel=10 if like_mpa_0 else 6,
            num_polynomial_cutoff=5,
            max_ell=degree,
            interaction_cls=block,
            interaction_cls_first=block,
            num_interactions=2,
            num_elements=len(elements),
            hidden_irreps=o3.Irreps(hidden),
            MLP_irreps=o3.Irreps("16x0e" if like_mpa_0 else "8x0e"),
            atomic_energies=np.full((len(heads), len(elements)), -1.5),
            avg_num_neighbors=12.0,
            atomic_numbers=sorted(atomic_numbers[symbol] for symbol in elements),
            correlation=degree,
            gate=torch.nn.functional.silu,
            heads=list(heads),
        )
        torch.save(model, path)
    return path
