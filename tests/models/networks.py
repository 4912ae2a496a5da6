"""A small MACE network with random weights, for tests of what does not depend on training."""

from __future__ import annotations

import warnings
from pathlib import Path

from ase.data import atomic_numbers

ELEMENTS = ("Li", "O", "F", "Mg", "Zn", "Br")


def write_random_mace(path: Path, heads: tuple[str, ...] = ("Default",)) -> Path:
    """Write a seeded float32 MACE (8 scalars, two layers, cutoff 4 Å) as a ``.model`` file."""
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
            r_max=4.0,
            num_bessel=6,
            num_polynomial_cutoff=5,
            max_ell=2,
            interaction_cls=block,
            interaction_cls_first=block,
            num_interactions=2,
            num_elements=len(ELEMENTS),
            hidden_irreps=o3.Irreps("8x0e"),
            MLP_irreps=o3.Irreps("8x0e"),
            atomic_energies=np.full((len(heads), len(ELEMENTS)), -1.5),
            avg_num_neighbors=12.0,
            atomic_numbers=sorted(atomic_numbers[symbol] for symbol in ELEMENTS),
            correlation=2,
            gate=torch.nn.functional.silu,
            heads=list(heads),
        )
        torch.save(model, path)
    return path
