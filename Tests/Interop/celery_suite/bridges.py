"""What the suite reads inside the embedded worker's process, told by the wire instead."""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections.abc import Callable
from urllib.parse import urlsplit

from celery import Celery
from celery.backends.asynchronous import BaseResultConsumer
from celery.backends.redis import ResultConsumer
from celery.signals import task_received
from celery.worker import state as worker_state
from celery.worker.request import Request
from redis import Redis

from . import monitor

CATCH_UP_SECONDS = 10.0
FOLLOWER = "follow_messages"


class Bridges:
    """Listens to the events and to the messages of an external worker."""

    def __init__(self, app: Celery) -> None:
        self.app = app
        self.address = urlsplit(app.conf.broker_url)
        # Decodes envelopes as consumers do.
        self.channel = app.connection_for_read().channel()
        self.seen: set[str] = set()
        # Marks that are under way to the thread that follows the messages.
        self.marks: dict[bytes, threading.Event] = {}
        self.marker = Redis.from_url(app.conf.broker_url)

    def open(self) -> None:
        """Begins to listen; returns when nothing that comes later is missed."""
        for listen in (self.follow_events, self.follow_messages):
            ready = threading.Event()
            threading.Thread(target=listen, args=(ready.set,), daemon=True, name=listen.__name__).start()
            if not ready.wait(30):
                raise TimeoutError(f"{listen.__name__} did not begin")
        self.hold_results_back()
        self.await_subscriptions()

    def hold_results_back(self) -> None:
        """A result reaches a test after the signals of all messages before it, as from the embedded worker, which sends the signal before it runs a task."""
        take = BaseResultConsumer.on_state_change

        def take_in_order(consumer: BaseResultConsumer, meta: dict, message: object) -> None:
            self.catch_up()
            take(consumer, meta, message)

        BaseResultConsumer.on_state_change = take_in_order

    def await_subscriptions(self) -> None:
        """A result is asked for when its subscription stands.

        Celery's client sends SUBSCRIBE on one connection and, without a look at the answer, GET on another. Redis may take them in the other order, and when a
        result comes in between nobody is told of it: one in some thousand gets of a chain ends by its timeout on a busy machine, whoever the worker is.
        """
        consume = ResultConsumer._consume_from

        def consume_for_sure(consumer: ResultConsumer, task_id: str) -> None:
            consume(consumer, task_id)
            channel = consumer._get_key_for_task(task_id)
            deadline = time.monotonic() + CATCH_UP_SECONDS
            while not consumer.backend.client.pubsub_numsub(channel)[0][1]:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"the subscription of {task_id} is late by more than {CATCH_UP_SECONDS:.0f} s")

        ResultConsumer._consume_from = consume_for_sure

    def catch_up(self) -> None:
        """Returns when the signals of all messages that reached Redis before this call have been sent."""
        if threading.current_thread().name == FOLLOWER:  # a handler of the signal that reads a result
            return
        mark, caught_up = uuid.uuid4().hex, threading.Event()
        self.marks[mark.encode()] = caught_up
        self.marker.echo(mark)
        if not caught_up.wait(CATCH_UP_SECONDS):
            raise TimeoutError(f"the signals of received tasks are late by more than {CATCH_UP_SECONDS:.0f} s")

    def follow_events(self, ready: Callable[[], None]) -> None:
        """The ids of tasks that succeeded stand where the embedded worker would put them."""
        subscription = Redis.from_url(self.app.conf.broker_url).pubsub()
        subscription.psubscribe(f"/{self.address.path.strip('/') or 0}.celeryev/task.*")
        for message in subscription.listen():
            if message["type"] == "psubscribe":
                ready()
                continue
            body = self.channel.message_to_python(json.loads(message["data"])).payload
            for event in body if isinstance(body, list) else [body]:
                if event["type"] == "task-succeeded":
                    worker_state.successful_requests.add(event["uuid"])

    def follow_messages(self, ready: Callable[[], None]) -> None:
        """Sends the signal `task_received` for each message that is put on the queue, by the test or by the worker."""
        queue = self.app.conf.task_default_queue.encode()
        for words in monitor.commands(self.address.hostname or "localhost", self.address.port or 6379):
            if not words:
                ready()
            elif words[0].upper() == b"ECHO" and words[1] in self.marks:
                self.marks.pop(words[1]).set()
            elif len(words) > 2 and words[0].upper() in (b"LPUSH", b"RPUSH") and words[1].split(b"\x06")[0] == queue:
                # Whoever published it comes to its next statement first, as with a worker that has to receive the message.
                time.sleep(0.001)
                for word in words[2:]:
                    self.announce(json.loads(word))

    def announce(self, envelope: dict) -> None:
        """Announces a message of protocol 2 once, however often it is put back."""
        tag = envelope["properties"].get("delivery_tag")
        task = self.app.tasks.get(envelope["headers"].get("task"))
        if task is None or tag in self.seen:
            return
        self.seen.add(tag)
        request = Request(self.channel.message_to_python(envelope), app=self.app, task=task)
        task_received.send(sender=self, request=request)


class ForgettingStamps(dict):
    """Stands in for the worker's table of revoked stamps: emptying it starts a worker that knows none."""

    def __init__(self, restart: Callable[[], None]) -> None:
        super().__init__()
        self.restart = restart

    def clear(self) -> None:
        """Forgets them where they are."""
        self.restart()


class WorkersProcess:
    """Stands in for the module `os` in a test that compares the worker's process id with its own."""

    def __init__(self, pid: Callable[[], int]) -> None:
        self.getpid = pid

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)
