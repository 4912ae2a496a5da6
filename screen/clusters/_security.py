"""TLS among driver, scheduler and workers: who holds the key may run code there, nobody else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

from distributed.security import Security

from screen.core.errors import SettingsError
from screen.core.settings import Settings

NAMES = {"ca": "ca.pem", "cert": "cert.pem", "key": "key.pem"}


class SecurityFiles(Settings):
    """PEM files: the authority that is trusted, and the certificate and key shown to others."""

    ca: Path
    cert: Path
    key: Path

    @property
    def security(self) -> Security:
        """The same files in each role; a peer without a certificate of the authority is refused.

        Raises
        ------
        SettingsError
            A file cannot be read.
        """
        for path in (self.ca, self.cert, self.key):
            try:
                path.read_bytes()
            except OSError as error:
                raise SettingsError(
                    f"cannot read {path}: {error.strerror}; make certificates with "
                    "`python -m screen.clusters certificates FOLDER`"
                ) from error
        roles = ("client", "scheduler", "worker")
        return Security(
            require_encryption=True,
            tls_ca_file=str(self.ca),
            **{f"tls_{role}_cert": str(self.cert) for role in roles},
            **{f"tls_{role}_key": str(self.key) for role in roles},
        )

    @property
    def arguments(self) -> tuple[str, ...]:
        """The files as options of ``dask scheduler`` and ``dask worker``."""
        ca, cert, key = (str(path.absolute()) for path in (self.ca, self.cert, self.key))
        return ("--tls-ca-file", ca, "--tls-cert", cert, "--tls-key", key)


def write_certificates(folder: Path) -> SecurityFiles:
    """Write a certificate, its key and its authority for a year, readable by this user only.

    One certificate serves scheduler, workers and drivers, as each may run code on the others; it
    is its own authority.

    Raises
    ------
    SettingsError
        The folder cannot be written, or holds certificates already.
    """
    made = Security.temporary()
    texts = {"ca": made.tls_ca_file, "cert": made.tls_client_cert, "key": made.tls_client_key}
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for part, name in NAMES.items():
            target = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(target, "w", encoding="ascii") as file:
                file.write(texts[part])
    except FileExistsError as error:
        raise SettingsError(
            f"{folder} holds certificates already; give another folder, or remove them first"
        ) from error
    except OSError as error:
        raise SettingsError(f"cannot write certificates to {folder}: {error.strerror}") from error
    return SecurityFiles(**{part: folder / name for part, name in NAMES.items()})


@contextmanager
def temporary_certificates(folder: Path) -> Iterator[SecurityFiles]:
    """Certificates of one run, removed with the context."""
    files = write_certificates(folder)
    try:
        yield files
    finally:
        for path in (files.ca, files.cert, files.key):
            path.unlink(missing_ok=True)


def check_encrypted(address: str, insecure: bool) -> None:
    """Refuse an address that others on the network could read, write and run code through.

    Raises
    ------
    SettingsError
        It is neither TLS nor on the loopback interface, and ``insecure`` was not given.
    """
    protocol, _, place = address.rpartition("://")
    host = place.rsplit(":", 1)[0].strip("[]")
    if insecure or protocol == "tls" or _is_loopback(host):
        return
    raise SettingsError(
        f"[cluster] scheduler: {address} is not encrypted, and whoever reaches it can run code "
        "there; use tls:// with [cluster.security] ca, cert and key, or insecure = true"
    )


def _is_loopback(host: str) -> bool:
    """Whether packets stay on this machine; names other than localhost are not looked up."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
