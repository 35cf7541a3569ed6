"""Private Redis, PostgreSQL and nginx: their folders, configuration and first steps."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .run_folder import ROOT, RunFolder, write_atomically
from .settings import Server, SettingError

SBIN = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin", "/usr/local/sbin"])


def find_program(name: str) -> str:
    """The path of a server program, looked for in sbin too."""
    found = shutil.which(name, path=SBIN)
    if not found:
        raise SettingError(f"{name} is not installed: run deploy/install")
    return found


def fill(template: Path, values: dict[str, str]) -> str:
    """Fills `${NAME}` for the given names alone, as envsubst does with a list: nginx's own $variables stay."""
    text = template.read_text()
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", value)
    return text


def redis_command(folder: RunFolder, server: Server, users: list[str]) -> list[str]:
    """Writes Redis' configuration and returns its command: loopback only, every write in the append-only file, nothing evicted.

    The users are those of the processes; `default`, with the server's own password, is the administrator.
    """
    data = folder.data / "redis"
    data.mkdir(exist_ok=True)
    lines = [
        "bind 127.0.0.1",
        f"port {server.port}",
        f"requirepass {server.password}",
        f"dir {quoted(data)}",
        "appendonly yes",
        "appendfsync everysec",
        'save ""',
        "maxmemory-policy noeviction",
        "daemonize no",
        *users,
        'logfile ""',
    ]
    path = folder.etc / "redis.conf"
    write_atomically(path, "\n".join(lines) + "\n", mode=0o600)
    return [find_program("redis-server"), str(path)]


def quoted(path: Path) -> str:
    """A path as Redis' configuration takes it."""
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


