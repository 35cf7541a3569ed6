"""How a worker is stopped: nothing is lost, and what is left stands where it stood."""

from __future__ import annotations

import signal

import pytest
from bench import Bench, Worker
from stack.client import wait_for


def busy(bench: Bench, worker: Worker, *jobs: str, task: str = "faults.wait", seconds: float = 60) -> None:
    """Lets the worker begin these jobs, in this order."""
    bench.send(task, *jobs, seconds=seconds)
    for job in jobs:
        assert bench.wait_for_note("began", job).pid == worker.process.pid


def test_sigterm_stops_claiming_and_lets_jobs_end(bench: Bench) -> None:
    """What runs is done and acknowledged; what waits is left, though slots become free."""
    worker = bench.worker("--concurrency", "2", "--grace", "20")
    busy(bench, worker, "short", "long", seconds=1)
    worker.signal(signal.SIGTERM)
    wait_for("the worker to be told", lambda: "told to stop" in worker.log.read_text())
    bench.send("faults.wait", "later")
    assert worker.wait() == 0
    assert [bench.result(job)["status"] for job in ("short", "long")] == ["SUCCESS", "SUCCESS"]
    assert bench.waiting() == ["later"]
    assert bench.notes(word="cancelled") == []
    assert bench.redis.client.keys("apium:flight:*") == []


def test_what_does_not_end_within_the_grace_goes_back_to_the_front_in_order(bench: Bench) -> None:
    """Cancelled after the grace period, given back as it was claimed, before what came later."""
    worker = bench.worker("--concurrency", "4", "--grace", "0.5")
    busy(bench, worker, "first", "second", "third", "fourth")
    bench.send("faults.wait", "fifth", "sixth")
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    assert bench.waiting() == ["first", "second", "third", "fourth", "fifth", "sixth"]
    assert {note.job for note in bench.notes(word="cancelled")} == {"first", "second", "third", "fourth"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_is_quicker(bench: Bench, number: signal.Signals) -> None:
    """The grace of a minute is cut short: the jobs are cancelled, and what has not ended goes back."""
    worker = bench.worker("--concurrency", "2", "--grace", "60")
    busy(bench, worker, "first", "second")
    worker.signal(signal.SIGTERM)
    wait_for("the worker to be told", lambda: "told to stop" in worker.log.read_text())
    assert bench.notes(word="cancelled") == []
    worker.signal(number)
    assert worker.wait(10) == 0
    assert bench.waiting() == ["first", "second"]
    assert len(bench.notes(word="cancelled")) == 2


def test_a_lease_that_is_lost_during_the_grace_is_heard(bench: Bench) -> None:
    """Stopped for longer than its lease while it lets its job end: the job is cancelled when it wakes, for another has it, and the grace is over."""
    stopping = bench.worker("--grace", "60")
    bench.send("faults.wait", "job", seconds=60, again=0.5)
    old = bench.wait_for_note("began", "job")
    stopping.signal(signal.SIGTERM)
    wait_for("the worker to be told", lambda: "told to stop" in stopping.log.read_text())
    stopping.signal(signal.SIGSTOP)
    bench.worker()
    new = bench.wait_for_note("began", "job", 2)
    stopping.signal(signal.SIGCONT)
    assert bench.wait_for_note("cancelled", "job").fence == old.fence
    assert stopping.wait(10) == 0
    assert bench.wait_for_result("job")["result"] == new.fence


def test_sigquit_gives_everything_back_at_once(bench: Bench) -> None:
    """Also what does not react to its cancellation: nobody waits for it."""
    worker = bench.worker("--concurrency", "3", "--grace", "60")
    busy(bench, worker, "stubborn", task="faults.block")
    busy(bench, worker, "good")
    worker.signal(signal.SIGQUIT)
    assert worker.wait(10) == 0
    assert bench.waiting() == ["stubborn", "good"]
    assert bench.redis.client.zrange("apium:workers", 0, -1) == []


def test_sigquit_hurries_a_graceful_shutdown_on(bench: Bench) -> None:
    """SIGTERM, then SIGQUIT."""
    worker = bench.worker("--grace", "60")
    busy(bench, worker, "stubborn", task="faults.block")
    worker.signal(signal.SIGTERM)
    wait_for("the worker to be told", lambda: "told to stop" in worker.log.read_text())
    worker.signal(signal.SIGQUIT)
    assert worker.wait(10) == 0
    assert bench.waiting() == ["stubborn"]


def test_a_worker_stops_while_redis_is_away_and_what_it_held_runs_elsewhere(bench: Bench) -> None:
    """Neither the ended job nor the running one can be written: both come back when the lease is over."""
    worker = bench.worker("--grace", "1")
    busy(bench, worker, "ended", seconds=0.5)
    busy(bench, worker, "running", seconds=3)
    bench.redis.signal(signal.SIGKILL)
    bench.wait_for_note("ended", "ended")
    worker.signal(signal.SIGTERM)
    assert worker.wait(15) == 0
    bench.redis.start()
    bench.worker()
    for job in ("ended", "running"):
        assert bench.wait_for_result(job)["status"] == "SUCCESS"
        assert len(bench.notes(job, "began")) == 2
