"""DuckDB: one writer owns the live file, everybody else reads published snapshots.

DuckDB locks a file per process: a reader of the live file would block the writer and the other
way round. The lock is a POSIX lock, which any ``open`` and ``close`` of the same file inside the
writer's process drops: the live file is never touched by ordinary file calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from screen.core.errors import StoreError
from screen.core.protocols import ModelCard, ModelIdentity
from screen.core.records import Candidate, Execution, Outcome, Rejected
from screen.core.settings import Protocol
from screen.store import backfill, rows, snapshots, statements
from screen.store.deadline import interrupted_after
from screen.store.files import sync_file, sync_folder
from screen.store.filled import filled
from screen.store.frames import Row, first_rows, table_of, with_unique_names
from screen.store.layout import database_file, snapshots_folder
from screen.store.manifest import manifest_of
from screen.store.migrations import prepare
from screen.store.opening import live_config, snapshot_config, why_not_opened
from screen.store.refusals import explained, refusal, shortened, too_long
from screen.store.schema import (
    COST_LEDGER,
    FAILURE_LOG,
    MATERIALS,
    MODELS,
    OUTCOMES,
    PROTOCOLS,
    Properties,
    Table,
    property_tables,
)

Parameters = Sequence[object] | Mapping[str, object]

KEPT_SNAPSHOTS = 3
STORAGE_VERSION = "v1.5.0"  # snapshots open in DuckDB clients from 1.5 on


class Writer:
    """The one process that writes a run's database.

    Parameters
    ----------
    run
        Run folder; created if it does not exist.
    properties
        Property name to its ``COLUMNS``: one table each.

    Raises
    ------
    StoreError
        Another process has the database open, a newer program has written it, or it is broken.
    """

    def __init__(
        self,
        run: Path,
        properties: Properties | None = None,
        memory_limit: str = "2GB",
        threads: int = 2,
    ) -> None:
        self.run = run
        tables = property_tables(properties or {})
        self._connection = _connect_live(run, memory_limit, threads)
        self._manifest = manifest_of(run)
        try:
            snapshots.remove_drafts(run)
            self._properties = prepare(self._execute, tables)
            self._begin_manifest()
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the database back; what has been written stays."""
        self._connection.close()

    def add_candidates(self, candidates: Sequence[Candidate | Rejected]) -> None:
        """Store what is known about materials before anything is computed."""
        found = {item.id: rows.material_row(item) for item in candidates}
        frame = table_of(MATERIALS.name, MATERIALS.columns, list(found.values()))
        with self._registered({MATERIALS.name: frame}):
            changed = self._query(statements.changed(MATERIALS))
        if len(changed):
            self._manifest.add_materials(changed)
            with self._loading({MATERIALS.name: changed}):
                self._execute(statements.insert_or_replace(MATERIALS))

    def add_model(
        self, digest: str, identity: ModelIdentity, card: ModelCard | None = None
    ) -> None:
        """Store which potential a digest stands for; the view gets its columns."""
        row = rows.model_row(digest, identity, card)
        self._manifest.add(MODELS.name, digest, row)
        self._store(MODELS, [row])
        self._properties = prepare(self._execute, self._properties)

    def add_protocol(self, protocol: Protocol) -> None:
        """Store which settings a digest stands for."""
        row = rows.protocol_row(protocol)
        self._manifest.add(PROTOCOLS.name, protocol.digest, row)
        self._store(PROTOCOLS, [row])

    def upsert(self, outcomes: Sequence[Outcome]) -> None:
        """Store outcomes in one transaction; all rows of an earlier outcome are replaced.

        After the call returns the rows survive a kill. Repeating it changes nothing.

        Raises
        ------
        StoreError
            A value does not fit its column, a property is not declared, or the disk is full.
            Nothing of this call is stored then.
        """
        latest = {tuple(rows.key_row(item).values()): item for item in outcomes}.values()
        rows.refuse_undeclared(latest, {table.name for table in self._properties})
        found = {t.name: rows.property_rows(t.name, latest) for t in self._properties}
        heads = rows.heads(list(latest))
        frames = rows.owned_frames(heads, found, self._properties)
        self._manifest.add_outcomes(heads)
        frames["keys"] = rows.key_frame(latest)
        frames[COST_LEDGER.name] = rows.cost_frame(
            row for item in outcomes for row in rows.cost_rows(item)
        )
        with self._loading(frames):
            for table in (OUTCOMES, FAILURE_LOG, *self._properties):
                self._execute(statements.delete_stale(table))
                self._execute(statements.insert_or_replace(table))
            self._execute(statements.ADD_COSTS)
            self._execute(statements.ATTRIBUTE_COSTS)

    def add_executions(
        self,
        executions: Sequence[Execution],
        model_digest: str | None = None,
        protocol_digest: str | None = None,
    ) -> None:
        """Store lines of the cost ledger; those already known only gain missing digests.

        Without digests they belong to the outcome whose artifact they wrote, once it is there.

        Raises
        ------
        StoreError
            A value does not fit its column.
        """
        costs = rows.cost_frame(
            rows.cost_row(execution, model_digest, protocol_digest) for execution in executions
        )
        with self._loading({COST_LEDGER.name: costs}):
            self._execute(statements.ADD_COSTS)
            self._execute(statements.ATTRIBUTE_COSTS)

    def restore(self, frames: Mapping[str, pa.Table]) -> None:
        """Store rows of tables as they are, in one transaction; the manifest stays as it is.

        Raises
        ------
        StoreError
            A value does not fit its column, or the disk is full. Nothing is stored then.
        """
        with self._loading(frames):
            for table in (MATERIALS, MODELS, PROTOCOLS, OUTCOMES, FAILURE_LOG, *self._properties):
                if table.name in frames:
                    self._execute(statements.insert_or_replace(table))
            if COST_LEDGER.name in frames:
                self._execute(statements.ADD_COSTS)
            if OUTCOMES.name in frames:
                self._execute(statements.ATTRIBUTE_COSTS)
        if MODELS.name in frames:  # the view names the potentials
            self._properties = prepare(self._execute, self._properties)

    def finished(
        self,
        model_digest: str,
        protocol_digest: str,
        kinds_to_retry: frozenset[str],
        properties: Sequence[str] = (),
    ) -> set[str]:
        """Return the materials that need no further work.

        A material is finished if it has an outcome, none of the outcome's failures is of a kind
        to retry, its crystal is still the one that the outcome was computed for, and, if there
        was no failure, all ``properties`` are there.

        Raises
        ------
        StoreError
            A property is not declared.
        """
        found = self._execute(
            statements.finished(properties),
            {"model": model_digest, "protocol": protocol_digest, "kinds": sorted(kinds_to_retry)},
        )
        return {material for (material,) in found}

    def computed_stages(self, model_digest: str, protocol_digest: str) -> dict[str, frozenset[str]]:
        """Return the stages that each material's outcome has an artifact of."""
        found = self._execute(
            "SELECT material_id, json_keys(artifacts) FROM outcomes "
            "WHERE model_digest = $model AND protocol_digest = $protocol",
            {"model": model_digest, "protocol": protocol_digest},
        )
        return {material: frozenset(stages) for material, stages in found}

    def publish(self) -> Path:
        """Publish everything written so far as a new read-only snapshot; return its file.

        Raises
        ------
        StoreError
            The snapshot cannot be written. Earlier snapshots stay as they are.
        """
        folder = snapshots_folder(self.run)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            version = snapshots.next_version(self.run)
            self._copy_to(snapshots.draft_file(folder, version))
            return snapshots.publish_draft(self.run, version, KEPT_SNAPSHOTS)
        except OSError as error:
            raise StoreError(f"cannot publish a snapshot in {folder}: {error.strerror}") from error

    def _begin_manifest(self) -> None:
        """Write the manifest of a run that an earlier program has begun without one."""
        if not self._manifest.exists:
            keys = {table.name: self._query(backfill.keys(table)) for table in self._properties}
            found = {name: self._query(sql) for name, sql in backfill.QUERIES.items()}
            backfill.write(self._manifest, found, keys)

    def _store(self, table: Table, found: Sequence[Row]) -> None:
        """Insert or replace rows of one table."""
        frame = table_of(table.name, table.columns, found)
        with self._loading({table.name: frame}):
            self._execute(statements.insert_or_replace(table))

    def _copy_to(self, draft: Path) -> None:
        """Copy the whole database into a new file by SQL."""
        snapshots.remove_drafts(self.run)
        self._execute(statements.attach(draft, "draft", STORAGE_VERSION))
        try:
            self._execute("COPY FROM DATABASE campaign TO draft")
            for statement in filled("draft"):
                self._execute(statement)
            self._execute("CHECKPOINT draft")
        finally:
            self._execute("DETACH draft")

    def _execute(self, sql: str, parameters: Parameters | None = None) -> list[tuple[Any, ...]]:
        """Execute a statement and return its rows."""
        try:
            return self._connection.execute(sql, parameters).fetchall()
        except duckdb.Error as error:
            raise StoreError(f"{database_file(self.run)}: {error}") from error

    def _query(self, sql: str) -> pa.Table:
        """Execute a query and return its rows as Arrow table."""
        try:
            return _fetched(self._connection, sql, (), None)
        except duckdb.Error as error:
            raise StoreError(f"{database_file(self.run)}: {error}") from error

    @contextmanager
    def _registered(self, frames: Mapping[str, pa.Table]) -> Iterator[None]:
        """Let SQL see Arrow tables as ``incoming_<name>``."""
        for name, frame in frames.items():
            self._connection.register(f"incoming_{name}", frame)
        try:
            yield
        finally:
            for name in frames:
                self._connection.unregister(f"incoming_{name}")

    @contextmanager
    def _loading(self, frames: Mapping[str, pa.Table]) -> Iterator[None]:
        """Let SQL see Arrow tables; commit everything or nothing."""
        with self._registered(frames):
            self._execute("BEGIN")
            try:
                yield
                self._execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise

    def _roll_back(self) -> None:
        """Roll back; a failed COMMIT has already done so."""
        try:
            self._connection.rollback()
        except duckdb.TransactionException:
            return


