"""What is shown as it happens, on a real terminal: events, queues and workers; and how workers are steered."""

from __future__ import annotations

import contextlib
import json
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery
from conftest import PROGRAMS, Operations, Worker, explain, our_worker, read, wait_for_kind
from stack.client import wait_for
from terminal import ESCAPE, Terminal


@pytest.fixture
def worker(own_broker: str, tmp_path: Path, command: Operations) -> Iterator[Worker]:
    """Our worker, registered."""
    process = our_worker(own_broker, tmp_path / "worker.log", "swift", "--concurrency", "2", "--lease", "1", "--hostname", "ours@here")
    wait_for("our worker", lambda: read(command, "workers", "list") != [], 30)
    yield process
    if process.process.poll() is None:
        process.stop()


@contextlib.contextmanager
def events(broker: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    """The events in a pipe; `--enable` has been obeyed when the body begins."""
    process = subprocess.Popen([PROGRAMS / "apium", "events", "--broker", broker, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_events_are_lines_of_json_in_a_pipe(own_app: Celery, own_broker: str, worker: Worker) -> None:
    """Filtered by type and name; a job's name stands on its later events, too; the command ends after --count."""
    own_app.control.enable_events(reply=True)
    with events(own_broker, "--json", "--name", "interop.f*", "--type", "task-*", "--count", "3") as process:
        # A subscriber is there when the server says so.
        with own_app.connection() as connection:
            redis = connection.default_channel.client
            wait_for("the subscription", lambda: redis.pubsub_numpat() > 0, 20)
        own_app.send_task("interop.add", (1, 2))
        failed = own_app.send_task("interop.fail", ("no",))
        output, complaints = process.communicate(timeout=30)
    assert process.returncode == 0, complaints
    seen = [json.loads(line) for line in output.splitlines()]
    assert [event["type"] for event in seen] == ["task-received", "task-started", "task-failed"]
    assert {event["name"] for event in seen} == {"interop.fail"}
    assert {event["uuid"] for event in seen} == {failed.id}
    assert seen[2]["exception"] == "ValueError('no')"
    own_app.control.disable_events(reply=True)


def test_events_are_turned_on_for_as_long_as_somebody_looks(own_app: Celery, own_broker: str, worker: Worker) -> None:
    """--enable asks the workers, Ctrl-C ends it with 0, and the workers are quiet again."""
    with events(own_broker, "--enable", "--type", "task-succeeded") as process:

        def told() -> bool:
            own_app.send_task("interop.add", (1, 2))
            return bool(select.select([process.stdout], [], [], 0.3)[0])

        wait_for("an event", told, 30)
        line = process.stdout.readline().rstrip("\n").split("\t")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert line[1:4] == ["ours@here", "task-succeeded", "?"] or line[3] == "interop.add", line
    assert line[5].endswith("→ 3")
    assert own_app.control.disable_events(reply=True) == [{"ours@here": {"ok": "task events already disabled"}}]


def test_events_are_coloured_columns_on_a_terminal(own_app: Celery, own_broker: str, worker: Worker) -> None:
    """Green for a success, red for a failure; no colours where --color or NO_COLOR says so."""
    own_app.control.enable_events(reply=True)
    words = [str(PROGRAMS / "apium"), "events", "--broker", own_broker]
    with own_app.connection() as connection:
        redis = connection.default_channel.client
        with Terminal(words) as terminal, Terminal([*words, "--color", "never"]) as plain, Terminal(words, {"NO_COLOR": "1"}) as quiet:
            wait_for("three subscriptions", lambda: sum(int(client["psub"]) for client in redis.client_list()) >= 3, 20)
            added = own_app.send_task("interop.add", (1, 2))
            failed = own_app.send_task("interop.fail", ("no",))
            screens = [each.wait(r"task-failed +interop\.fail") for each in (terminal, plain, quiet)]
            coloured = terminal.screen(colours=True)
            assert ESCAPE not in plain.screen(colours=True).replace(f"{ESCAPE}[39m", "")
            assert ESCAPE not in quiet.screen(colours=True).replace(f"{ESCAPE}[39m", "")
            terminal.keys("C-c")
            assert terminal.ended() == 0
    for screen in screens:
        lines = [line.split() for line in screen.splitlines()]
        assert any(line[1:5] == ["ours@here", "task-succeeded", "interop.add", added.id] and line[-1] == "3" for line in lines), screen
        assert any(line[1:5] == ["ours@here", "task-failed", "interop.fail", failed.id] and line[5] == "ValueError('no')" for line in lines), screen
    assert f"{ESCAPE}[32mtask-succeeded" in coloured
    assert f"{ESCAPE}[31mtask-failed" in coloured
    own_app.control.disable_events(reply=True)


def test_queues_are_watched_on_a_terminal(own_app: Celery, own_broker: str, command: Operations) -> None:
    """The table is drawn anew in place, on a screen of its own; what was there before is there afterwards."""
    command.run("pause", "--queue", "sleepy")
    own_app.send_task("anything", queue="sleepy")
    with Terminal([str(PROGRAMS / "apium"), "queues", "--watch", "--interval", "0.2s", "--broker", own_broker]) as terminal:
        screen = terminal.wait(r"^sleepy +1 +0/s +0/s")
        head = next(line for line in screen.splitlines() if line.startswith("QUEUE"))
        assert head.split() == ["QUEUE", "LENGTH", "IN", "OUT", "OLDEST", "PAUSED", "LIMIT", "WORKERS"]
        assert re.search("^sleepy +1 +0/s +0/s +\u2013 +[0-9]+ s", screen, re.MULTILINE), "for how long it is paused"
        own_app.send_task("anything", queue="sleepy")
        screen = terminal.wait(r"^sleepy +2")
        assert screen.count("QUEUE") == 1, "drawn in place, not one below the other"
        terminal.keys("C-c")
        assert terminal.ended() == 0
        assert "QUEUE" not in terminal.screen(), "the screen of its own is gone"
    command.run("resume", "--queue", "sleepy")
    command.run("purge", "sleepy", "--yes")
    piped = command.run("queues", "--watch")
    assert piped.returncode == 64
    assert "--watch needs a terminal" in piped.stderr


def test_rates_are_measured_between_two_looks(own_app: Celery, command: Operations) -> None:
    """What stands still has a rate of 0, and a queue that nobody fills has none to guess."""
    for number in range(5):
        own_app.send_task("anything", (number,), queue="still")
    details = read(command, "queues", "still", "--measure", "--interval", "0.2s")["details"]["still"]
    assert (details["in_per_second"], details["out_per_second"], details["rates_at_least"]) == (0, 0, False)
    command.run("purge", "still", "--yes")


def test_workers_are_watched_on_a_terminal(own_broker: str, worker: Worker) -> None:
    """A worker that goes leaves the table."""
    with Terminal([str(PROGRAMS / "apium"), "workers", "--watch", "--interval", "0.2s", "--broker", own_broker]) as terminal:
        terminal.wait(r"^ours@here +\d+ +0 +renewed")
        worker.stop()
        wait_for("an empty table", lambda: "ours@here" not in terminal.screen(), 30)
        terminal.keys("C-c")
        assert terminal.ended() == 0


def test_workers_are_pinged_and_scaled(own_app: Celery, command: Operations, worker: Worker) -> None:
    """By name, by pattern, or all; who is not there is said so."""
    assert read(command, "workers", "ping") == ["ours@here"]
    assert command.run("workers", "ping", "ours@*").stdout == "ours@here\tpong\n"
    assert command.run("workers", "ping", "theirs@here").returncode == 2
    assert read(command, "workers", "scale", "ours@here", "--to", "6") == {"ours@here": {"before": 2, "after": 6}}
    assert command.run("workers", "scale", "--all", "--shrink", "1").stdout == "ours@here\t6 → 5\n"
    refused = command.run("workers", "scale", "--all", "--shrink", "9")
    assert refused.returncode == 1
    assert "ours@here" in refused.stderr
    assert own_app.control.inspect().stats()["ours@here"]["pool"]["max-concurrency"] == 5
    assert command.run("workers", "scale", "ours@here").returncode == 64
    assert command.run("workers", "shutdown").returncode == 64, "all are ended only when that is said"


def test_a_worker_is_drained(own_app: Celery, command: Operations, worker: Worker) -> None:
    """It claims no more, its job ends undisturbed, and then it goes; what does not end in time is named, and nothing is interrupted."""
    nap = own_app.send_task("interop.nap", (8,))
    wait_for_kind(command, nap.id, "in-flight")
    hurried = command.run("workers", "drain", "ours@here", "--wait-for", "0.5s")
    assert hurried.returncode == 1
    assert f"ours@here still runs {nap.id}" in hurried.stderr
    told = command.run("workers", "drain", "ours@here", "--wait-for", "0.5s", "--json")
    assert told.returncode == 1
    assert (json.loads(told.stdout), told.stderr) == ({"ours@here": {"state": "busy", "jobs": [nap.id]}}, "")
    later = own_app.send_task("interop.add", (1, 2))
    drained = command.run("workers", "drain", "ours@here")
    assert drained.returncode == 0, drained.stderr
    assert drained.stdout == "ours@here\t1 left\nours@here\t0 left\nours@here\tending\nours@here\tgone\n"
    assert worker.process.wait(20) == 0
    assert explain(command, nap.id)["standing"]["state"] == "SUCCESS"
    assert explain(command, later.id)["standing"]["kind"] == "ready", "it was left to others"
    command.run("purge", "swift", "--yes")


def test_a_drain_shows_on_one_line_of_a_terminal_what_is_left(own_app: Celery, own_broker: str, command: Operations, worker: Worker) -> None:
    """Jobs and time, drawn anew in place; what became of the worker stays there."""
    nap = own_app.send_task("interop.nap", (6,))
    wait_for_kind(command, nap.id, "in-flight")
    with Terminal([str(PROGRAMS / "apium"), "workers", "drain", "ours@here", "--broker", own_broker]) as terminal:
        terminal.wait(r"^[0-9]+ s +ours@here: 1 left$")
        screen = terminal.wait(r"^ours@here +gone$", 60)
        assert "left" not in screen
        assert terminal.ended() == 0
    assert worker.process.wait(20) == 0


def test_a_shutdown_says_what_is_left_and_how_it_ended(own_app: Celery, command: Operations, worker: Worker) -> None:
    """In a pipe a line for each change, as JSON nothing but the answer."""
    nap = own_app.send_task("interop.nap", (5,))
    wait_for_kind(command, nap.id, "in-flight")
    hurried = command.run("workers", "shutdown", "ours@here", "--wait-for", "0.5s")
    assert hurried.returncode == 1
    assert "ours@here\tending, 1 left\n" in hurried.stdout
    assert f"ours@here is still there, and runs {nap.id}" in hurried.stderr
    ended = command.run("workers", "shutdown", "ours@here", "--json")
    # It may have ended before it was asked.
    if ended.returncode != 2:
        assert (json.loads(ended.stdout), ended.stderr, ended.returncode) == ({"ours@here": {"state": "gone", "jobs": []}}, "", 0)
    assert worker.process.wait(20) == 0


def test_workers_of_celery_obey_too(own_app: Celery, own_broker: str, command: Operations, tmp_path: Path) -> None:
    """Celery's own worker is pinged, drained and ended by the same commands."""
    log = tmp_path / "celery.log"
    words = [sys.executable, "-m", "celery", "-A", "python_tasks", "worker", "--pool", "threads", "-c", "2", "-Q", "python", "-l", "INFO", "-n", "py@here"]
    worker = Worker(words, log, {"BROKER": own_broker, "PYTHONWARNINGS": "ignore"})
    wait_for("Celery's worker", lambda: b" ready." in log.read_bytes(), 60)
    assert read(command, "workers", "ping", "py@here") == ["py@here"]
    drained = command.run("workers", "drain", "py@here", timeout=120)
    assert drained.returncode == 0, drained.stderr
    assert drained.stdout == "py@here\t0 left\npy@here\tending\npy@here\tgone\n"
    assert worker.process.wait(40) == 0


def test_the_jobs_of_a_stopped_worker_are_taken_back(own_app: Celery, own_broker: str, command: Operations, tmp_path: Path) -> None:
    """A process that is stopped while no other one is there to see it: its job is counted, and then back at once; the process itself is refused."""
    stopped = our_worker(own_broker, tmp_path / "stopped.log", "swift", "--concurrency", "1", "--lease", "4", "--hostname", "stopped@here")
    wait_for("our worker", lambda: read(command, "workers", "list") != [], 30)
    nap = own_app.send_task("interop.nap", (60,))
    wait_for_kind(command, nap.id, "in-flight")
    stopped.process.send_signal(signal.SIGSTOP)
    try:
        assert command.run("workers", "handback", "stopped@here").stdout == "1 would be requeued; --yes requeues them\n"
        assert explain(command, nap.id)["standing"]["kind"] == "in-flight"
        done = command.run("workers", "handback", "stopped@here", "--yes")
        assert (done.returncode, done.stdout) == (0, "stopped@here\t1 returned, 0 ended\n"), done.stderr
        assert explain(command, nap.id)["standing"]["kind"] == "ready"
        assert command.run("workers", "handback", "stopped@here").returncode == 2
        command.run("jobs", "delete", nap.id)
    finally:
        stopped.process.send_signal(signal.SIGCONT)
        stopped.stop()


def test_a_result_is_followed_on_its_way(own_app: Celery, command: Operations, worker: Worker) -> None:
    """Each state on the way stands on a line, the value last; when the time is over it says that there is none yet."""
    quick = own_app.send_task("isolated.nap", kwargs={"seconds": 2})
    followed = command.run("result", quick.id, "--follow")
    assert followed.returncode == 0, followed.stderr
    lines = followed.stdout.splitlines()
    assert lines[0].startswith("STARTED "), lines
    assert len(lines) == 2
    slow = own_app.send_task("isolated.nap", kwargs={"seconds": 60})
    wait_for_kind(command, slow.id, "in-flight")
    wait_for("its beginning", lambda: explain(command, slow.id)["standing"]["since"] is not None, 20)
    late = command.run("result", slow.id, "--follow", "--wait", "0.5", "--json")
    assert late.returncode == 2
    assert {json.loads(line)["state"] for line in late.stdout.splitlines()} == {"STARTED"}
    command.run("jobs", "cancel", slow.id)
    wait_for_kind(command, slow.id, "ended")
    revoked = command.run("result", slow.id, "--follow")
    assert revoked.returncode == 1
    assert revoked.stdout.startswith("REVOKED")
