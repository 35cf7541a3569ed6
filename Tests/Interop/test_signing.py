"""Signed messages between Celery and us, both ways, and what is not signed by somebody known."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from celery import Celery
from conftest import PROGRAMS, Worker
from stack.client import RunningStack, wait_for

HERE = Path(__file__).parent


class Signers:
    """Keys and certificates of one test run, and the store of those who are trusted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "store"
        self.store.mkdir()
        for name, subject in (("swift", "/C=DE/O=Zürich Söhne/CN=swift"), ("python", "/CN=python"), ("stranger", "/CN=stranger")):
            self.openssl(
                "req", "-x509", "-utf8", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", subject, "-keyout", f"{name}.key", "-out", f"{name}.crt"
            )
        # Names and numbers of a certificate that a signing authority gave.
        self.openssl("req", "-newkey", "rsa:3072", "-nodes", "-subj", "/CN=issued", "-keyout", "issued.key", "-out", "issued.csr")
        authority = ["-CA", "swift.crt", "-CAkey", "swift.key", "-set_serial", "340282366920938463463374607431768211457"]
        self.openssl("x509", "-req", "-in", "issued.csr", *authority, "-days", "2", "-out", "issued.crt")
        self.openssl("pkcs8", "-topk8", "-in", "issued.key", "-passout", "pass:hunter2", "-v2", "aes-256-cbc", "-out", "locked.key")
        (folder / "locked.crt").write_bytes((folder / "issued.crt").read_bytes())
        for name in ("swift", "python", "issued"):
            (self.store / f"{name}.pem").write_bytes((folder / f"{name}.crt").read_bytes())

    def openssl(self, *words: str) -> None:
        """Runs openssl in the folder."""
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)

    def ours(self, name: str = "swift", digest: str = "sha256") -> list[str]:
        """The settings of one of our programs."""
        settings = {
            "task_serializer": "auth",
            "accept_content": "auth",
            "security_key": self.folder / f"{name}.key",
            "security_certificate": self.folder / f"{name}.crt",
            "security_cert_store": self.store,
            "security_digest": digest,
        }
        return [word for key, value in settings.items() for word in ("--setting", f"{key}={value}")]

    def celerys(self, broker: str, name: str = "python", **more: str) -> dict[str, str]:
        """The environment of Celery's programs."""
        return os.environ | {"BROKER": broker, "SIGNER": str(self.folder / name), "STORE": str(self.store), "PYTHONWARNINGS": "ignore"} | more


@pytest.fixture(scope="module")
def signers(tmp_path_factory: pytest.TempPathFactory) -> Signers:
    """Who signs."""
    return Signers(tmp_path_factory.mktemp("signers"))


@pytest.fixture(scope="module")
def own_broker() -> Iterator[str]:
    """A Redis whose workers all sign."""
    with RunningStack(only=["redis"]) as stack:
        yield stack.settings["APIUM_BROKER_URL"]


