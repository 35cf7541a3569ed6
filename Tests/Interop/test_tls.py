"""Celery over rediss://, our worker over rediss://, one Redis that speaks nothing else and wants certificates."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from celery import Celery
from conftest import PROGRAMS, Apium, our_worker
from stack.client import wait_for


class Authority:
    """A certificate authority of one test, and what it signed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.crt")
        self.sign("server", "DNS:localhost,IP:127.0.0.1")
        self.sign("client", "DNS:client")

    def sign(self, name: str, names: str) -> None:
        """Makes a key and a certificate."""
        (self.folder / f"{name}.ext").write_text(f"subjectAltName={names}\n")
        self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        signing = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", f"{name}.ext"]
        self.openssl("x509", "-req", "-in", f"{name}.csr", *signing, "-out", f"{name}.crt")

    def openssl(self, *words: str) -> None:
        """Runs openssl in the folder."""
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)

    def path(self, name: str) -> str:
        """A file's path."""
        return str(self.folder / name)

    @property
    def options(self) -> dict[str, str]:
        """What a client needs, under redis-py's names."""
        files = {"ssl_ca_certs": "ca.crt", "ssl_certfile": "client.crt", "ssl_keyfile": "client.key"}
        return {"ssl_cert_reqs": "required"} | {option: self.path(name) for option, name in files.items()}

    @property
    def query(self) -> str:
        """The same in an address."""
        return "&".join(f"{name}={value}" for name, value in self.options.items())


class TLSServer:
    """A Redis that listens with TLS alone and wants a client's certificate."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        tls = ["--tls-port", str(self.port), "--tls-auth-clients", "yes", "--tls-ca-cert-file", "ca.crt", "--tls-cert-file", "server.crt"]
        command = ["redis-server", "--port", "0", "--bind", "127.0.0.1", "--save", "", *tls, "--tls-key-file", "server.key", "--requirepass", "s3cret"]
        self.process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @property
    def bare(self) -> str:
        """The address without options."""
        return f"rediss://:s3cret@localhost:{self.port}/0"

    @property
    def address(self) -> str:
        """The address as Celery and we write it."""
        return f"{self.bare}?{self.authority.query}"

    def answers(self) -> bool:
        """Whether it does."""
        try:
            return bool(redis.Redis.from_url(self.address).ping())
        except redis.RedisError:
            return False


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TLSServer]:
    """The server, up."""
    folder = tmp_path_factory.mktemp("tls")
    made = TLSServer(folder)
    try:
        wait_for("Redis with TLS", made.answers, 30)
        yield made
    finally:
        made.process.kill()
        made.process.wait()
        shutil.rmtree(folder)


def test_celery_calls_our_worker_over_tls(server: TLSServer, tmp_path: Path) -> None:
    """Both ends name authority, certificate and key in the address; the worker's connections come back when they are cut."""
    worker = our_worker(server.address, tmp_path / "worker.log", "secure")
    client = Celery(broker=server.address, backend=server.address)
    try:
        assert client.send_task("interop.add", (2, 3), queue="secure").get(timeout=60) == 5
        redis.Redis.from_url(server.address).client_kill_filter(_type="normal", skipme=True)
        assert client.send_task("interop.add", (20, 22), queue="secure").get(timeout=60) == 42
    finally:
        client.close()
        assert worker.stop() == 0
    assert "s3cret" not in (tmp_path / "worker.log").read_text()


def test_celerys_settings_say_the_same(server: TLSServer, tmp_path: Path) -> None:
    """`broker_use_ssl` and `redis_backend_use_ssl` hold what the address doesn't."""
    lines = "".join(f"  {name}: {value}\n" for name, value in server.authority.options.items())
    file = tmp_path / "apium.yaml"
    file.write_text(f"result_backend: {server.bare}\nbroker_use_ssl:\n{lines}redis_backend_use_ssl:\n{lines}")
    worker = our_worker(server.bare, tmp_path / "worker.log", "settings", "--config", str(file))
    try:
        done = Apium(server.bare).run("call", "interop.add", "--args", "[2, 3]", "--queue", "settings", "--wait", "30", "--config", str(file))
        assert (done.returncode, done.stdout.strip()) == (0, "5"), done.stderr
    finally:
        assert worker.stop() == 0


def test_wrong_files_are_told_all_at_once_at_the_start(server: TLSServer) -> None:
    """The worker doesn't start, and no secret is printed."""
    address = f"{server.bare}?ssl_ca_certs=/missing/ca.crt&ssl_certfile=/missing/c.crt&ssl_keyfile=/missing/c.key"
    done = subprocess.run([PROGRAMS / "interop-worker", "--broker", address], capture_output=True, text=True, timeout=60)
    assert done.returncode == 64
    for part in ["ssl_ca_certs=/missing/ca.crt: there is no such file", "ssl_certfile=/missing/c.crt", "ssl_keyfile=/missing/c.key"]:
        assert part in done.stderr
    assert "s3cret" not in done.stderr
