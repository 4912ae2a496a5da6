"""A small M3GNet with random weights, for tests of what does not depend on training."""

from __future__ import annotations

import warnings
from pathlib import Path

ELEMENTS = ("Li", "O", "F", "Mg", "Zn", "Br")


def write_random_m3gnet(folder: Path, **values: object) -> Path:
    """Write a seeded float32 M3GNet (two blocks, 5 and 4 Å) with matgl's own ``save``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch_geometric builds TorchScript, which torch retires
        import torch
        from matgl.apps.pes import Potential
        from matgl.models import M3GNet

        torch.manual_seed(7)
        shape = {
            "element_types": ELEMENTS,
            "dim_node_embedding": 8,
            "dim_edge_embedding": 8,
            "units": 8,
            "nblocks": 2,
            "is_intensive": False,
            "use_smooth": True,
        }
        model = M3GNet(**{**shape, **values})
        references = torch.linspace(-3.0, -1.0, len(model.element_types))
        Potential(model, data_std=2.0, element_refs=references).save(folder)
    return folder
