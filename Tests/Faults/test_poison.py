"""Messages that cannot be run, and jobs that take their process down: kept with the reason, and nobody else's loss."""

from __future__ import annotations

import json
import signal
import threading

import pytest
from bench import QUEUE, Bench
from stack.client import wait_for


def test_an_unknown_job_is_parked(bench: Bench) -> None:
    """No live worker of the queue knows it, though one of another queue does: its caller hears of it at once."""
    bench.worker()
    bench.worker(queue="other", INTEROP_NEW_RELEASE="1")
    bench.send("faults.new", "unknown")
    result = bench.wait_for_result("unknown")
    assert (result["status"], result["result"]["exc_type"]) == ("FAILURE", "NotRegistered")
    record = bench.shelf("parked")[0]
    assert (record["id"], record["task"]) == ("unknown", "faults.new")
    assert "no job named faults.new" in record["reason"]


def test_an_unknown_job_goes_back_to_a_worker_that_knows_it(bench: Bench) -> None:
    """While a new release is rolled out: the old worker passes it on, though the new one is busy at first."""
    new = bench.worker("--concurrency", "1", INTEROP_NEW_RELEASE="1")
    bench.send("faults.wait", "busy", seconds=1)
    bench.wait_for_note("began", "busy")
    old = bench.worker()
    bench.send("faults.new", "new")
    wait_for("the old worker to pass it on", lambda: "only another worker knows" in old.log.read_text())
    assert bench.wait_for_result("new")["status"] == "SUCCESS"
    assert [note.pid for note in bench.notes("new")] == [new.process.pid]
    assert bench.shelf("parked") == []


def test_an_unknown_job_that_nobody_takes_is_parked_at_last(bench: Bench) -> None:
    """The turns are counted in the message, and are bounded."""
    new = bench.worker("--concurrency", "1", INTEROP_NEW_RELEASE="1")
    bench.send("faults.wait", "busy", seconds=60)
    bench.wait_for_note("began", "busy")
    bench.worker()
    message = bench.message("faults.new", "homeless")
    message["headers"]["apium_passed_on"] = 16
    bench.redis.client.lpush(QUEUE, json.dumps(message))
    assert bench.wait_for_result("homeless")["result"]["exc_type"] == "NotRegistered"
    assert "did not take it in 16 turns" in bench.shelf("parked")[0]["reason"]
    new.signal(signal.SIGQUIT)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda message: "no JSON at all", ""),
        (lambda message: b"\xff\x00{", ""),
        (lambda message: json.dumps({"headers": {"task": "faults.wait"}}), ""),
        (lambda message: json.dumps({**message, "body": "bm8gSlNPTg=="}), ""),
        (lambda message: json.dumps({**message, "content-type": "application/x-python-serialize"}), "application/x-python-serialize"),
        (lambda message: json.dumps({**message, "headers": {**message["headers"], "padding": "x" * 5000}}), "worker_max_message_size"),
    ],
)
def test_what_cannot_be_run_is_parked_with_the_reason(bench: Bench, change: object, reason: str) -> None:
    """No JSON, no message, no arguments, content that is not accepted, and more bytes than are taken; the next job is run."""
    bench.worker("--setting", "worker_max_message_size=4096")
    assert callable(change)
    payload = change(bench.message("faults.wait", "odd"))
    bench.redis.client.lpush(QUEUE, payload)
    bench.send("faults.wait", "next")
    assert bench.wait_for_result("next")["status"] == "SUCCESS"
    record = wait_for("the record", lambda: bench.shelf("parked"))[0]
    assert record["reason"] and reason in record["reason"]
    assert bench.notes("odd") == []


@pytest.mark.parametrize("length", [100_000, 4_000_000])
@pytest.mark.parametrize("place", ["body", "headers"])
def test_who_waits_for_a_message_that_is_too_long_gets_an_answer(bench: Bench, place: str, length: int) -> None:
    """It is not read, but for its head: the job fails, and the message is kept. What is very long is not sent back to Redis for that."""
    bench.worker("--setting", "worker_max_message_size=4096")
    message = bench.message("faults.wait", "long")
    if place == "body":
        message["body"] = "A" * length
    else:
        message["headers"] = {"padding": "x" * length, **message["headers"]}
    payload = json.dumps(message).encode()
    bench.redis.client.lpush(QUEUE, payload)
    before = bench.redis.client.info("stats")["total_net_input_bytes"]
    result = bench.wait_for_result("long")
    assert result["status"] == "FAILURE"
    assert result["result"]["exc_type"] == "DecodeError"
    assert "worker_max_message_size" in result["result"]["exc_message"][0]
    assert [(record["id"], record["task"]) for record in bench.shelf("parked")] == [("long", "faults.wait")]
    assert bench.notes("long") == []
    if length > 1_000_000:
        assert bench.redis.client.info("stats")["total_net_input_bytes"] - before < length / 4
        assert bench.redis.client.hget("apium:parked:messages", "long").endswith(b"\0" + payload)


@pytest.fixture
def always_a_worker(bench: Bench) -> None:
    """Starts a worker whenever the last one has died, as a supervisor does."""
    over = threading.Event()
    other = bench.server("results")
    other.start()

    def supervise() -> None:
        while not over.is_set():
            worker = bench.worker("--concurrency", "100", "--backend", other.url, ready=False)
            while not over.wait(0.02) and worker.process.poll() is None:
                pass

    thread = threading.Thread(target=supervise)
    thread.start()
    yield
    over.set()
    thread.join()


@pytest.mark.usefixtures("always_a_worker")
def test_one_poisonous_job_among_a_thousand(bench: Bench) -> None:
    """It is quarantined alone, after it has taken down a worker with a hundred jobs under way; its caller hears of it, on another server."""
    innocents = [f"job-{number}" for number in range(1000)]
    bench.send("faults.wait", *innocents[:500], seconds=0.05)
    bench.send("faults.poison", "poison")
    bench.send("faults.wait", *innocents[500:], seconds=0.05)
    results = bench.servers[1]
    assert bench.wait_for_result("poison", 60, results)["result"]["exc_type"] == "WorkerLostError"
    for job in innocents:
        assert bench.wait_for_result(job, 60, results)["status"] == "SUCCESS"
    assert [record["id"] for record in bench.shelf("quarantine")] == ["poison"]
    assert bench.shelf("parked") == bench.shelf("dead") == []
    assert bench.waiting() == []


def test_a_job_acknowledged_early_that_is_lost_is_told_to_another_server(bench: Bench) -> None:
    """It does not run again: FAILURE WorkerLostError where the results are, and its message is kept."""
    results = bench.server("results")
    results.start()
    worker = bench.worker("--backend", results.url)
    bench.send("faults.early", "early", seconds=60)
    bench.wait_for_note("began", "early")
    worker.signal(signal.SIGKILL)
    bench.worker("--backend", results.url)
    result = bench.wait_for_result("early", server=results)
    assert (result["status"], result["result"]["exc_type"]) == ("FAILURE", "WorkerLostError")
    # Another server's result is stored before the message is set aside: what is cut in between is repeated.
    kept = wait_for("the record", lambda: bench.shelf("dead"))
    assert [record["id"] for record in kept] == ["early"]
    assert len(bench.notes("early")) == 1
