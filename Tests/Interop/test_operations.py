"""The operations command on a running system: each state made by a real worker, ours or Celery's, and seen through the built program."""

from __future__ import annotations

import json
import os
import signal
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery, Signature, chain, chord
from conftest import Operations, Worker, explain, our_worker, read, wait_for_kind
from stack.client import wait_for


@pytest.fixture
def worker(own_broker: str, tmp_path: Path, command: Operations) -> Iterator[Worker]:
    """Our worker, registered."""
    process = our_worker(own_broker, tmp_path / "worker.log", "swift", "--concurrency", "2", "--lease", "1")
    wait_for("our worker", lambda: read(command, "workers", "list") != [], 30)
    yield process
    if process.process.poll() is None:
        process.stop()


def test_a_job_is_explained_on_its_whole_way(own_app: Celery, command: Operations, worker: Worker) -> None:
    """Running with its worker, scheduled, retried, ended, dead and parked: by Celery's client, with our worker."""
    nap = own_app.send_task("interop.nap", (30,))
    running = wait_for_kind(command, nap.id, "in-flight")
    wait_for("its beginning", lambda: explain(command, nap.id)["standing"]["since"] is not None, 10)
    assert running["standing"]["renewing"] is True
    assert running["standing"]["queue"] == "swift"
    later = own_app.send_task("interop.add", (1, 2), countdown=3600)
    assert wait_for_kind(command, later.id, "scheduled")["standing"]["queue"] == "swift"
    flaky = own_app.send_task("interop.flaky", kwargs={"times": 1, "delay": 3600})
    retried = wait_for_kind(command, flaky.id, "retry")["standing"]
    assert (retried["retry"], retried["error"]) == (1, "OSError: not yet")
    added = own_app.send_task("interop.add", (1, 2))
    assert wait_for_kind(command, added.id, "ended")["standing"]["state"] == "SUCCESS"
    failed = own_app.send_task("interop.fail", ("no",))
    assert wait_for_kind(command, failed.id, "dead")["standing"]["reason"] == "ValueError: no"
    unknown = own_app.send_task("interop.unheard")
    assert wait_for_kind(command, unknown.id, "parked")["obstacles"] == []
    nowhere = command.run("explain", str(uuid.uuid4()))
    assert nowhere.returncode == 2
    assert "unknown" in nowhere.stdout
    own_app.control.revoke(later.id)
    command.run("jobs", "cancel", nap.id)
    wait_for_kind(command, nap.id, "ended")


def test_explanations_speak_two_languages(own_app: Celery, command: Operations) -> None:
    """The language is the locale's, or what --language says."""
    waiting = own_app.send_task("interop.add", (1, 2), queue="unserved")
    assert "ready: next in queue unserved" in command.run("explain", waiting.id).stdout
    assert "готова: следующая в очереди unserved" in command.run("explain", waiting.id, "--language", "ru").stdout
    assert command.run("explain", waiting.id, "--language", "fr").returncode == 64
    assert command.run("purge", "unserved", "--yes").returncode == 0


def test_what_waits_for_others_is_explained(own_app: Celery, command: Operations, worker: Worker) -> None:
    """The body of a chord that Celery sent counts its parts; the later step of its chain names the job before it."""

    def nap() -> Signature:
        return own_app.signature("interop.nap", (30,), immutable=True)

    body = chord([own_app.signature("interop.add", (1, 2)), nap()])(own_app.signature("interop.echo"))
    parts = wait_for_kind(command, body.id, "waits-for-parts")["standing"]
    wait_for("the quick part", lambda: explain(command, body.id)["standing"]["arrived"] == 1, 20)
    assert parts["expected"] == 2
    end = chain(nap(), own_app.signature("interop.add", (1, 2), immutable=True)).apply_async()
    follows = wait_for_kind(command, end.id, "follows")["standing"]
    assert (follows["id"], follows["role"], follows["steps"]) == (end.parent.id, "chain", 1)
    done = command.run("jobs", "cancel", "--name", "interop.nap", "--yes")
    assert done.returncode == 0, done.stderr
    wait_for("an end of the naps", lambda: read(command, "jobs", "list", "--state", "in-flight")["jobs"] == [], 30)


