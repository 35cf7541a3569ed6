"""Jobs are retried, requeued, edited and deleted by the built program, wherever they wait; and it says what it did in its exit code."""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import redis
from celery import Celery
from conftest import PROGRAMS, Operations, Worker, explain, our_worker, read, wait_for_kind
from stack.client import wait_for
from terminal import Terminal


@pytest.fixture
def worker(own_broker: str, tmp_path: Path, command: Operations) -> Iterator[Worker]:
    """Our worker, registered."""
    process = our_worker(own_broker, tmp_path / "worker.log", "swift", "--concurrency", "2", "--lease", "1")
    wait_for("our worker", lambda: read(command, "workers", "list") != [], 30)
    yield process
    if process.process.poll() is None:
        process.stop()


def message(command: Operations, job: str) -> dict:
    """The message of a job."""
    return read(command, "jobs", "show", job)["message"]


def test_dead_jobs_are_retried_with_other_arguments(own_app: Celery, command: Operations, worker: Worker) -> None:
    """By id with an edit on the way, and by filters after a count: with all their attempts."""
    command.run("jobs", "delete", "--state", "dead", "--yes")
    failed = [own_app.send_task("interop.fail", (f"no {number}",)) for number in range(3)]
    for job in failed:
        wait_for_kind(command, job.id, "dead")
    done = command.run("jobs", "retry", failed[0].id, "--args", '["yes"]')
    assert (done.returncode, done.stdout) == (0, "1 retried\n"), done.stderr
    wait_for("the new arguments to fail", lambda: "yes" in explain(command, failed[0].id)["standing"].get("reason", ""), 20)
    counted = command.run("jobs", "retry", "--name", "interop.*")
    assert counted.stdout == "3 would be retried; --yes retries them\n"
    retried = read(command, "jobs", "retry", "--name", "interop.*", "--younger-than", "1h", "--kwargs", "{}", "--yes")
    assert retried["retried"] is True
    assert sorted(retried["ids"]) == sorted(job.id for job in failed)
    assert retried["refused"] == {}
    wait_for("three dead jobs again", lambda: len(read(command, "dead", "list")["jobs"]) == 3, 20)
    assert command.run("jobs", "delete", "--state", "dead", "--yes").stdout == "3 deleted\n"


def test_a_job_that_waits_for_a_retry_runs_at_once(own_app: Celery, command: Operations, worker: Worker) -> None:
    """`retry` gives it its attempts again; `requeue` leaves them as they are."""
    flaky = own_app.send_task("interop.flaky", kwargs={"times": 1, "delay": 3600})
    wait_for_kind(command, flaky.id, "retry")
    assert command.run("jobs", "requeue", flaky.id).stdout == "1 requeued\n"
    ended = wait_for_kind(command, flaky.id, "ended")
    assert ended["standing"]["state"] == "SUCCESS", "it was the second run"
    other = own_app.send_task("interop.flaky", kwargs={"times": 1, "delay": 3600})
    wait_for_kind(command, other.id, "retry")
    assert command.run("jobs", "retry", other.id).stdout == "1 retried\n"
    # Its first run again: it asks to be retried once more.
    wait_for("the first retry again", lambda: explain(command, other.id)["standing"].get("retry") == 1, 20)
    assert command.run("jobs", "delete", other.id).stdout == "1 deleted\n"


def test_waiting_jobs_are_edited_moved_and_deleted(own_app: Celery, command: Operations) -> None:
    """In place with its order kept; to another queue, another time; and one that is not there is said so."""
    jobs = [own_app.send_task("report.nightly", (number,), queue="night") for number in range(4)]
    assert command.run("jobs", "edit", jobs[1].id, "--kwarg", 'format="pdf"', "--args", "[7]").stdout == "1 edited\n"
    rows = read(command, "jobs", "list", "--queue", "night")["jobs"]
    assert [row["id"] for row in rows] == [job.id for job in jobs]
    assert (message(command, jobs[1].id)["args"], message(command, jobs[1].id)["kwargs"]) == ([7], {"format": "pdf"})
    eta = (datetime.now(timezone.utc) + timedelta(hours=2)).replace(microsecond=0)
    assert command.run("jobs", "edit", jobs[2].id, "--eta", eta.isoformat()).stdout == "1 edited\n"
    scheduled = explain(command, jobs[2].id)["standing"]
    assert scheduled["kind"] == "scheduled"
    assert datetime.fromisoformat(scheduled["due"].replace("Z", "+00:00")) == eta
    moved = command.run("jobs", "requeue", "--state", "ready", "--queue", "night", "--to", "day", "--yes")
    assert moved.stdout == "3 requeued\n", moved.stderr
    assert {row["queue"] for row in read(command, "jobs", "list", "--state", "ready")["jobs"]} == {"day"}
    assert command.run("jobs", "edit", "--queue", "day", "--to", "evening", "--priority", "9", "--yes").stdout == "3 edited\n"
    assert read(command, "queues", "evening", "day")["queues"] == {"evening": 3, "day": 0}
    assert message(command, jobs[0].id)["priority"] == 9
    assert command.run("jobs", "delete", jobs[0].id).stdout == "1 deleted\n"
    gone = command.run("jobs", "delete", jobs[0].id, jobs[1].id)
    assert gone.returncode == 2
    assert gone.stdout == "1 deleted\n"
    assert jobs[0].id in gone.stderr
    assert command.run("jobs", "delete", "--name", "report.*").stdout == "2 would be deleted; --yes deletes them\n"
    assert command.run("jobs", "delete", "--name", "report.*", "--language", "ru", "--yes").stdout == "удалено: 2\n"


