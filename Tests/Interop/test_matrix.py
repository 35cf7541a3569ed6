"""Every feature, by each kind of producer, on each kind of worker: the table of docs/compatibility.md is what this test saw.

With Celery 5.7 that is the table; with another release (`matrix-celery-5.4`, on demand) a paragraph with what differed, under markers of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from urllib.parse import urlsplit

import matrix_tasks
import pytest
from celery import Celery
from conftest import PROGRAMS, Worker
from matrix_features import FEATURES, SECONDS, Feature
from stack.client import wait_for
from stack.run_folder import ROOT

TABLE = ROOT / "docs" / "compatibility.md"
RELEASE = ".".join(version("celery").split(".")[:2])
NAME = "matrix" if RELEASE == "5.7" else f"matrix {RELEASE}"
BEGIN, END = f"<!-- {NAME}: written by Tests/Interop/test_matrix.py -->", f"<!-- {NAME}: end -->"
PRODUCERS = ("python", "swift")
WORKERS = ("python", "swift", "both")


@dataclass(frozen=True)
class Lines:
    """The queues of the three set-ups: each served by one kind of worker, or by both."""

    app: Celery
    broker: str

    def send(self, producer: str, worker: str, feature: Feature) -> object:
        """Sends the feature to the worker's queue and answers what the producer saw."""
        queue = f"matrix-{worker}"
        if producer == "python":
            return feature.send(self.app, queue)
        done = subprocess.run(
            [PROGRAMS / "interop-producer", "--broker", self.broker, "--queue", queue, feature.name],
            capture_output=True,
            text=True,
            timeout=SECONDS + 30,
        )
        assert done.returncode == 0, f"{feature.name}: {done.stdout}{done.stderr}"
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def lines(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lines]:
    """Celery's worker and ours, up."""
    app = matrix_tasks.app
    app.conf.update(broker_url=broker, result_backend=broker)
    log = tmp_path_factory.mktemp("matrix") / "celery.log"
    queues = "matrix-python,matrix-both"
    command = [sys.executable, "-m", "celery", "-A", "matrix_tasks", "worker", "--pool", "threads", "--concurrency", "4", "-Q", queues, "-l", "INFO"]
    python = Worker(command, log, {"BROKER": broker, "PYTHONWARNINGS": "ignore"})
    redis = urlsplit(broker)
    swift = Worker(
        [str(PROGRAMS / "suite-worker"), "--broker", broker, "--queues", "matrix-swift,matrix-both", "--result-extended"],
        log.with_name("swift.log"),
        {"REDIS_HOST": redis.hostname or "", "REDIS_PORT": str(redis.port), "REDIS_PASSWORD": redis.password or ""},
    )
    try:
        wait_for("Celery's worker", lambda: b" ready." in log.read_bytes(), 60)
        assert app.send_task("matrix.add", (1, 1), queue="matrix-swift").get(timeout=30) == 2
        yield Lines(app, broker)
    finally:
        for worker in (python, swift):
            worker.stop()
        app.close()


SEEN: dict[tuple[str, str, str], bool] = {}


@pytest.mark.parametrize("worker", WORKERS)
@pytest.mark.parametrize("producer", PRODUCERS)
@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_a_feature_works(lines: Lines, feature: Feature, producer: str, worker: str) -> None:
    """What is sent comes to what is expected, whoever sends and whoever runs."""
    SEEN[feature.name, producer, worker] = False
    assert lines.send(producer, worker, feature) == feature.expected
    SEEN[feature.name, producer, worker] = True


def table() -> str:
    """The table of what was seen."""
    head = "| feature | " + " | ".join(f"{p} → {w}" for p in PRODUCERS for w in WORKERS) + " |"
    rows = [head, "|---|" + "---|" * (len(PRODUCERS) * len(WORKERS))]
    for feature in FEATURES:
        cells = ["yes" if SEEN[feature.name, p, w] else "**no**" for p in PRODUCERS for w in WORKERS]
        rows.append(f"| {feature.about} | {' | '.join(cells)} |")
    return "\n".join(rows)


def paragraph() -> str:
    """What another release did otherwise than what is expected of all."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("celery", "kombu", "redis"))
    missing = [f"{f.about} ({p} → {w})" for f in FEATURES for p in PRODUCERS for w in WORKERS if not SEEN[f.name, p, w]]
    works = len(FEATURES) * len(PRODUCERS) * len(WORKERS) - len(missing)
    outcome = f"Not so: {'; '.join(missing)}." if missing else "None differs."
    return f"Last run with {versions}: {works} of the {works + len(missing)} cells of the table above are yes. {outcome}"


def test_the_documented_table_is_what_was_seen(request: pytest.FixtureRequest) -> None:
    """docs/compatibility.md holds this run's table; `--write-table` writes it."""
    missing = len(FEATURES) * len(PRODUCERS) * len(WORKERS) - len(SEEN)
    assert not missing, f"{missing} cells were not tried in this run: run the whole file"
    text = TABLE.read_text()
    assert BEGIN in text, f"docs/compatibility.md has no place for what Celery {RELEASE} does: add the lines {BEGIN} and {END}"
    before, rest = text.split(BEGIN)
    documented, after = rest.split(END)
    seen = table() if RELEASE == "5.7" else paragraph()
    if request.config.getoption("--write-table"):
        TABLE.write_text(f"{before}{BEGIN}\n\n{seen}\n\n{END}{after}")
        return
    assert documented.strip() == seen