@dataclass(frozen=True)
class PostgresCluster:
    """A private cluster. PostgreSQL refuses to run as root, so root lends it to the user postgres."""

    folder: RunFolder
    server: Server
    superuser_password: str

    @property
    def programs(self) -> Path:
        """The folder of the newest installed version."""
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name) if path.parent.name.isdigit() else 0)
        if found:
            return found[-1]
        return Path(find_program("initdb")).resolve().parent

    @property
    def data(self) -> Path:
        """The cluster's folder; a link where its owner could not reach the real place."""
        return self.folder.data / "postgres"

    def prefix(self) -> list[str]:
        """What puts a command under the cluster's owner; its end comes with ours."""
        if os.getuid() != 0:
            return []
        return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--pdeathsig=INT"]

    def prepare(self) -> None:
        """Makes the cluster at the first start."""
        if (self.data / "PG_VERSION").exists():
            return
        place = self.place()
        password_file = place.parent / f".{place.name}.password"
        # From a start that was cut off.
        password_file.unlink(missing_ok=True)
        try:
            with os.fdopen(os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(self.superuser_password + "\n")
            if os.getuid() == 0:
                owner = pwd.getpwnam("postgres")
                for path in (place, password_file):
                    os.chown(path, owner.pw_uid, owner.pw_gid)
            command = [
                *self.prefix(),
                str(self.programs / "initdb"),
                f"--pgdata={place}",
                "--username=postgres",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-instructions",
            ]
            done = subprocess.run(command, capture_output=True, text=True, cwd="/")
            if done.returncode != 0:
                raise SettingError(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")
        finally:
            password_file.unlink(missing_ok=True)

    def place(self) -> Path:
        """The cluster's folder: in the run folder, or in /var/tmp (with a link here) where postgres may not enter a folder above."""
        place = self.data
        if place.exists():
            return place.resolve()
        if os.getuid() == 0 and not self.owner_reaches(self.folder.data):
            place = Path("/var/tmp") / f"pricewatch-postgres-{os.getpid()}"
            self.data.unlink(missing_ok=True)
            self.data.symlink_to(place)
        place.mkdir(mode=0o700, exist_ok=True)
        return place

    def owner_reaches(self, path: Path) -> bool:
        """Whether the user postgres may enter a folder."""
        return subprocess.run([*self.prefix(), "test", "-x", str(path)], cwd="/", capture_output=True).returncode == 0

    def command(self) -> list[str]:
        """The server's command: loopback only, no socket file."""
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.server.port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "log_line_prefix": "%m [%p] ",
        }
        words = [*self.prefix(), str(self.programs / "postgres"), "-D", str(self.place())]
        return words + [word for name, value in options.items() for word in ("-c", f"{name}={value}")]

    def psql(self, statement: str, database: str = "postgres") -> subprocess.CompletedProcess[str]:
        """Runs statements as the cluster's superuser."""
        environment = {**os.environ, "PGPASSWORD": self.superuser_password, "PGCONNECT_TIMEOUT": "3"}
        words = [
            str(self.programs / "psql"),
            "-h",
            "127.0.0.1",
            "-p",
            str(self.server.port),
            "-U",
            "postgres",
            "-d",
            database,
            "-AtqX",
            "-v",
            "ON_ERROR_STOP=1",
        ]
        return subprocess.run(words, input=statement, env=environment, capture_output=True, text=True, cwd="/", timeout=30)

    def answers(self, statement: str) -> bool:
        """Whether the server runs a statement."""
        try:
            return self.psql(statement).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def make_database(self) -> None:
        """Makes the application's role and database, and gives the role the password of the settings."""
        role, database = identifier(self.server.user), identifier(self.server.path.strip("/"))
        literal = "'" + self.server.password.replace("'", "''") + "'"
        exists = self.psql(f"select 1 from pg_roles where rolname = '{role}'").stdout.strip()
        verb = "alter" if exists else "create"
        self.must(f"{verb} role {role} login password {literal}")
        if not self.psql(f"select 1 from pg_database where datname = '{database}'").stdout.strip():
            self.must(f"create database {database} owner {role}")

    def must(self, statement: str) -> None:
        """Runs a statement that may not fail."""
        done = self.psql(statement)
        if done.returncode != 0:
            raise SettingError(f"PostgreSQL: {done.stderr.strip()}")


def identifier(name: str) -> str:
    """A role's or database's name, if it can stand in SQL as it is."""
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", name):
        raise SettingError(f'PRICEWATCH_DATABASE_URL: "{name}" is no plain name; lower-case letters, digits and _ are')
    return name


def nginx_command(folder: RunFolder, listen: str, api: str, trusted: str | None = None) -> list[str]:
    """Fills nginx's templates and returns its command; the word of the proxy at `trusted`, an address or a network, counts for the client."""
    temporary = folder.data / "nginx"
    temporary.mkdir(exist_ok=True)
    site = fill(
        ROOT / "nginx" / "pricewatch.conf.template",
        {
            "NGINX_LISTEN": listen,
            "NGINX_API": api,
            # The API's is an address: nobody is asked.
            "NGINX_RESOLVER": "127.0.0.1",
            "NGINX_TRUSTED": trusted or "0.0.0.0/32",
            "NGINX_STATIC": str(ROOT / "nginx" / "static"),
            "NGINX_MEDIA": str(folder.media),
        },
    )
    (folder.etc / "site.conf").write_text(site)
    main = fill(
        ROOT / "nginx" / "local.conf.template",
        {
            # As root the workers stay root too: they must reach the repository wherever it lies.
            "NGINX_USER": "user root;" if os.getuid() == 0 else "",
            "NGINX_RUN": str(temporary),
            "NGINX_SITE": str(folder.etc / "site.conf"),
        },
    )
    path = folder.etc / "nginx.conf"
    path.write_text(main)
    command = [find_program("nginx"), "-c", str(path), "-e", "stderr", "-p", str(temporary)]
    checked = subprocess.run([*command, "-t", "-q"], capture_output=True, text=True)
    if checked.returncode != 0:
        raise SettingError(f"nginx refuses its configuration: {checked.stderr.strip()}")
    return command