def test_what_cannot_be_done_is_refused_with_its_reason(own_app: Celery, command: Operations, worker: Worker) -> None:
    """A job that runs is neither deleted nor edited; one that waits is not retried; values that no job can have are usage errors."""
    nap = own_app.send_task("interop.nap", (60,))
    wait_for_kind(command, nap.id, "in-flight")
    refused = command.run("jobs", "delete", nap.id)
    assert refused.returncode == 1
    assert "a worker runs it; `apium jobs cancel` stops it" in refused.stderr
    waits = own_app.send_task("interop.add", (1, 2), queue="unserved")
    assert command.run("jobs", "retry", waits.id).returncode == 1
    assert command.run("jobs", "edit", waits.id, "--priority", "10").returncode == 64
    assert command.run("jobs", "edit", waits.id, "--patch", '{"colour": 1}').returncode == 64
    assert command.run("jobs", "edit", waits.id, "--args", "{}").returncode == 64
    assert command.run("jobs", "edit", waits.id).returncode == 64, "an editor needs a terminal"
    assert command.run("jobs", "edit", "--name", "x").returncode == 64, "only one job alone is opened in an editor"
    assert command.run("jobs", "delete", waits.id, "--name", "x").returncode == 64
    assert command.run("jobs", "retry", str(uuid.uuid4())).returncode == 2
    left = json.loads(command.run("jobs", "delete", "--state", "in-flight", "--name", "interop.nap", "--yes", "--json").stdout)
    assert left == {"deleted": True, "ids": [], "refused": {nap.id: "running"}, "failed": {}, "complete": True}
    assert command.run("jobs", "cancel", nap.id, "--as", "anna@desk").stdout == "1 cancelled\n"
    assert explain(command, nap.id)["revocation"]["by"] == "anna@desk"
    wait_for_kind(command, nap.id, "ended")
    command.run("jobs", "delete", waits.id)


def test_a_job_that_redis_refuses_keeps_no_other_one_from_its_turn(own_broker: str, command: Operations) -> None:
    """The key of one queue is no list: its jobs stay where they are and are named, those of the next queue go."""
    ids = {queue: [f"{queue}-{number}" for number in range(3)] for queue in ("aside", "theirs")}
    for number, (queue, id) in enumerate((queue, id) for queue, named in ids.items() for id in named):
        command.run("call", "report.nightly", "--queue", queue, "--task-id", id, "--countdown", str(3600 + number)).check_returncode()
    with redis.Redis.from_url(own_broker) as server:
        server.set("aside", "no list")
        refused = command.run("jobs", "requeue", "--state", "scheduled", "--name", "report.nightly", "--yes", "--json")
        server.delete("aside")
    assert refused.returncode == 1
    done = json.loads(refused.stdout)
    assert (done["requeued"], done["ids"], done["complete"]) == (True, ids["theirs"], True)
    assert set(done["failed"]) == set(ids["aside"])
    assert all("WRONGTYPE" in why for why in done["failed"].values())
    assert "3 failed" in refused.stderr
    assert "aside-0 (aside): " in refused.stderr
    assert command.run("jobs", "requeue", *ids["aside"]).stdout == "3 requeued\n", "they stayed"
    command.run("purge", "aside", "theirs", "--yes")


@pytest.mark.parametrize(
    "words",
    [
        ("call", "report.nightly", "--countdown", "1e14"), ("call", "report.nightly", "--expires", "1e30"), ("call", "report.nightly", "--wait", "nan"),
        ("result", "some-job", "--wait", "1e30"), ("send", '{"task": "report.nightly"}', "--wait", "1e30"),
        ("jobs", "list", "--state", "dead", "--cursor", "dead:9223372036854775807:"),
    ],
)  # fmt: skip
def test_numbers_beyond_all_measure_are_usage_errors(command: Operations, words: tuple[str, ...]) -> None:
    """They neither end the program nor make a job at which others end."""
    refused = command.run(*words)
    assert refused.returncode == 64, refused.stderr
    assert command.run("jobs", "list").returncode == 0


