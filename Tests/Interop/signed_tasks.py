"""A Celery program whose messages are signed (`celery.security`): worker, `celery inspect` and client of test_signing.py.

`BROKER` is the broker, `SIGNER` the path of a signer's files without `.key` and `.crt`, `STORE` the folder of certificates.
"""

from __future__ import annotations

import json
import os
import sys

from celery import Celery, Signature, Task, chain, chord, signature

app = Celery("signed_tasks", broker=os.environ["BROKER"], backend=os.environ["BROKER"])
app.conf.update(
    security_key=os.environ["SIGNER"] + ".key",
    security_key_password=os.environ.get("SIGNER_PASSWORD", "").encode() or None,
    security_certificate=os.environ["SIGNER"] + ".crt",
    security_cert_store=os.environ["STORE"],
    task_serializer="auth",
    event_serializer="auth",
    accept_content=["auth"],
    result_serializer=os.environ.get("RESULTS", "json"),
    result_accept_content=["json", "auth"],
    task_default_queue="signed-python",
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
)
# Celery does not look at its own setting security_digest here.
app.setup_security(digest=os.environ.get("DIGEST", "sha256"))


@app.task(name="signed.add")
def add(x: int, y: int) -> int:
    """Adds."""
    return x + y


@app.task(name="signed.total")
def total(numbers: list) -> int:
    """Adds up a list."""
    return sum(numbers)


def theirs(task: Task, *args: object) -> Signature:
    """A call of Celery's worker, which names its queue: our worker, which sends it, knows no default of theirs."""
    return task.s(*args).set(queue="signed-python")


def ours(task: str, *args: object) -> Signature:
    """A call of our worker."""
    return signature(task, args, queue="signed-swift", app=app)


CALLS = {
    "add": lambda: ours("interop.add", 2, 3),
    # Our worker signs for Celery's, and that one for ours.
    "chain": lambda: chain(ours("interop.add", 1, 2), theirs(add, 10), ours("interop.add", 100)),
    "chord": lambda: chord([ours("interop.add", 1, 2), theirs(add, 3, 4), ours("interop.add", 5, 6)], theirs(total)),
    "chord-ours": lambda: chord([theirs(add, 1, 2), ours("interop.add", 3, 4)], ours("interop.echo")),
}

if __name__ == "__main__":
    json.dump(CALLS[sys.argv[1]]().apply_async().get(timeout=30), sys.stdout)
