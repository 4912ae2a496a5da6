"""``python -m dashboard --run RUN [--port PORT] [--address ADDRESS]`` serves the dashboard."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from dashboard.access import LOOPBACK, check, password_from
from dashboard.launch import command
from screen.core.errors import SettingsError


def main(arguments: list[str] | None = None) -> int:
    """Read the arguments, run the server until it is interrupted and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m dashboard", description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="run folder of a campaign")
    parser.add_argument("--port", type=int, help="default: 8501 or the next free one")
    parser.add_argument("--address", default=LOOPBACK, help="beyond loopback: with a password")
    parser.add_argument("--password-file", type=Path, help="its first line; chmod 600")
    chosen = parser.parse_args(arguments)
    try:
        check(chosen.address, password_from(os.environ, chosen.password_file))
    except SettingsError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    words = command(chosen.run, chosen.port, chosen.address, chosen.password_file)
    try:
        return subprocess.call(words)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
