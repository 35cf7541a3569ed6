"""Messages whose chain nobody has prepared: Celery makes a group before a step a chord when a chain is built, not when a worker goes on with one."""

from __future__ import annotations

import uuid

import pytest
from celery import Celery, group
from celery.canvas import Signature
from celery.result import GroupResult
from stack.client import wait_for

pytestmark = pytest.mark.usefixtures("swift_worker", "celery_worker")


@pytest.mark.parametrize(
    ("kind", "queue", "ends"),
    [("python", "python", [[[12], {}], [[22], {}]]), ("interop", "swift", [[[[12, 22]], {}]])],
    ids=["celery", "ours"],
)
def test_a_group_with_more_of_a_raw_chain_behind_it(app: Celery, kind: str, queue: str, ends: list) -> None:
    """Celery's worker runs the rest once per member, under one id; ours does as Celery does when it builds a chain."""

    def sig(name: str, *args: object) -> Signature:
        return app.signature(f"{kind}.{name}", args=args, queue=queue)

    # In the message the next step stands last.
    last = sig("echo").set(task_id=str(uuid.uuid4()))
    first = sig("add", 1, 1).apply_async(chain=[last, group(sig("add", 10), sig("add", 20))])
    assert first.get(timeout=20) == 2
    members = wait_for("the group", lambda: [child for child in first.children or [] if isinstance(child, GroupResult)], 20)[0]
    assert members.get(timeout=20) == [12, 22]
    assert app.AsyncResult(last.options["task_id"]).get(timeout=20) in ends
