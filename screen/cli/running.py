"""Run a campaign in the terminal: progress, Ctrl-C, and what came out of it."""

from __future__ import annotations

import sys

from screen import console
from screen.cli import interrupts
from screen.core.settings import Campaign


def run_and_tell(campaign: Campaign) -> bool:
    """Run a campaign, tell how it went, and say whether it came to its end.

    Exits with 130 where it was stopped at once, with 3 where something unexpected was raised.
    """
    from screen.pipeline.campaign import run_campaign

    folder = campaign.run_folder
    try:
        with console.progress(folder) as watch, interrupts.deferred(_say_stopping) as stop:
            state = run_campaign(campaign, watch, stop)
    except KeyboardInterrupt:
        console.print_message(
            f"stopped; finished stages are kept in {folder}. Go on with the same command."
        )
        sys.exit(130)
    counts = ", ".join(f"{count} {status}" for status, count in sorted(state.statuses.items()))
    earlier = f", {state.resumed} from an earlier run" if state.resumed else ""
    console.print_message(f"{folder}: {counts or 'nothing new'}{earlier}")
    left = state.total - state.done
    if state.stopping:
        console.print_message(
            f"stopped with {left} to do. Go on with the same command."
            if left
            else "stopped after the last material: the campaign is complete."
        )
    if state.over_budget is not None:
        console.print_message(f"over budget: {state.over_budget}")
    if state.first_traceback is not None:
        console.print_error(
            f"{state.kinds['unexpected_error']} unexpected error(s)",
            f"; the first:\n{state.first_traceback}",
        )
        sys.exit(3)
    return not left


def _say_stopping() -> None:
    """Tell that the signal was seen."""
    console.print_from_handler(
        "stopping: what runs is finished, nothing new starts. Once more stops at once; finished "
        "stages are kept either way."
    )