class Snapshot:
    """A published state of a run, read-only and closed to the outside; see ``open_snapshot``.

    Threads may share it: every query has its own cursor.
    """

    def __init__(self, path: Path, version: int, connection: duckdb.DuckDBPyConnection) -> None:
        self.path = path
        self.version = version
        self._connection = connection

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def published_at(self) -> datetime:
        """When the writer published it, UTC."""
        return datetime.fromtimestamp(self.path.stat().st_mtime, UTC)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def query(
        self,
        sql: str,
        parameters: Parameters = (),
        *,
        timeout: float | None = None,
        max_rows: int | None = None,
        max_bytes: int | None = None,
    ) -> pa.Table:
        """Run SQL and return its rows; a second column ``a`` is called ``a_1``.

        Parameters
        ----------
        sql
            One statement; ``?`` or ``$name`` stand for parameters.
        timeout
            Seconds after which the query is interrupted. DuckDB looks for that between chunks of
            rows: a function busy with one huge value goes on. ``screen.store.sandbox`` ends it.
        max_rows
            Rows after which reading stops; ask for one more than wanted to see if there are more.
        max_bytes
            Size of the result above which the query is refused.

        Raises
        ------
        StoreError
            The SQL is wrong, writes, reaches for files or settings, or takes too long.
        """
        cursor = self._connection.cursor()
        try:
            statement = _only_query(cursor, sql.rstrip().rstrip(";"))
            with interrupted_after(timeout, cursor.interrupt):
                found = _fetched(cursor, statement, parameters, max_rows, max_bytes)
            return with_unique_names(found)
        except (duckdb.Error, OSError, pa.ArrowException, MemoryError) as error:
            # while rows stream, pyarrow raises what DuckDB says
            if isinstance(error, duckdb.InterruptException) or _INTERRUPTED in str(error):
                why = f"the query was stopped after {timeout:g} s: {shortened(sql)}"
                raise StoreError(why) from error
            raise StoreError(f"the query failed: {explained(str(error))}") from error
        except RuntimeError as error:
            if str(error) != _CTRL_C:
                raise
            raise KeyboardInterrupt from error
        finally:
            cursor.close()


