"""What the potentials that run on torch share: device, memory, transfer, silence."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from typing import Any

import numpy as np

from screen.core.errors import ModelUnavailableError
from screen.models._batches import Budget, Memory

FIRST_SHARE = 0.2  # of a GPU's free memory, for a batch whose need is only estimated


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


def torch_dtype(name: str) -> Any:
    """Return torch's ``float64`` or ``float32``."""
    import torch

    return {"float64": torch.float64, "float32": torch.float32}[name]


def to_device(arrays: Mapping[str, Any], device: Any, dtype: Any) -> dict[str, Any]:
    """Copy arrays to a device, floats as ``dtype``; to a GPU from pinned memory, without waiting."""
    import torch

    tensors = {}
    for key, array in arrays.items():
        tensor = torch.from_numpy(np.ascontiguousarray(array))
        if tensor.is_floating_point():
            tensor = tensor.to(dtype)
        if device.type == "cuda":
            tensor = tensor.pin_memory().to(device, non_blocking=True)
        tensors[key] = tensor
    return tensors


class HostMemory:
    """A CPU's memory: not measured, as batches there are small for the sake of the caches."""

    def watch(self) -> None:
        """Do nothing."""

    def peak(self) -> None:
        """Return None."""

    def free(self) -> int:
        """Return 0: nobody asks without a peak."""
        return 0

    def release(self) -> None:
        """Do nothing: Python has given back what it can."""


class CudaMemory:
    """A GPU's memory as torch sees it; see ``_batches.Memory``."""

    def __init__(self, device: Any) -> None:
        self._device = device
        self._before = 0

    def watch(self) -> None:
        """Start to measure a peak."""
        import torch

        torch.cuda.reset_peak_memory_stats(self._device)
        self._before = torch.cuda.memory_allocated(self._device)

    def peak(self) -> int:
        """Bytes taken at most since ``watch``."""
        import torch

        return int(torch.cuda.max_memory_allocated(self._device)) - self._before

    def free(self) -> int:
        """Bytes that the GPU has left, and those that torch holds without use."""
        import torch

        unused = torch.cuda.memory_reserved(self._device) - torch.cuda.memory_allocated(
            self._device
        )
        return int(torch.cuda.mem_get_info(self._device)[0] + unused)

    def release(self) -> None:
        """Give the GPU back what torch holds without use."""
        import torch

        torch.cuda.empty_cache()


def memory_of(device: Any) -> Memory:
    """Return the memory of a torch device."""
    return CudaMemory(device) if device.type == "cuda" else HostMemory()


def budget_of(memory: Memory, bytes_per_edge: float, on_cpu: int) -> Budget:
    """Return the edges of a first batch: what a GPU should hold with ease, or ``on_cpu``."""
    free = memory.free()
    return Budget(int(FIRST_SHARE * free / bytes_per_edge) if free else on_cpu)


@contextmanager
def quiet() -> Iterator[None]:
    """Hide what packages print and warn while they load: no user can act on it.

    torch retires TorchScript, which e3nn still needs; mace asks torch to unpickle everything and
    torch says so; mace and sevenn print which accelerators are missing.
    """
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.filterwarnings("ignore", message=r"`torch\.jit", category=DeprecationWarning)
        warnings.filterwarnings("ignore", message="Environment variable TORCH_FORCE_NO_WEIGHTS")
        warnings.filterwarnings("ignore", message="To copy construct from a tensor")
        yield
