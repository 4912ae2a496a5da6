"""Batches keep the order, respect the budget, and shrink where memory runs out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from screen.models._batches import SHARE, Budget, Result, run_in_batches
from screen.models._torch import FIRST_SHARE, CudaMemory, HostMemory, budget_of

ITEMS = [3, 1, 1, 5, 2]


class Meter:
    """A memory of ``free`` bytes whose peak is what the last batch took."""

    def __init__(self, free: int) -> None:
        self.bytes = free
        self.taken = 0
        self.released = 0

    def watch(self) -> None:
        self.taken = 0

    def peak(self) -> int:
        return self.taken

    def free(self) -> int:
        return self.bytes

    def release(self) -> None:
        self.released += 1


def run(
    items: list[int],
    budget: Budget,
    memory: HostMemory | Meter | None = None,
    watch: Callable[[list[int]], None] = lambda batch: None,
) -> list[list[int]]:
    """Batches that came through; the energy of an item is the item."""

    def forward(batch: list[int]) -> Result:
        watch(batch)
        return np.array(batch, dtype=float), np.zeros((0, 3)), np.zeros((0, 3, 3))

    results = run_in_batches(items, int, forward, budget, memory or HostMemory())
    return [energies.astype(int).tolist() for energies, _, _ in results]


def fails_above(limit: int, error: Exception) -> Callable[[list[int]], None]:
    def watch(batch: list[int]) -> None:
        if sum(batch) > limit:
            raise error

    return watch


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        (1, [[3], [1], [1], [5], [2]]),  # too small for any: one by one
        (4, [[3, 1], [1], [5], [2]]),
        (5, [[3, 1, 1], [5], [2]]),
        (100, [[3, 1, 1, 5, 2]]),
    ],
)
def test_batches_are_as_full_as_the_budget_allows(budget: int, expected: list[list[int]]) -> None:
    assert run(ITEMS, Budget(budget)) == expected


def test_no_items_give_no_batches() -> None:
    assert run([], Budget(3)) == []


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
    ids=["python", "cuda", "cpu", "cublas"],
)
def test_a_batch_that_does_not_fit_is_halved_and_repeated_for_good(error: Exception) -> None:
    budget, memory = Budget(100), Meter(0)
    assert run(ITEMS, budget, memory, fails_above(6, error)) == [[3, 1, 1], [5], [2]]
    assert memory.released == 1
    assert budget.edges == 6  # half of the 12 that did not fit
    assert run(ITEMS, budget, memory, fails_above(6, error)) == [[3, 1, 1], [5], [2]]
    assert memory.released == 1


def test_halving_goes_on_until_the_batch_fits() -> None:
    budget = Budget(1000)
    assert run([1] * 16, budget, watch=fails_above(2, MemoryError())) == [[1, 1]] * 8
    assert budget.edges == 2


def test_an_item_that_does_not_fit_alone_ends_it() -> None:
    with pytest.raises(MemoryError, match=r"one cell of 5 pairs of neighbours .*\(too much\)"):
        run(ITEMS, Budget(100), watch=fails_above(4, MemoryError("too much")))


def test_other_errors_are_not_taken_for_memory() -> None:
    with pytest.raises(RuntimeError, match="shapes do not match"):
        run(ITEMS, Budget(100), watch=fails_above(4, RuntimeError("shapes do not match")))


def test_the_budget_is_what_the_measured_peak_allows() -> None:
    memory, budget = Meter(10_000), Budget(4)

    def takes(batch: list[int]) -> None:
        memory.taken = 700 + 30 * sum(batch)  # a part that does not grow with the batch

    batches = run([2] * 300, budget, memory, takes)
    first = int(SHARE * 10_000 * 4 / (700 + 30 * 4))
    assert len(batches[0]) == 2
    assert sum(batches[1]) == first  # 34: measured again, as it is over twice as large
    second = int(SHARE * 10_000 * first / (700 + 30 * first))
    assert sum(batches[2]) == second - second % 2
    assert max(700 + 30 * sum(batch) for batch in batches) < 10_000


def test_nothing_raises_a_budget_that_memory_has_limited() -> None:
    memory, budget = Meter(10**9), Budget(100)

    def takes(batch: list[int]) -> None:
        fails_above(6, MemoryError())(batch)
        memory.taken = sum(batch)

    run(ITEMS, budget, memory, takes)
    assert budget.edges == 6


def test_a_batch_without_edges_says_nothing_about_memory() -> None:
    memory, budget = Meter(10**6), Budget(50)

    def takes(batch: list[int]) -> None:
        memory.taken = 100

    run([0, 0], budget, memory, takes)
    assert budget.edges == 50


def test_the_first_batch_takes_a_small_part_of_the_free_memory() -> None:
    assert budget_of(Meter(10**9), bytes_per_edge=1e4, on_cpu=7).edges == FIRST_SHARE * 1e5
    assert budget_of(HostMemory(), bytes_per_edge=1e4, on_cpu=7).edges == 7


def test_the_peak_on_a_gpu_is_what_tensors_took() -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no GPU here")
    memory = CudaMemory(torch.device("cuda"))
    kept = torch.empty(1 << 20, dtype=torch.uint8, device="cuda")
    free = memory.free()
    memory.watch()
    torch.empty(64 << 20, dtype=torch.uint8, device="cuda")
    assert memory.peak() == 64 << 20
    assert memory.free() >= free - (2 << 20)  # what torch holds without use counts as free
    assert len(kept) == 1 << 20
