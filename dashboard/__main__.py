"""``python -m dashboard --run RUN [--port PORT]`` serves the dashboard until it is interrupted."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from dashboard.launch import command


def main(arguments: list[str] | None = None) -> int:
    """Read the arguments, run the server and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m dashboard", description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="run folder of a campaign")
    parser.add_argument("--port", type=int, help="default: 8501 or the next free one")
    chosen = parser.parse_args(arguments)
    try:
        return subprocess.call(command(chosen.run, chosen.port))
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
