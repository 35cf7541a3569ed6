"""Messages as Celery writes them, made in bulk from one that it wrote."""

from __future__ import annotations

import base64
import json
import uuid

from celery import Celery
from redis import Redis

PAYLOAD = "x" * 100


class Stencil:
    """Celery's message of one task, to be filled with ids and arguments."""

    def __init__(self, app: Celery, redis: Redis, task: str, **options: object) -> None:
        app.send_task(task, (), queue="bench-stencil", **options)
        self.text = redis.rpop("bench-stencil").decode()
        self.message = json.loads(self.text)

    def fill(self, *arguments: object) -> bytes:
        """One more message."""
        job = str(uuid.uuid4())
        message = self.message
        body = json.dumps([arguments, {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}])
        message["body"] = base64.b64encode(body.encode()).decode()
        message["headers"] |= {"id": job, "root_id": job, "argsrepr": repr(arguments)}
        message["properties"] |= {"correlation_id": job}
        # kombu writes the tag last.
        message["properties"].pop("delivery_tag")
        message["properties"]["delivery_tag"] = str(uuid.uuid4())
        return json.dumps(message).encode()


def load(redis: Redis, key: str, messages: list[bytes]) -> None:
    """Puts messages on a list, the first to be the next."""
    for first in range(0, len(messages), 1000):
        redis.lpush(key, *messages[first : first + 1000])