def open_snapshot(run: Path, memory_limit: str = "1GB", threads: int = 2) -> Snapshot:
    """Open the newest published snapshot of a run.

    Raises
    ------
    StoreError
        The run does not exist, has published nothing yet, or its snapshot is broken.
    """
    if not run.is_dir():
        raise StoreError(f"no run folder {run}: start one with `thermoscreen run campaign.toml`")
    for _ in range(2):  # the writer may drop an old version between two steps here
        version = snapshots.current_version(run)
        if version is None:
            break
        path = snapshots.snapshot_file(snapshots_folder(run), version)
        if path.is_file():
            return open_file(path, memory_limit, threads, version)
    raise StoreError(
        f"{run} has published no results yet: run `thermoscreen run campaign.toml` and look again "
        "after the first material"
    )


def open_file(path: Path, memory_limit: str, threads: int, version: int = 0) -> Snapshot:
    """Open a snapshot by its file.

    Raises
    ------
    StoreError
        It is broken.
    """
    try:
        config = snapshot_config(memory_limit, threads)
        return Snapshot(path, version, duckdb.connect(path, read_only=True, config=config))
    except duckdb.Error as error:
        raise StoreError(f"cannot open {path}: {error}") from error


@contextmanager
def replaced(run: Path, draft: Path) -> Iterator[Callable[[], None]]:
    """Hold the lock of a run's database while another is made in the run folder ``draft``.

    Yields what puts that one, closed, in its place: one rename. A broken database has no lock to
    hold; it stays beside the new one as ``campaign.duckdb.old``.

    Raises
    ------
    StoreError
        Another process has the database open.
    """
    path, held = database_file(run), None
    try:
        if path.is_file():
            held = _connect_live(run, "1GB", 1)
    except StoreError as error:
        if "in use by" in str(error):
            raise

    def put() -> None:
        if held is None and path.is_file():
            path.replace(path.with_suffix(".duckdb.old"))
            path.with_suffix(".duckdb.wal").unlink(missing_ok=True)
        sync_file(database_file(draft))
        database_file(draft).replace(path)  # renaming does not drop the lock
        sync_folder(run)

    try:
        yield put
    finally:
        if held is not None:
            held.close()