@pytest.fixture(scope="module")
def ours(own_broker: str, signers: Signers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """Our worker, which signs and takes only what is signed."""
    log = tmp_path_factory.mktemp("swift") / "worker.log"
    command = [str(PROGRAMS / "interop-worker"), "--broker", own_broker, "--queues", "signed-swift", "--name", "signed@swift", *signers.ours()]
    worker = Worker(command, log)
    wait_for("our worker", lambda: redis.Redis.from_url(own_broker).zcard("apium:workers") > 0, 30)
    yield worker
    assert worker.stop() == 0, log.read_text()


@pytest.fixture(scope="module")
def celerys(own_broker: str, signers: Signers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """Celery's worker, which does the same."""
    log = tmp_path_factory.mktemp("celery") / "worker.log"
    command = [sys.executable, "-m", "celery", "-A", "signed_tasks", "worker", "--pool", "threads", "--concurrency", "2", "-Q", "signed-python", "-l", "INFO"]
    worker = Worker(command, log, signers.celerys(own_broker))
    wait_for("Celery's worker", lambda: b" ready." in log.read_bytes(), 60)
    yield worker
    worker.stop()


def database(broker: str, number: int) -> str:
    """Another database of the same server."""
    return f"{broker.rsplit('/', 1)[0]}/{number}"


def celery_calls(signers: Signers, broker: str, call: str, name: str = "python", **more: str) -> object:
    """What a Celery client gets from a call of signed_tasks.py."""
    done = subprocess.run(
        [sys.executable, str(HERE / "signed_tasks.py"), call], env=signers.celerys(broker, name, **more), capture_output=True, text=True, timeout=90, cwd=HERE
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def apium(broker: str, command: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs one of our subcommands."""
    return subprocess.run([PROGRAMS / "apium", *command.split(), "--broker", broker, *words], capture_output=True, text=True, timeout=60)


@pytest.mark.usefixtures("ours", "celerys")
@pytest.mark.parametrize(("call", "expected"), [("add", 5), ("chain", 113), ("chord", 21)])
def test_celery_calls_us_and_both_go_on(own_broker: str, signers: Signers, call: str, expected: int) -> None:
    """Celery signs, we verify; we sign what follows, and Celery's worker verifies that."""
    assert celery_calls(signers, own_broker, call) == expected


@pytest.mark.usefixtures("ours", "celerys")
def test_an_authoritys_certificate_and_a_locked_key(own_broker: str, signers: Signers) -> None:
    """Celery's signer is called by its issuer and a number of 129 bits, and its key has 3072 bits and a password."""
    assert celery_calls(signers, own_broker, "add", "locked", SIGNER_PASSWORD="hunter2") == 5


@pytest.mark.usefixtures("ours", "celerys")
def test_we_call_celery(own_broker: str, signers: Signers) -> None:
    """We sign, also with an authority's certificate and a locked key; Celery verifies."""
    call = ("signed.add", "--args", "[20, 22]", "--queue", "signed-python", "--wait", "20")
    done = apium(own_broker, "call", *call, *signers.ours())
    assert (done.returncode, done.stdout.strip()) == (0, "42"), done.stderr
    done = apium(own_broker, "call", *call, *signers.ours("locked"), "--setting", "security_key_password=hunter2")
    assert (done.returncode, done.stdout.strip()) == (0, "42"), done.stderr


@pytest.mark.usefixtures("ours")
def test_an_entry_of_the_schedule_is_signed(own_broker: str, signers: Signers) -> None:
    """What a schedule enqueues is taken by a worker that takes nothing else."""
    schedule = ("schedule add", "nightly", "--task", "interop.add", "--args", "[1, 1]", "--every", "1d", "--queue", "signed-swift")
    added = apium(own_broker, *schedule, *signers.ours())
    assert added.returncode == 0, added.stderr
    run = apium(own_broker, "schedule run", "nightly", *signers.ours())
    assert run.returncode == 0, run.stderr
    task = run.stdout.split()[-1]
    done = apium(own_broker, "result", task, "--wait", "20", *signers.ours())
    assert (done.returncode, done.stdout.strip()) == (0, "2"), done.stderr


@pytest.mark.usefixtures("ours")
@pytest.mark.parametrize("digest", ["sha384", "sha512"])
def test_every_digest(own_broker: str, signers: Signers, tmp_path: Path, digest: str) -> None:
    """A worker with another digest, called by Celery with the same."""
    command = [str(PROGRAMS / "interop-worker"), "--broker", database(own_broker, 5), "--queues", "signed-swift", *signers.ours(digest=digest)]
    worker = Worker(command, tmp_path / "worker.log")
    try:
        assert celery_calls(signers, database(own_broker, 5), "add", DIGEST=digest) == 5
    finally:
        worker.stop()


def parked(broker: str, signers: Signers) -> dict[str, str]:
    """The reasons of what is parked, by task id."""
    done = apium(broker, "parked list", "--json", *signers.ours())
    assert done.returncode == 0, done.stderr
    return {record["id"]: record["reason"] for record in json.loads(done.stdout)["jobs"]}


def wait_for_parked(broker: str, signers: Signers, task: str) -> str:
    """The reason why a task was parked."""
    wait_for(f"{task} to be parked", lambda: task in parked(broker, signers), 30)
    return parked(broker, signers)[task]


@pytest.mark.usefixtures("ours")
def test_what_nobody_known_signed_is_parked(own_broker: str, signers: Signers) -> None:
    """Plain JSON, a stranger's signature, and a body that was exchanged: each with its reason, none runs."""
    plain = Celery(broker=own_broker, backend=own_broker)
    unsigned = plain.send_task("interop.add", (1, 1), queue="signed-swift").id
    assert "accepted here: auth" in wait_for_parked(own_broker, signers, unsigned)
    # The stranger trusts itself, our worker does not.
    options = [word.replace("swift", "stranger") if word.startswith("security_") else word for word in signers.ours()]
    called = apium(own_broker, "call", "interop.add", "--args", "[1, 1]", "--queue", "signed-swift", *options)
    assert called.returncode == 0, called.stderr
    reason = wait_for_parked(own_broker, signers, called.stdout.strip())
    assert "signed by 'stranger " in reason
    assert "not in security_cert_store" in reason
    # A message on its way is given other arguments; its own signature stays.
    server = redis.Redis.from_url(own_broker)
    called = apium(own_broker, "call", "interop.add", "--args", "[1, 1]", "--queue", "aside", *signers.ours())
    message = json.loads(server.rpop("aside"))
    raw = base64.b64decode(message["body"]) if message["properties"].get("body_encoding") == "base64" else message["body"].encode()
    fields = base64.b64decode(raw).split(b"\0\1", 4)
    fields[4] = fields[4].replace(b"[1,1]", b"[6,6]")
    changed = base64.b64encode(b"\0\1".join(fields))
    message["body"] = base64.b64encode(changed).decode()
    message["properties"]["body_encoding"] = "base64"
    server.lpush("signed-swift", json.dumps(message))
    assert "is not of this body" in wait_for_parked(own_broker, signers, called.stdout.strip())


@pytest.mark.usefixtures("ours")
def test_only_who_signs_steers(own_broker: str, signers: Signers, ours: Worker) -> None:
    """Celery's signed `inspect` is answered; an unsigned shutdown is dropped and told in the log."""
    plain = Celery(broker=own_broker, backend=own_broker)
    plain.control.shutdown()
    wait_for("the refusal", lambda: "a control message cannot be read and is dropped" in ours.log.read_text(), 20)
    command = [sys.executable, "-m", "celery", "-A", "signed_tasks", "inspect", "ping", "-d", "signed@swift", "-t", "10"]
    done = subprocess.run(command, env=signers.celerys(own_broker), capture_output=True, text=True, timeout=60, cwd=HERE)
    assert "pong" in done.stdout, done.stdout + done.stderr
    assert "signed@swift" in done.stdout
    pinged = apium(own_broker, "workers ping", "--json", *signers.ours())
    assert "signed@swift" in pinged.stdout, pinged.stderr


@pytest.mark.usefixtures("ours")
def test_signed_results_are_read(own_broker: str, signers: Signers, tmp_path: Path) -> None:
    """A Celery worker that signs results, too: ours are JSON, its own are read by us."""
    broker = database(own_broker, 6)
    log = tmp_path / "worker.log"
    command = [sys.executable, "-m", "celery", "-A", "signed_tasks", "worker", "--pool", "solo", "-Q", "signed-python", "-l", "INFO"]
    worker = Worker(command, log, signers.celerys(broker, RESULTS="auth"))
    try:
        wait_for("Celery's worker", lambda: b" ready." in log.read_bytes(), 60)
        done = apium(broker, "call", "signed.add", "--args", "[20, 22]", "--queue", "signed-python", "--wait", "20", *signers.ours())
        assert (done.returncode, done.stdout.strip()) == (0, "42"), done.stderr
        stored = [redis.Redis.from_url(broker).get(key) for key in redis.Redis.from_url(broker).keys("celery-task-meta-*")]
        assert stored
        assert not any(value.startswith(b"{") for value in stored)
    finally:
        worker.stop()


def test_faults_are_told_before_anything_starts(own_broker: str, signers: Signers) -> None:
    """Exit code 64, the setting and the file, no password."""
    words = [*signers.ours("locked"), "--setting", "security_key_password=hunter3"]
    done = apium(own_broker, "call", "interop.add", *words)
    assert done.returncode == 64
    assert "security_key" in done.stderr
    assert "hunter" not in done.stderr
    shown = apium(own_broker, "config", "--json", *signers.ours("locked"), "--setting", "security_key_password=hunter2")
    assert shown.returncode == 0, shown.stderr
    assert "hunter2" not in shown.stdout
