"""Strangers see nothing: loopback by default, elsewhere only with a password."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from streamlit import config
from streamlit.testing.v1 import AppTest

from dashboard import gate
from dashboard.__main__ import main
from dashboard.access import (
    FREE,
    LONGEST_PAUSE,
    PAUSE,
    VARIABLE,
    Answer,
    Attempts,
    check,
    is_loopback,
    is_own_host,
    password_from,
    same,
)
from dashboard.launch import command
from screen.core.errors import SettingsError

from .reading import OpenPage, charts, checked, texts

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _no_password_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(gate, "ATTEMPTS", Attempts())


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    file.chmod(0o600)
    return file


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", True),
        ("127.0.0.7", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.7", False),
        ("localhost.example.org", False),
        ("", False),
        (None, False),
    ],
)
def test_only_this_machine_reaches_loopback_addresses(address: str | None, expected: bool) -> None:
    assert is_loopback(address) is expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1:8501", True),
        ("localhost", True),
        ("[::1]:8501", True),
        ("[::1]", True),
        (None, True),
        ("evil.example:8501", False),
        ("evil.localhost:8501", False),
        ("127.0.0.1.evil.example", False),
        ("192.168.1.7:8501", False),
        ("", False),
    ],
)
def test_names_of_other_machines_are_no_names_of_this_one(host: str | None, expected: bool) -> None:
    assert is_own_host(host) is expected


def test_password_comes_from_a_file_before_the_environment(secret: Path) -> None:
    assert password_from({VARIABLE: "x" * 20}, secret) == PASSWORD
    assert password_from({VARIABLE: "x" * 20}) == "x" * 20
    assert password_from({}) is None
    assert password_from({VARIABLE: ""}) is None


def test_unusable_passwords_say_what_to_do(tmp_path: Path, secret: Path) -> None:
    with pytest.raises(SettingsError, match="cannot read the password file"):
        password_from({}, tmp_path / "nowhere")
    with pytest.raises(SettingsError, match="has 5 characters; take at least 12"):
        password_from({VARIABLE: "short"})
    secret.chmod(0o644)
    with pytest.raises(SettingsError, match=r"others can read .* chmod 600"):
        password_from({}, secret)
    secret.chmod(0o600)
    secret.write_text("")
    with pytest.raises(SettingsError, match="has 0 characters"):
        password_from({}, secret)


def test_other_machines_need_a_password() -> None:
    check("127.0.0.1", None)
    check("0.0.0.0", PASSWORD)
    with pytest.raises(SettingsError, match=r"--address 0\.0\.0\.0 .* has no password"):
        check("0.0.0.0", None)


def test_server_does_not_start_for_others_without_password(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--run", str(run), "--address", "0.0.0.0"])
    assert capsys.readouterr().err.startswith("error: --address 0.0.0.0 is reached from outside")


def test_command_of_the_server_names_the_file_of_the_password_only(run: Path, secret: Path) -> None:
    words = command(run, None, "0.0.0.0", secret)
    assert words[-2:] == ["--password-file", str(secret)]
    assert PASSWORD not in " ".join(words)


@pytest.mark.parametrize(
    ("address", "name"),
    [("0.0.0.0", socket.gethostname()), ("::", socket.gethostname()), ("10.0.0.7", "10.0.0.7")],
)
def test_server_for_others_asks_nobody_for_its_name(address: str, name: str) -> None:
    words = command(Path("run"), None, address)
    assert words[words.index("--browser.serverAddress") + 1] == name
    assert "--browser.serverAddress" not in command(Path("run"))


def test_passwords_are_compared_whole() -> None:
    assert same(PASSWORD, PASSWORD)
    for other in ("", PASSWORD[:-1], PASSWORD + " ", PASSWORD.upper(), "pässwörd mit umlaut"):
        assert not same(other, PASSWORD)


def test_guessing_is_slowed_down_for_all_visitors_together() -> None:
    now = 0.0
    attempts = Attempts(lambda: now)
    for _ in range(FREE):
        assert attempts.attempt("wrong", PASSWORD) is Answer.WRONG
    assert attempts.wait() == PAUSE
    assert attempts.attempt(PASSWORD, PASSWORD) is Answer.WAIT  # not even looked at
    now += PAUSE
    assert attempts.attempt("wrong", PASSWORD) is Answer.WRONG
    assert attempts.wait() == 2 * PAUSE
    for _ in range(9):
        now += attempts.wait()
        attempts.attempt("wrong", PASSWORD)
    assert attempts.wait() == LONGEST_PAUSE
    now += LONGEST_PAUSE
    assert attempts.attempt(PASSWORD, PASSWORD) is Answer.PASSED
    assert attempts.attempt("wrong", PASSWORD) is Answer.WRONG
    assert not attempts.wait()


def answer(app: AppTest, password: str) -> AppTest:
    app.text_input[0].set_value(password)
    app.button[0].click()
    return checked(app.run())


@pytest.fixture
def locked(page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv(VARIABLE, PASSWORD)
    return page("material", id="LiBr-rs")


def test_nothing_is_shown_before_the_password(locked: AppTest) -> None:
    assert not charts(locked)
    assert not locked.title
    assert not locked.dataframe
    assert "LiBr" not in texts(locked)
    assert locked.text_input[0].proto.type == locked.text_input[0].proto.PASSWORD


def test_right_password_opens_the_page_that_the_address_names(locked: AppTest) -> None:
    answer(locked, PASSWORD)
    assert "LiBr" in locked.title[0].value
    checked(locked.run())  # and keeps it open
    assert "LiBr" in locked.title[0].value


def test_wrong_passwords_end_in_a_pause_that_the_right_one_does_not_end(locked: AppTest) -> None:
    for _ in range(FREE - 1):
        answer(locked, "a wrong password")
        assert locked.error[0].value == "That is not the password."
    answer(locked, "a wrong password")
    assert "Too many wrong passwords: try again in" in locked.error[0].value
    answer(locked, PASSWORD)
    assert "Too many wrong passwords" in locked.error[0].value
    assert not locked.title


def test_new_password_closes_open_pages(locked: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(locked, PASSWORD)
    monkeypatch.setenv(VARIABLE, "another long password")
    checked(locked.run())
    assert not locked.title


def test_server_of_all_addresses_shows_nothing_without_password(page: OpenPage) -> None:
    config.set_option("server.address", None)  # as a plain `streamlit run` leaves it
    try:
        app = page("material", id="LiBr-rs")
    finally:
        config.set_option("server.address", "127.0.0.1")
    assert "Nothing is shown" in app.error[0].value
    assert not app.title
    assert not charts(app)


def test_unusable_password_file_shows_nothing(
    page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "short")
    app = page("overview")
    assert "Nothing is shown" in app.error[0].value
    assert not app.title
