"""Make ``costs.json``: cost laws of the stages that runs on this machine have computed.

    python catalogs/make_costs.py RUN [RUN ...]

Each RUN is a run folder of ``thermoscreen run``; an earlier one goes before the later ones. The
shipped file is of ``catalogs/campaigns/costs.toml`` (SevenNet-0 on twelve crystals), then
``demo.toml`` and ``potentials.toml`` for the other potentials.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import reduce
from pathlib import Path

from screen.planning.costs import SHIPPED, fit_costs, this_machine, write_costs
from screen.planning.history import measured_stages

SOURCE = "catalogs/make_costs.py on campaigns costs, demo, potentials; protocol quick"
HERE = Path(__file__).parent


def main() -> None:
    """Fit and write."""
    runs = [Path(argument) for argument in sys.argv[1:]]
    models = [fit_costs(measured_stages(run), run.name) for run in runs]
    costs = reduce(lambda first, second: first.over(second), models)
    write_costs(HERE / SHIPPED, replace(costs, hardware=this_machine(), source=SOURCE))


if __name__ == "__main__":
    main()
