"""What every worker does first."""

from __future__ import annotations

import logging
import signal
from typing import Any


def dask_setup(_worker: Any) -> None:
    """Leave Ctrl-C and errors of tasks to the driver.

    A terminal sends SIGINT to all processes in its foreground; an error is raised again by the
    driver, so that the worker's own "Compute Failed" would say it twice.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.getLogger("distributed.worker").setLevel(logging.CRITICAL)
