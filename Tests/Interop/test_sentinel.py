"""A master, a replica and three sentinels: our worker and our client go on after a failover, and so does Celery's client."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from celery import Celery
from conftest import Apium, our_worker
from stack.client import wait_for


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Group:
    """The servers' and the sentinels' processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        self.master, self.replica = free_port(), free_port()
        self.sentinels = [free_port() for _ in range(3)]

    def start(self) -> None:
        """Starts everything and waits until a failover would work."""
        self.launch(self.master, [])
        self.launch(self.replica, ["--replicaof", "127.0.0.1", str(self.master)])
        for port in self.sentinels:
            file = self.folder / f"sentinel-{port}.conf"
            lines = [f"port {port}", "bind 127.0.0.1", f"dir {self.folder}", f"sentinel monitor mine 127.0.0.1 {self.master} 2"]
            lines += ["sentinel down-after-milliseconds mine 500", "sentinel failover-timeout mine 3000"]
            file.write_text("\n".join(lines) + "\n")
            self.run(["redis-server", str(file), "--sentinel"])
        for port in self.sentinels:
            wait_for(f"the sentinel on port {port}", lambda port=port: self.is_ready(port), 60)

    def launch(self, port: int, options: list[str]) -> None:
        """Starts a server without persistence."""
        folder = self.folder / str(port)
        folder.mkdir()
        self.run(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "", "--repl-diskless-sync-delay", "0", *options])

    def run(self, command: list[str]) -> None:
        """Starts a process that is ended with the group."""
        self.processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    @staticmethod
    def is_ready(port: int) -> bool:
        """Whether a sentinel knows the replica and the other sentinels."""
        try:
            known = redis.Redis(port=port).sentinel_master("mine")
        except redis.RedisError:
            return False
        return known["num-slaves"] == 1 and known["num-other-sentinels"] == 2

    @property
    def address(self) -> str:
        """The address as Celery writes it."""
        return ";".join(f"sentinel://127.0.0.1:{port}" for port in self.sentinels)

    def end(self) -> None:
        """Ends all processes."""
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Group]:
    """A group that is up."""
    made = Group(tmp_path)
    try:
        made.start()
        yield made
    finally:
        made.end()


def test_client_and_worker_go_on_after_a_failover(group: Group, tmp_path: Path) -> None:
    """The master is told to stop; what comes then runs on the new one."""
    options = ["--config", str(tmp_path / "apium.yaml")]
    Path(options[1]).write_text("broker_transport_options: {master_name: mine}\nresult_backend_transport_options: {master_name: mine}\n")
    apium = Apium(group.address + "/0")
    worker = our_worker(group.address + "/0", tmp_path / "worker.log", "jobs", *options, "--lease", "3")
    try:
        done = apium.run("call", "interop.add", "--args", "[2, 3]", "--queue", "jobs", "--wait", "30", *options)
        assert (done.returncode, done.stdout.strip()) == (0, "5"), done.stderr
        with contextlib.suppress(redis.ConnectionError):
            redis.Redis(port=group.master).shutdown(nosave=True)

        def works() -> bool:
            done = apium.run("call", "interop.add", "--args", "[20, 22]", "--queue", "jobs", "--wait", "10", *options)
            return (done.returncode, done.stdout.strip()) == (0, "42")

        wait_for("a job to run on the new master", works, 90)
        assert redis.Redis(port=group.replica).role()[0] == b"master"
        client = Celery(broker=group.address, backend=group.address + "/0")
        client.conf.update(broker_transport_options={"master_name": "mine"}, result_backend_transport_options={"master_name": "mine"})
        assert client.send_task("interop.add", (1, 2), queue="jobs").get(timeout=30) == 3
        client.close()
        assert worker.stop() == 0
    finally:
        if worker.process.poll() is None:
            worker.process.kill()