def test_a_killed_workers_job_is_shown_returned_and_quarantined(own_app: Celery, own_broker: str, command: Operations, tmp_path: Path) -> None:
    """The doctor sees what the dead hold, gives it back itself, and names what was quarantined; a healthy system has no findings."""
    wait_for("other workers to be gone", lambda: read(command, "workers", "list") == [], 30)
    # The shelves of other tests, and what their workers left scheduled, are none of ours.
    command.run("dead", "delete", "--all", "--yes")
    command.run("parked", "delete", "--all", "--yes")
    nap = own_app.send_task("interop.nap", (60,))
    for crash in range(3):
        process = our_worker(own_broker, tmp_path / f"{crash}.log", "swift", "--concurrency", "1", "--lease", "1")
        wait_for_kind(command, nap.id, "in-flight")
        wait_for("its beginning", lambda: explain(command, nap.id)["standing"].get("since") is not None, 20)
        os.kill(process.process.pid, signal.SIGKILL)
        process.process.wait()
        diagnosis = json.loads(command.run("doctor", "--json").stdout)
        assert "worker-silent" in {finding["code"] for finding in diagnosis["findings"]}, diagnosis
        told = command.run("doctor", "--repair", "--dry-run")
        assert told.returncode == 1
        assert "--repair would" in told.stdout
        repaired = command.run("doctor", "--repair", "--json")
        assert repaired.returncode == (1 if crash == 2 else 0), repaired.stdout
        assert "worker-silent" in json.loads(repaired.stdout)["repaired"]
        expected = "quarantine" if crash == 2 else "ready"
        assert explain(command, nap.id)["standing"]["kind"] == expected
    rows = read(command, "quarantine", "list")["jobs"]
    assert [row["id"] for row in rows] == [nap.id]
    assert command.run("quarantine", "show", nap.id).returncode == 0
    assert command.run("quarantine", "delete", nap.id).returncode == 0
    assert command.run("quarantine", "show", nap.id).returncode == 2
    healthy = command.run("doctor")
    assert healthy.returncode == 0, healthy.stdout


def test_jobs_are_listed_filtered_and_cancelled(own_app: Celery, command: Operations) -> None:
    """Filters, a limit with a cursor, a count first, and --yes."""
    for number in range(5):
        own_app.send_task("report.nightly", (number,), queue="night")
    own_app.send_task("mail.send", queue="night")
    page = read(command, "jobs", "list", "--name", "report.*", "--queue", "night", "--limit", "3")
    assert len(page["jobs"]) == 3
    assert {row["state"] for row in page["jobs"]} == {"ready"}
    assert page["jobs"][0]["sent_at"] is None, "Celery's client does not say when it sent"
    rest = read(command, "jobs", "list", "--name", "report.*", "--queue", "night", "--limit", "3", "--cursor", page["next"])
    assert len(rest["jobs"]) == 2
    assert rest["next"] is None
    assert command.run("jobs", "list", "--cursor", "nonsense").returncode == 64
    counted = command.run("jobs", "cancel", "--name", "report.*")
    assert counted.stdout == "5 would be cancelled; --yes cancels them\n"
    one = page["jobs"][0]["id"]
    assert explain(command, one)["obstacles"][0]["kind"] == "queue-not-served"
    cancelled = read(command, "jobs", "cancel", "--name", "report.*", "--yes")
    assert cancelled["cancelled"] is True
    assert len(cancelled["ids"]) == 5
    assert {"kind": "revoked"} in explain(command, one)["obstacles"]
    shown = read(command, "jobs", "show", one)
    assert shown["message"]["args"] == [0]
    assert command.run("jobs", "cancel").returncode == 64
    command.run("purge", "night", "--force")


def test_shelves_are_counted_first_and_requeued_by_filters(own_app: Celery, command: Operations, worker: Worker) -> None:
    """What failed runs again when it is told to, and is deleted when it is told to."""
    command.run("dead", "delete", "--all", "--yes")
    failed = [own_app.send_task("interop.fail", (str(number),)) for number in range(3)]
    wait_for("three dead jobs", lambda: len(read(command, "dead", "list")["jobs"]) == 3, 20)
    assert command.run("dead", "requeue", "--name", "interop.*").stdout == "3 would be requeued; --yes requeues them\n"
    assert command.run("dead", "requeue", failed[0].id, "--dry-run").stdout.startswith("1 would be requeued")
    assert read(command, "dead", "requeue", "--name", "other.*", "--yes")["ids"] == []
    assert len(read(command, "dead", "requeue", "--younger-than", "1h", "--yes")["ids"]) == 3
    wait_for("three dead jobs again", lambda: len(read(command, "dead", "list")["jobs"]) == 3, 20)
    assert command.run("dead", "delete", failed[0].id).stdout == "1 deleted\n"
    missing = command.run("dead", "delete", failed[0].id)
    assert missing.returncode == 2
    assert failed[0].id in missing.stderr
    assert command.run("dead", "requeue").returncode == 64
    assert command.run("dead", "delete", "--all", "--yes").stdout == "2 deleted\n"


