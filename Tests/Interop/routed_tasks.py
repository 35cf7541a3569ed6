"""Tasks of a real Celery worker whose routing and transport options come from the test."""

from __future__ import annotations

import json
import os

from celery import Celery, Task
from kombu import Exchange, Queue

settings = json.loads(os.environ["SETTINGS"])
queues = [Queue(name, Exchange(exchange, type="direct"), routing_key=key) for name, exchange, key in settings.pop("queues")]

app = Celery("routed_tasks", broker=os.environ["BROKER"], backend=os.environ["BROKER"])
app.conf.update(task_queues=queues, task_default_queue=queues[0].name, worker_hijack_root_logger=False, broker_connection_retry_on_startup=True, **settings)


@app.task(name="routed.add")
def add(x: int, y: int) -> int:
    """Adds."""
    return x + y


@app.task(name="routed.delivery", bind=True)
def delivery(self: Task) -> dict:
    """How the message came."""
    return {name: self.request.delivery_info.get(name) for name in ("exchange", "routing_key", "priority")}
