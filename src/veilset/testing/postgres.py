"""A private PostgreSQL server for tests and benchmarks, when Debian's package is installed."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def server_binaries() -> Path | None:
    """The folder with `initdb` and `pg_ctl` of the newest installed server; None when there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3].split(".")[0]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


@contextmanager
def private_server(options: str = "-F") -> Iterator[str]:
    """A URL of a fresh database in a temporary folder, reached by a socket in it alone; gone afterwards.

    The server refuses to run as root; then it runs as the package's user `postgres`.

    Raises:
        FileNotFoundError: No server is installed.
    """
    binaries = server_binaries()
    if binaries is None:
        raise FileNotFoundError("no PostgreSQL server is installed")
    folder = Path(tempfile.mkdtemp(prefix="veilset-postgres-"))
    user, become = pwd.getpwuid(os.getuid()).pw_name, None
    if os.getuid() == 0:
        user = become = "postgres"
        shutil.chown(folder, user)

    def run(*command: str) -> None:
        group = become and pwd.getpwnam(become).pw_gid
        subprocess.run(command, check=True, capture_output=True, cwd="/", user=become, group=group)  # noqa: S603 - fixed

    try:
        run(str(binaries / "initdb"), "-D", f"{folder}/data", "-A", "trust", "-U", user, "-E", "UTF8", "--no-sync")
        listen = f"-k {folder} -c listen_addresses='' {options}"
        run(str(binaries / "pg_ctl"), "-D", f"{folder}/data", "-l", f"{folder}/log", "-o", listen, "-w", "start")
        try:
            yield f"postgresql://{user}@/postgres?unix_sock={folder}/.s.PGSQL.5432"
        finally:
            run(str(binaries / "pg_ctl"), "-D", f"{folder}/data", "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
