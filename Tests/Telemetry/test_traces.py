"""One trace through Python and Swift, as OpenTelemetry's own instrumentation of Celery writes and reads it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import PROGRAMS, Process
from stack.client import wait_for


def objects(text: str) -> list[dict]:
    """The lines that are JSON objects."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{") and line.endswith("}")]


@pytest.fixture
def worker(broker: str, tmp_path: Path) -> Iterator[Process]:
    """Our worker, which writes all spans, and logs for machines."""
    words = [PROGRAMS / "interop-worker", "--broker", broker, "--queues", "swift"]
    process = Process(words, tmp_path / "worker.log", {"LOG_FORMAT": "json", "LOG_SPANS": "1"})
    yield process
    process.stop()


@pytest.fixture
def celery(broker: str, tmp_path: Path) -> Iterator[Process]:
    """Celery's worker, instrumented by OpenTelemetry."""
    words = [sys.executable, "-m", "celery", "-A", "otel_tasks", "worker", "--pool", "solo", "-Q", "python", "-l", "INFO"]
    process = Process(words, tmp_path / "celery.log", {"BROKER": broker, "SPANS": str(tmp_path / "spans"), "PYTHONWARNINGS": "ignore"})
    wait_for("Celery's worker", lambda: " ready." in process.text, 60)
    yield process
    process.stop()


def test_a_trace_goes_from_python_to_us_and_back(broker: str, tmp_path: Path, worker: Process, celery: Process) -> None:
    """Python's caller sends a chain: its first step runs here, its second, which we send, in Celery's worker again."""
    environment = {**os.environ, "BROKER": broker, "SPANS": str(tmp_path / "spans"), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, "otel_tasks.py"], cwd=Path(__file__).parent, env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "7", done.stderr
    python = wait_for("Celery's span", lambda: {s["span"]: s for s in objects((tmp_path / "spans").read_text())}.get("run/python.add"))
    ours = wait_for("our span", lambda: next((line for line in objects(worker.text) if line.get("span") == "run/interop.add"), None))
    sent = {span["span"]: span for span in objects((tmp_path / "spans").read_text())}
    caller, sending = sent["caller"], sent["apply_async/interop.add"]
    assert sending["parent_id"] == caller["span_id"]
    assert ours["parent_id"] == sending["span_id"], "our run is the child of Python's sending"
    assert python["parent_id"] == ours["span_id"], "Python's run is the child of ours"
    assert {span["trace_id"] for span in (sending, ours, python)} == {caller["trace_id"]}
    assert ours["kind"] == "consumer"
    assert ours["attributes"]["celery.state"] == "SUCCESS"
    assert ours["attributes"]["messaging.destination.name"] == "swift"


@pytest.mark.parametrize("job", ["interop.write", "isolated.write"])
def test_every_line_of_a_job_names_it(broker: str, worker: Process, job: str) -> None:
    """The context's logger, and one that knows nothing of jobs: id, name, attempt and trace; in a child process, too."""
    words = [PROGRAMS / "apium", "call", job, "--broker", broker, "--args", '["hello"]', "--queue", "swift", "--wait", "20"]
    assert subprocess.run(words, capture_output=True, text=True, timeout=60, check=False).returncode == 0
    lines = {line["message"]: line for line in objects(worker.text) if "message" in line}
    span = wait_for("the span", lambda: next((line for line in objects(worker.text) if line.get("span") == f"run/{job}"), None))
    for message, logger in (("own: hello", "interop-worker"), ("other: hello", "library")):
        line = lines[message]
        assert line["logger"] == logger
        told = line["metadata"]
        assert told["task"] == job
        assert told["attempt"] == "1"
        assert told["job"] == span["attributes"]["messaging.message.id"]
        assert told["trace_id"] == span["trace_id"]
        assert told["span_id"] == span["span_id"]


def test_lines_for_people_are_no_json(broker: str, tmp_path: Path) -> None:
    """The default, and without spans."""
    process = Process([PROGRAMS / "interop-worker", "--broker", broker, "--queues", "plain"], tmp_path / "worker.log", {"LOG_FORMAT": "", "LOG_SPANS": ""})
    try:
        words = [PROGRAMS / "apium", "call", "interop.write", "--broker", broker, "--args", '["hello"]', "--queue", "plain", "--wait", "20"]
        assert subprocess.run(words, capture_output=True, text=True, timeout=60, check=False).returncode == 0
        assert " INFO library: other: hello attempt=1 job=" in process.text
        assert objects(process.text) == []
    finally:
        process.stop()
