"""A Dask worker in another Python interpreter: potentials that exclude each other's packages."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import dask
from distributed.deploy.subprocess import Subprocess


class ForeignNanny(Subprocess):
    """A nanny, and so its worker, started by ``python -m dask spec`` of a given interpreter.

    It inherits this process's Dask configuration, and ends with its scheduler.
    """

    def __init__(self, scheduler: str, name: Any, python: Path, options: dict[str, Any]) -> None:
        """``options`` are those of ``distributed.Nanny``, all plain JSON values."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.name = name
        self._command = (
            *(str(python), "-P", "-m", "dask", "spec", scheduler, "--spec"),
            json.dumps({"cls": "distributed.Nanny", "opts": {"name": name, **options}}),
        )

    async def _start(self) -> None:
        config = {**dask.config.config, "logging": {"distributed": "error"}}
        inherited = {"DASK_INTERNAL_INHERIT_CONFIG": dask.config.serialize(config)}
        self.process = await asyncio.create_subprocess_exec(
            *self._command,
            env={**os.environ, **inherited},
            start_new_session=True,  # Ctrl-C in the terminal is for the driver
        )
