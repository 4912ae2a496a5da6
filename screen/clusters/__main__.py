"""Dask's programs under the settings that campaigns need.

::

    python -m screen.clusters scheduler [options of `dask scheduler`]
    python -m screen.clusters worker ADDRESS --resources "cpu=1 model:FAMILY=1"
        [--end SECONDS_SINCE_1970 --drain SECONDS] [options of `dask worker`]
    python -m screen.clusters certificates FOLDER
    python -m screen.clusters slurm-script CAMPAIGN.toml
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import dask
from distributed.cli import dask_scheduler, dask_worker

from screen.clusters import _drain, slurm
from screen.clusters._dask import CONFIG
from screen.clusters._security import write_certificates
from screen.core.errors import ThermoscreenError
from screen.core.protocols import WorkerKind
from screen.core.settings import read_campaign

PRELOAD = "distributed.worker.preload"


def main(arguments: Sequence[str]) -> int:
    """Run one of the programs; returns the exit code."""
    match arguments:
        case ["certificates", folder] if not folder.startswith("-"):
            return _certificates(Path(folder))
        case ["slurm-script", campaign] if not campaign.startswith("-"):
            return _slurm_script(Path(campaign))
        case ["scheduler", *rest]:
            dask.config.set(CONFIG)
            dask_scheduler.main(args=rest, prog_name="python -m screen.clusters scheduler")
        case ["worker", *rest]:
            _worker(rest)
        case _:
            sys.stderr.write(__doc__ or "")
            return 2
    return 0


def _certificates(folder: Path) -> int:
    """Write certificates."""
    try:
        files = write_certificates(folder)
    except ThermoscreenError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{files.ca}\n{files.cert}\n{files.key}\n")
    return 0


def _slurm_script(campaign: Path) -> int:
    """Print the jobs that a campaign would submit, with this interpreter in them."""
    try:
        settings = read_campaign(campaign)
        names = [model.environment or model.family for model in settings.models]
        kinds = [WorkerKind(("cpu", f"model:{name}")) for name in dict.fromkeys(names)]
        scripts = slurm.example_scripts(settings.cluster.options, kinds)
    except ThermoscreenError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("\n".join(scripts))
    return 0


def _worker(arguments: Sequence[str]) -> None:
    """Run a worker of one thread that ends before ``--end``."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--end", type=float)
    parser.add_argument("--drain", type=float, default=0.0)
    own, rest = parser.parse_known_args(arguments)
    dask.config.set(CONFIG)
    if own.end is not None:
        dask.config.set({_drain.KEY: {"end": own.end, "drain": own.drain}})
        dask.config.set({PRELOAD: [*dask.config.get(PRELOAD, ()), _drain.__name__]})
    dask_worker.main(
        args=["--nthreads", "1", "--no-dashboard", *rest],
        prog_name="python -m screen.clusters worker",
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
