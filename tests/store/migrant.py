"""A process to be killed while it migrates: ``python -m tests.store.migrant <run> <step>``.

It opens the run with two migrations more than there are, and dies before the first SQL statement
that starts with the given words.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from screen.store import migrations
from screen.store.database import Writer
from screen.store.migrations import Run
from tests.store.samples import PROPERTIES
from tests.store.victim import die


def rename_mood(run: Run) -> None:
    """Something that declarations cannot express."""
    run("ALTER TABLE models RENAME COLUMN citation TO reference")


def fill_mood(run: Run) -> None:
    run("UPDATE models SET reference = 'none yet'")


STEPS = (*migrations.MIGRATIONS, rename_mood, fill_mood)

if __name__ == "__main__":
    run, step = Path(sys.argv[1]), sys.argv[2]
    execute = Writer._execute

    def dying(self: Writer, sql: str, *rest: Any) -> Any:
        return die() if sql.startswith(step) else execute(self, sql, *rest)

    Writer._execute = dying  # type: ignore[method-assign]
    if step.startswith("UPDATE") or step.endswith("citation TO reference"):
        with Writer(run, PROPERTIES) as writer:
            migrations.migrate(writer._execute, STEPS)
    else:
        Writer(run, PROPERTIES).close()
