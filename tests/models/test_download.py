"""Downloads over a real connection: whole, cut off, corrupt, refused."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from screen.core.errors import ModelUnavailableError
from screen.models import _download
from screen.models._download import checked_digest, download, weights_folder

CONTENT = os.urandom(1 << 20)


class Server(ThreadingHTTPServer):
    """Serves ``CONTENT`` as a release page does; what it was asked for is in ``ranges``."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.ranges: list[str | None] = []
        self.cut_after: list[int] = []  # bytes of the next answers before the connection breaks
        self.resumable = True

    def url(self, page: str = "network.model") -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{page}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        if self.path.endswith("absent.model"):
            self.send_error(404)
            return
        html = self.path.endswith("login.model")
        begin = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        begin *= self.server.resumable
        if begin and begin >= len(CONTENT):
            self.send_error(416)
            return
        body = b"<html>Please log in</html>" if html else CONTENT[begin:]
        self.send_response(206 if begin else 200)
        self.send_header("Content-Type", "text/html; charset=utf-8" if html else "application/zip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.cut_after.pop(0)] if self.server.cut_after else body)

    def log_message(self, *_arguments: object) -> None:
        """Keep quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights" / "network.model"


def part_of(path: Path) -> Path:
    return path.with_name("network.model.part")


def test_a_file_comes_whole_with_its_digest_beside_it(server: Server, path: Path) -> None:
    assert download(server.url(), path) == path
    assert path.read_bytes() == CONTENT
    assert not part_of(path).exists()
    recorded = path.with_name("network.model.sha256").read_text()
    assert recorded == f"{hashlib.sha256(CONTENT).hexdigest()}  network.model\n"
    assert checked_digest(path) == hashlib.sha256(CONTENT).hexdigest()[:24]


def test_the_record_is_one_that_sha256sum_checks(server: Server, path: Path) -> None:
    download(server.url(), path)
    command = ["sha256sum", "--check", "--status", "network.model.sha256"]
    assert subprocess.run(command, cwd=path.parent, check=False).returncode == 0


def test_a_file_that_is_there_is_not_fetched_again(server: Server, path: Path) -> None:
    download(server.url(), path)
    download(server.url(), path)
    assert server.ranges == [None]


def test_a_connection_that_breaks_is_taken_up_again(server: Server, path: Path) -> None:
    server.cut_after = [300_000, 200_000]
    download(server.url(), path)
    assert path.read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=300000-", "bytes=500000-"]


def test_a_later_run_goes_on_where_the_last_was_cut_off(server: Server, path: Path) -> None:
    server.cut_after = [300_000, 0]
    with pytest.raises(ModelUnavailableError, match=r"cut off after 300000 of 1048576 bytes"):
        download(server.url(), path)
    assert not path.exists()
    assert part_of(path).stat().st_size == 300_000
    download(server.url(), path)
    assert path.read_bytes() == CONTENT
    assert server.ranges[-1] == "bytes=300000-"


def test_a_server_that_cannot_resume_sends_the_file_anew(server: Server, path: Path) -> None:
    server.resumable = False
    server.cut_after = [300_000]
    download(server.url(), path)
    assert path.read_bytes() == CONTENT


def test_a_part_longer_than_the_file_is_fetched_anew(server: Server, path: Path) -> None:
    path.parent.mkdir()
    part_of(path).write_bytes(b"x" * (len(CONTENT) + 5))
    download(server.url(), path)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("damage", ["truncated", "one bit"])
def test_a_file_that_changed_since_is_named_with_the_way_out(
    server: Server, path: Path, damage: str
) -> None:
    download(server.url(), path)
    changed = CONTENT[:-1] if damage == "truncated" else bytes([CONTENT[0] ^ 1]) + CONTENT[1:]
    path.write_bytes(changed)
    with pytest.raises(ModelUnavailableError) as caught:
        checked_digest(path)
    message = str(caught.value)
    assert f"{path} is corrupt" in message
    assert "network.model.sha256" in message
    assert "delete both" in message
    assert "--weights PATH" in message


def test_an_archive_without_a_record_is_compared_with_its_own_checksums(tmp_path: Path) -> None:
    """As torch writes them, and reads them without a look at the checksums."""
    path = tmp_path / "own.model"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("own/data.pkl", CONTENT[:1000])
        archive.writestr("own/data/0", CONTENT)
    whole = path.read_bytes()
    assert checked_digest(path) == hashlib.sha256(whole).hexdigest()[:24]
    at = whole.index(CONTENT) + 500_000
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    with pytest.raises(ModelUnavailableError, match=r"own\.model is corrupt: own/data/0 in it"):
        checked_digest(path)


def test_a_file_without_a_record_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "own.model"
    path.write_bytes(CONTENT)
    assert checked_digest(path) == hashlib.sha256(CONTENT).hexdigest()[:24]


@pytest.mark.parametrize(
    ("page", "reason"),
    [("login.model", "a web page came instead"), ("absent.model", "404")],
)
def test_what_is_no_file_is_refused_with_address_and_ways_out(
    server: Server, path: Path, page: str, reason: str
) -> None:
    with pytest.raises(ModelUnavailableError) as caught:
        download(server.url(page), path)
    message = str(caught.value)
    assert reason in message
    assert server.url(page) in message
    assert "--weights PATH" in message
    assert f"save it as {path}" in message
    assert not path.exists()
    assert server.ranges == [None]  # asked once


def test_no_network_is_said_with_the_address(path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match=r"http://127\.0\.0\.1:9/n.*Connection refused"):
        download("http://127.0.0.1:9/n", path)  # the discard port: nobody listens


def test_offline_no_request_is_made(
    server: Server, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THERMOSCREEN_OFFLINE", "1")
    with pytest.raises(ModelUnavailableError) as caught:
        download(server.url(), path)
    assert "THERMOSCREEN_OFFLINE is set" in str(caught.value)
    assert server.url() in str(caught.value)
    assert str(path) in str(caught.value)
    assert server.ranges == []
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    assert download(server.url(), path) == path


def test_processes_that_want_the_same_file_fetch_it_once(server: Server, path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from screen.models._download import download;"
        "download(sys.argv[1], Path(sys.argv[2]))"
    )
    command = [sys.executable, "-c", script, server.url(), str(path)]
    running = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert path.read_bytes() == CONTENT
    assert server.ranges == [None]


def test_the_progress_of_a_big_file_goes_to_stderr(
    server: Server, path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_download, "BIG", 1000)
    download(server.url(), path)
    printed = capfd.readouterr()
    assert "network.model" in printed.err
    assert "1.0/1.0 MB" in printed.err
    assert printed.out == ""


def test_downloads_lie_in_the_user_s_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THERMOSCREEN_HOME", str(tmp_path))
    assert weights_folder("mace") == tmp_path / "weights" / "mace"
