"""What Flower knows of the tasks: it limits only those that its own program names. Their code is our worker's."""

from __future__ import annotations

import os

from celery import Celery

app = Celery("flower_app", broker=os.environ["BROKER"], backend=os.environ["BROKER"])
app.conf.update(task_default_queue="flowered")


@app.task(name="interop.nap")
def nap(seconds: float) -> None:
    """Takes its time."""