def test_queues_tell_the_age_of_our_messages_alone(own_app: Celery, command: Operations) -> None:
    """Ours carry when they were sent; Celery's client leaves it open."""
    assert command.run("call", "anything", "--queue", "ours").returncode == 0
    own_app.send_task("anything", queue="theirs")
    details = read(command, "queues", "ours", "theirs")["details"]
    assert 0 <= details["ours"]["oldest_seconds"] < 60
    theirs = details["theirs"]
    assert (theirs["length"], theirs["oldest_seconds"], theirs["workers"]) == (1, None, [])
    assert (theirs["paused_since"], theirs["limit"], theirs["in_per_second"]) == (None, None, None), "nothing is measured unasked"
    lines = command.run("queues", "ours", "theirs").stdout.splitlines()
    assert lines[1].split("\t") == ["theirs", "1", *["\u2013"] * 5, ""], "a pipe gets tabs, and no head"
    listed = {row["queue"]: row["sent_at"] is not None for row in read(command, "jobs", "list")["jobs"]}
    assert listed["ours"]
    assert not listed["theirs"]
    command.run("purge", "ours", "theirs", "--yes")


def test_workers_are_listed_and_shown(command: Operations, worker: Worker) -> None:
    """By name or by the beginning of the incarnation; what they know and serve."""
    (found,) = read(command, "workers", "list")
    assert found["pid"] == worker.process.pid
    assert found["renewing"] is True
    assert found["queues"] == ["swift"]
    assert "interop.add" in found["jobs"]
    assert read(command, "workers", "show", found["incarnation"][:8]) == [found]
    assert command.run("workers", "show", found["name"]).stdout.startswith(found["name"])
    assert command.run("workers", "show", "nobody").returncode == 2


def test_the_doctor_clears_away_what_a_killed_worker_of_celery_left(
    own_app: Celery, own_broker: str, command: Operations, worker: Worker, tmp_path: Path
) -> None:
    """Its binding to remote control is found and taken away; that of one that lives stays."""
    words = [sys.executable, "-m", "celery", "-A", "python_tasks", "worker", "--pool", "threads", "-c", "1", "-Q", "python", "-l", "INFO", "-n"]
    settings = {"BROKER": own_broker, "PYTHONWARNINGS": "ignore"}
    workers = {name: Worker([*words, name], tmp_path / f"{name}.log", settings) for name in ("dead@here", "live@here")}
    for name in workers:
        wait_for(f"{name} to be ready", lambda name=name: b" ready." in (tmp_path / f"{name}.log").read_bytes(), 90)

    def bound() -> set[str]:
        with own_app.connection() as connection:
            rows = connection.default_channel.client.smembers("_kombu.binding.celery.pidbox")
        return {row.decode().rsplit("\x16", 1)[-1].removesuffix(".celery.pidbox") for row in rows}

    def stray() -> list[str]:
        return [finding["summary"] for finding in read(command, "doctor")["findings"] if finding["code"] == "node-bindings-stray"]

    try:
        assert bound() >= set(workers)
        workers["dead@here"].process.kill()
        workers["dead@here"].process.wait()
        assert any("dead@here" in line and "live@here" not in line for line in stray())
        assert "node-bindings-stray" in command.run("doctor", "--repair", "--json").stdout
        assert bound() >= {"live@here"}
        assert "dead@here" not in bound()
        assert stray() == []
        assert own_app.control.inspect(["live@here"], timeout=10).ping() == {"live@here": {"ok": "pong"}}
    finally:
        for process in workers.values():
            if process.process.poll() is None:
                process.stop()


def test_the_doctor_says_when_it_cannot_look() -> None:
    """Exit code 2, and no healthy answer."""
    done = Operations("redis://127.0.0.1:1/0").run("doctor")
    assert done.returncode == 2
    assert done.stdout == ""
