"""What the potentials that run on torch share: device, batch size, silence."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

from screen.core.errors import ModelUnavailableError

GPU_MEMORY_SHARE = 0.5  # of the whole memory; the rest is fragmentation and the CUDA context


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


@contextmanager
def quiet() -> Iterator[None]:
    """Hide what packages print and warn while they load: no user can act on it.

    torch retires TorchScript, which e3nn still needs; mace asks torch to unpickle everything and
    torch says so; mace prints which accelerators are missing and its downloads' progress.
    """
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.filterwarnings("ignore", message=r"`torch\.jit", category=DeprecationWarning)
        warnings.filterwarnings("ignore", message="Environment variable TORCH_FORCE_NO_WEIGHTS")
        yield
