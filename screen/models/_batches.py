"""Split crystals into batches and put the results together again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from screen.core.crystal import Crystal, FloatArray
from screen.core.errors import EvaluationError, ModelUnavailableError
from screen.core.records import Evaluation

T = TypeVar("T")

GPU_MEMORY_SHARE = 0.5  # of the whole memory; the rest is fragmentation and the CUDA context


def batches(items: Iterable[T], size: Callable[[T], int], budget: int) -> Iterator[list[T]]:
    """Yield consecutive items whose sizes add up to ``budget`` at most, one at least."""
    batch: list[T] = []
    filled = 0
    for item in items:
        if batch and filled + size(item) > budget:
            yield batch
            batch, filled = [], 0
        batch.append(item)
        filled += size(item)
    if batch:
        yield batch


def torch_device(name: str) -> Any:
    """Return the torch device for ``auto``, ``cpu``, ``cuda`` or ``cuda:1``.

    Raises
    ------
    ModelUnavailableError
        torch does not know the device, or has no GPU here.
    """
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ModelUnavailableError(
            f"torch has no device {name!r}; use auto, cpu, cuda or cuda:1"
        ) from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ModelUnavailableError(
            f"device {name!r} was asked for, but torch {torch.__version__} sees "
            f"{torch.cuda.device_count()} GPUs here; use device = 'auto' or 'cpu'"
        )
    return device


def edge_budget(device: Any, bytes_per_edge: float, on_cpu: int) -> int:
    """Edges (pairs of neighbours) per forward pass that fit the device's memory."""
    if device.type != "cuda":
        return on_cpu
    import torch

    memory = torch.cuda.get_device_properties(device).total_memory
    return int(GPU_MEMORY_SHARE * memory / bytes_per_edge)


def gathered(
    name: str,
    crystals: Sequence[Crystal],
    energies: Sequence[float],
    forces: Sequence[FloatArray],
    stresses: Sequence[FloatArray],
) -> Evaluation:
    """Put the results of all crystals into one record.

    Raises
    ------
    EvaluationError
        A value is not finite; the message names the crystal.
    """
    for index, crystal in enumerate(crystals):
        values = (energies[index], forces[index], stresses[index])
        if not all(np.isfinite(value).all() for value in values):
            raise EvaluationError(
                f"{name} gave an energy, force or stress that is not finite for "
                f"{crystal.formula} ({len(crystal)} atoms, {crystal.volume:.2f} Å³)"
            )
    return Evaluation(
        energies=np.array(energies, dtype=np.float64),
        forces=tuple(forces),
        stresses=np.array(stresses, dtype=np.float64).reshape(-1, 3, 3),
    )
