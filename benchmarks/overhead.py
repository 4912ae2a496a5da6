"""What a campaign costs besides physics: driver, scheduler, artifacts, store and snapshots.

Runs trivial materials through the real driver on real Dask workers and, in the same run on the
same cores, the same number of empty tasks through a bare Dask client (window = slots, results
dropped): the peer that this driver is built on. The last line is JSON.

    python benchmarks/overhead.py [--materials 2000] [--workers 2] [--quick]

``driver_mb_by_tenth`` is the driver's resident memory while each tenth of the materials ends, the
median of many looks, as a snapshot takes some memory while it is written: what rises from tenth to
tenth grows with the results. ``snapshot_staleness_s`` is the longest time without a new snapshot
while results came in.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.io import write

sys.path.insert(0, str(Path(__file__).parents[1]))  # workers import benchmarks.trivial by name

from screen.core.settings import Campaign, campaign_from  # after sys.path
from screen.pipeline.campaign import run_campaign
from screen.pipeline.state import State
from screen.store.database import open_snapshot
from screen.store.layout import database_file
from screen.store.snapshots import current_version

QUICK = 5000


def main() -> None:
    """Run both, print a table and one JSON line."""
    arguments = parsed()
    with tempfile.TemporaryDirectory() as folder:
        campaign = trivial_campaign(Path(folder), arguments.materials, arguments.workers)
        figures = measure_campaign(campaign, arguments.materials)
    peer = bare_dask(arguments.materials, arguments.workers)
    figures["bare_dask_tasks_per_s"] = peer
    figures["share_of_bare_dask"] = figures["materials_per_s"] / peer
    for name, value in figures.items():
        print(f"{name:>24}: {value:.4g}" if isinstance(value, float) else f"{name:>24}: {value}")
    print(json.dumps(figures))


def parsed() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--materials", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} materials, a minute or two")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.materials = QUICK
    return arguments


def trivial_campaign(folder: Path, materials: int, workers: int) -> Campaign:
    """Campaign over ``materials`` different one-atom crystals in one extxyz file."""
    lengths = 3 + np.arange(materials) / materials
    frames = [Atoms("Cu", cell=np.eye(3) * length, pbc=True) for length in lengths]
    write(folder / "crystals.extxyz", frames, format="extxyz")
    return campaign_from(
        {
            "name": "overhead",
            "run": folder / "run",
            "source": {"name": "files", "path": str(folder / "crystals.extxyz")},
            "model": "springs",
            "protocol": "quick",
            "properties": ["benchmarks.trivial"],
            "cluster": {"name": "local", "workers": workers},
        }
    )


def measure_campaign(campaign: Campaign, materials: int) -> dict[str, Any]:
    """Throughput between first and last outcome, driver memory, and what was lost or doubled.

    The share that is not physics is 1 − (seconds inside stages) / (workers × wall seconds).
    """
    marks: list[tuple[float, int]] = []  # first look at each number of materials done
    memory: dict[int, list[float]] = defaultdict(list)  # tenth of the materials -> MB of the driver
    published: dict[int, float] = {}  # version -> seconds

    def watch(state: State) -> None:
        now = time.perf_counter()
        if not marks or marks[-1][1] != state.done:
            marks.append((now, state.done))
        version = current_version(campaign.run_folder)
        if version is not None:
            published.setdefault(version, now)
        tenth = min(10 * state.done // materials, 9)
        if tenth not in memory and memory:
            print(f"{state.done} done: {np.median(memory[max(memory)]):.0f} MB", flush=True)
        memory[tenth].append(resident_mb())

    before = time.perf_counter()
    run_campaign(campaign, watch)
    total_s = time.perf_counter() - before
    started = next(at for at, done in marks if done > 0)
    first = next(done for _, done in marks if done > 0)
    wall_s = max(marks[-1][0] - started, 1e-9)
    looks = [*published.values(), marks[-1][0]]
    with open_snapshot(campaign.run_folder) as snapshot:
        (found,) = snapshot.query(
            "SELECT (SELECT count(*) FROM results WHERE status = 'complete') AS complete, "
            "(SELECT count(*) FROM (SELECT artifact FROM costs GROUP BY artifact "
            "HAVING count(*) > 1)) AS doubled, (SELECT sum(wall_s) FROM costs) AS stage_s"
        ).to_pylist()
    workers = campaign.cluster.options["workers"]
    return {
        "materials": materials,
        "materials_per_s": (marks[-1][1] - first) / wall_s,
        "driver_mb_by_tenth": [round(float(np.median(mb))) for mb in memory.values()],
        "driver_peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "snapshot_staleness_s": max(after - at for at, after in pairwise(looks)),
        "database_mb": database_file(campaign.run_folder).stat().st_size / 2**20,
        "artifacts_mb": megabytes(campaign.run_folder / "artifacts"),
        "lost": materials - found["complete"],
        "doubled": found["doubled"],
        "not_physics_share": 1 - found["stage_s"] / (workers * wall_s),
        "total_s": total_s,
    }


def resident_mb() -> float:
    """Memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def megabytes(folder: Path) -> float:
    """Size on disk of all files, in the blocks that they take."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*")) / 2**20


def bare_dask(tasks: int, workers: int) -> float:
    """Empty tasks per second through a Dask client with a window of one task per worker."""
    from distributed import Client, LocalCluster, as_completed

    with (
        LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address="127.0.0.1:0"
        ) as cluster,
        Client(cluster) as client,
    ):
        client.submit(int).result()
        started = time.perf_counter()
        window = [client.submit(int, n, pure=False) for n in range(workers)]
        ended = as_completed(window)
        for submitted, _ in enumerate(ended, start=workers):
            if submitted < tasks:
                ended.add(client.submit(int, submitted, pure=False))
        return tasks / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
