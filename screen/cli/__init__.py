"""The command line: arguments to settings to one call."""

from screen.cli.app import app, main

__all__ = ["app", "main"]
