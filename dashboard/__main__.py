"""``python -m dashboard --run RUN [--port PORT] [--address ADDRESS]`` serves the dashboard."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from dashboard.access import LOOPBACK, check, password_from
from dashboard.launch import command
from screen.core.errors import SettingsError


def main(arguments: list[str] | None = None) -> None:
    """Read the arguments and become the server; exit code 2 if it must not start."""
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
        sys.exit(2)
    words = command(chosen.run, chosen.port, chosen.address, chosen.password_file)
    os.execv(words[0], words)  # no child, which would outlive this process when it is ended


if __name__ == "__main__":
    main()