def _connect_live(run: Path, memory_limit: str, threads: int) -> duckdb.DuckDBPyConnection:
    """Open or create the live database and take its lock."""
    path = database_file(run)
    try:
        run.mkdir(parents=True, exist_ok=True)
        return duckdb.connect(path, config=live_config(memory_limit, threads))
    except OSError as error:
        raise StoreError(f"cannot create the run folder {run}: {error.strerror}") from error
    except duckdb.Error as error:
        raise StoreError(why_not_opened(path, str(error))) from error


_INTERRUPTED = "INTERRUPT Error"
_CTRL_C = "Query interrupted"  # DuckDB asks Python for signals and makes this of Ctrl-C


def _only_query(cursor: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    """Parse SQL that is to be one query.

    Raises
    ------
    StoreError
        It is more, less, or something else.
    """
    reason = too_long(sql)
    if reason is None:
        statements = cursor.extract_statements(sql)
        try:
            kinds = [statement.type.name for statement in statements]
        except ValueError:  # a kind that the Python client has no name for
            kinds = ["this statement"]
        reason = refusal(sql, kinds)
    if reason is not None:
        raise StoreError(reason)
    return statements[0]


def _fetched(
    cursor: duckdb.DuckDBPyConnection,
    query: str | duckdb.Statement,
    parameters: Parameters,
    max_rows: int | None,
    max_bytes: int | None = None,
) -> pa.Table:
    """Execute and read at most ``max_rows`` rows."""
    text = query if isinstance(query, str) else query.query
    relation = cursor.sql(query, params=parameters)
    if relation is None:
        raise StoreError(f"not a query, it has no result: {shortened(text)!r}")
    if max_rows is None and max_bytes is None:
        return relation.to_arrow_table()
    if max_rows is not None and ";" not in text:
        relation = relation.limit(max_rows)  # as a subquery; sorting takes less memory then
    rows_per_batch = 10_000 if max_rows is None else min(max_rows, 10_000)
    return first_rows(relation.to_arrow_reader(rows_per_batch), max_rows, max_bytes)
