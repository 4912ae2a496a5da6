"""SQL that is up to no good, with the words it is turned down with."""

from __future__ import annotations

FILES = "file system operations are disabled"
WRITES = "is refused, snapshots are read-only"
LOCKED = "the configuration has been locked"
STOPPED = "was stopped"

REFUSED = {
    "COPY results TO '/tmp/stolen.csv'": WRITES,
    "COPY (SELECT 1) TO '/tmp/stolen.parquet'": WRITES,
    "EXPORT DATABASE '/tmp/stolen'": WRITES,
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '/tmp/stolen.csv'": FILES,
    "ATTACH '/tmp/other.duckdb'": WRITES,
    "INSTALL httpfs": WRITES,
    "LOAD httpfs": WRITES,
    "FROM read_csv('/etc/passwd')": FILES,
    "FROM read_text('/etc/passwd')": FILES,
    "FROM read_blob('/proc/self/environ')": FILES,
    "FROM read_json('/etc/passwd')": FILES,
    "FROM glob('/*')": FILES,
    "FROM sniff_csv('/etc/passwd')": FILES,
    "FROM parquet_metadata('/tmp/file.parquet')": FILES,
    "SELECT * FROM 'file.parquet'": FILES,
    "SELECT * FROM '/etc/passwd.csv'": FILES,
    "FROM 'https://example.com/data.parquet'": "disabled",
    "FROM read_parquet('s3://bucket/data.parquet')": "disabled",
    "FROM read_duckdb('/tmp/other.duckdb', table_name = 'outcomes')": FILES,
    "SET memory_limit = '100GB'": WRITES,
    "SET enable_external_access = true": WRITES,
    "RESET memory_limit": WRITES,
    "PRAGMA memory_limit = '100GB'": WRITES,
    "EXPLAIN ANALYZE SET memory_limit = '100GB'": LOCKED,
    "FROM enable_logging('QueryLog', storage = 'file', storage_config = {'path': '/tmp/x'})": LOCKED,
    "FROM enable_profiling(save_location = '/tmp/x')": LOCKED,
    "CALL enable_logging()": WRITES,
    "CREATE TABLE mine AS FROM results": WRITES,
    "CREATE TEMP MACRO mine() AS 1": WRITES,
    "INSERT INTO stability SELECT * FROM stability": WRITES,
    "UPDATE stability SET stable = true": WRITES,
    "DELETE FROM stability": WRITES,
    "DROP TABLE stability": WRITES,
    "EXPLAIN ANALYZE DELETE FROM stability": "read-only mode",
    "FROM query('DELETE FROM stability')": "single SELECT",
    "SELECT 1; DROP TABLE stability": "2 statements: ask one at a time",
    "BEGIN": WRITES,
    "": "not a query",
    "-- a comment only": "not a query",
    "SELEC 1": "syntax error",
    "SELECT getenv('HOME')": "getenv does not exist",
    "FROM sys": "sys does not exist",  # a module, were Python's variables tables
    f"SELECT '{'x' * 1_000_000}'": "characters; at most 100000 are read",
}

LONG = {
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n": STOPPED,
    "SELECT count(*) FROM range(1000000000000) AS a, range(1000) AS b": STOPPED,
    "SELECT sleep_ms(600000)": STOPPED,
    # 10 GB
    "SELECT * FROM range(25000) AS a, range(25000) AS b ORDER BY hash(a.range * b.range)": (
        f"Out of Memory|{STOPPED}"
    ),
    "SELECT repeat('x', 10000) FROM range(1000000000)": "takes more than .* MB",
}
"""What takes too long or too much, row by row."""

HUGE = {
    "SELECT list_sort(range(200000000))": f"Out of Memory|{STOPPED}",
    "SELECT len(repeat('x', 2000000000) || repeat('y', 2000000000))": f"Out of Memory|{STOPPED}",
    "SELECT list_reduce(range(1000000000), lambda x, y: x + y)": f"Out of Memory|{STOPPED}",
}
"""What takes too long or too much within one value, where DuckDB does not look up."""
