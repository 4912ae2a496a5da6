"""What the driver's tasks are to Dask."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from distributed import Client, LocalCluster

from screen.clusters._dask import DaskWorkers


def label(resources: frozenset[str], report: Any, number: int) -> int:
    return number


@pytest.fixture
def client() -> Iterator[Client]:
    """A scheduler and one worker in this process."""
    with (
        LocalCluster(
            n_workers=1,
            threads_per_worker=1,
            processes=False,
            dashboard_address="127.0.0.1:0",
            resources={"cpu": 1},
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def test_the_scheduler_keeps_one_group_of_statistics_for_all_materials(client: Client) -> None:
    """Dask forgets a task, but never the prefix of its key: 100,000 would be 300 MB."""
    workers = DaskWorkers(client, ["cpu"])
    for number, name in enumerate(["LiBr", "mp-1 sevennet", "Si", "GaN-wz part 3 of 4"]):
        workers.submit(name, "cpu", label, number)
    found = [workers.next_completed(10) for _ in range(4)]
    assert sorted(each.result for each in found if each) == [0, 1, 2, 3]
    (prefix,) = client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.task_prefixes))
    assert prefix == "thermoscreen"