def test_a_person_is_asked_after_a_count(own_app: Celery, own_broker: str, command: Operations) -> None:
    """On a terminal: a table of what would be changed, and a question whose answer counts."""
    for number in range(3):
        own_app.send_task("mail.send", (number,), queue="mails")
    own_app.send_task("mail.digest", queue="mails")
    words = [str(PROGRAMS / "apium"), "jobs", "delete", "--queue", "mails", "--broker", own_broker]
    with Terminal(words) as terminal:
        screen = terminal.wait(r"4 will be deleted\. Go on\? \[y/N\]")
        assert [line.split() for line in screen.splitlines()[:3]] == [
            ["NAME", "STATE", "QUEUE", "JOBS"], ["mail.send", "ready", "mails", "3"], ["mail.digest", "ready", "mails", "1"],
        ]  # fmt: skip
        terminal.keys("n", "Enter")
        assert terminal.ended() == 0
    assert read(command, "queues", "mails")["queues"] == {"mails": 4}
    with Terminal([*words, "--language", "ru"]) as terminal:
        terminal.wait(r"Будет удалено: 4\. Продолжить\? \[да/нет\]")
        terminal.keys("да", "Enter")
        terminal.wait("удалено: 4$")
        assert terminal.ended() == 0
    assert read(command, "queues", "mails")["queues"] == {"mails": 0}


def test_one_job_is_edited_in_the_persons_editor(own_app: Celery, own_broker: str, command: Operations, tmp_path: Path) -> None:
    """What is saved is written; what is no JSON is kept and named; an editor that fails changes nothing."""
    job = own_app.send_task("mail.send", (1,), {"to": "anna"}, queue="mails")
    words = [str(PROGRAMS / "apium"), "jobs", "edit", job.id, "--broker", own_broker]
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\n[ -t 0 ] && [ -t 1 ] || exit 9\nsed -i \'s/anna/boris/; s/"priority": 0/"priority": 3/\' "$1"\n')
    editor.chmod(0o755)
    with Terminal(words, {"EDITOR": str(editor)}) as terminal:
        terminal.wait("1 edited")
        assert terminal.ended() == 0
    assert (message(command, job.id)["kwargs"], message(command, job.id)["priority"]) == ({"to": "boris"}, 3)
    with Terminal(words, {"VISUAL": "false", "EDITOR": str(editor)}) as terminal:
        terminal.wait("ended with code 1: nothing is changed")
        assert terminal.ended() == 64
    editor.write_text('#!/bin/sh\necho "no json" > "$1"\n')
    with Terminal(words, {"EDITOR": str(editor)}) as terminal:
        terminal.wait(rf"it is kept in\s+/\S+/{job.id[:8]}")
        assert terminal.ended() == 64
    assert message(command, job.id)["kwargs"] == {"to": "boris"}
    command.run("purge", "mails", "--yes")


def test_everything_is_handed_back_to_celery(own_app: Celery, own_broker: str, command: Operations, worker: Worker, tmp_path: Path) -> None:
    """What waits for its time, and what was parked: afterwards Celery's own worker runs it, with no worker of ours up."""
    later = own_app.send_task("python.add", (1, 2), queue="python", countdown=2)
    parked = own_app.send_task("python.add", (3, 4), queue="swift")
    wait_for_kind(command, parked.id, "parked")
    moved = own_app.send_task("interop.flaky", kwargs={"times": 1, "delay": 3600})
    wait_for_kind(command, moved.id, "retry")
    up = command.run("handback", "--all", "--yes")
    assert up.returncode == 1
    assert "apium" in up.stderr
    worker.stop()
    assert command.run("handback").returncode == 64
    assert command.run("handback", "--all", "--dry-run").stdout == "2 would be handed back; --yes hands them back\n"
    done = read(command, "handback", "--all", "--yes")
    assert sorted(done["ids"]) == sorted([parked.id, moved.id])
    assert explain(command, parked.id)["standing"]["kind"] == "ready"
    plain = message(command, moved.id)
    assert plain["eta"] is not None, "Celery's workers wait for it"
    assert plain["retries"] == 1
    log = tmp_path / "celery.log"
    words = [sys.executable, "-m", "celery", "-A", "python_tasks", "worker", "--pool", "threads", "-c", "2", "-Q", "swift,python", "-l", "INFO"]
    celery = Worker(words, log, {"BROKER": own_broker, "PYTHONWARNINGS": "ignore"})
    try:
        # That nobody knew it is its result until somebody has run it.
        wait_for("its sum", lambda: own_app.AsyncResult(parked.id).state == "SUCCESS", 60)
        assert own_app.AsyncResult(parked.id).result == 7
        assert later.get(timeout=60) == 3
    finally:
        celery.stop()
    command.run("purge", "swift", "--yes")
