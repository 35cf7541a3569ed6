"""Our client sends canvas to a Celery worker, which runs it to its end."""

from __future__ import annotations

import json

import pytest
from celery import Signature, chain, chord, group, signature, xmap, xstarmap
from conftest import Apium

pytestmark = pytest.mark.usefixtures("celery_worker")


def add(*args: int) -> Signature:
    """Adds what it is given and what comes."""
    return signature("python.add", args=args, queue="python")


def total() -> Signature:
    """Adds up a list."""
    return signature("python.total", queue="python")


def echo(*args: object) -> Signature:
    """Gives back what came."""
    return signature("python.echo", args=args, queue="python")


def typed(sig: Signature) -> Signature:
    """Says the type and queue of a map, which Celery leaves to the Python object."""
    sig["subtask_type"] = type(sig).__name__
    return sig.set(queue="python")


CANVASES = {
    "a task": (add(1, 2), 3),
    "a chain": (chain(add(1, 2), add(3), add(4)), 10),
    "a chain with an immutable step": (chain(add(1, 2), add(3, 4).set(immutable=True)), 7),
    "a group": (group(add(1, 1), add(2, 2)), [2, 4]),
    "a chord": (chord([add(1, 1), add(2, 2)], total()), 6),
    "a chord without a header": (chord([], total()), 0),
    "a chain that ends in a group": (chain(add(1, 1), group(add(1), add(2))), [3, 4]),
    "a chain with a group in the middle": (chain(add(1, 1), group(add(1), add(2)), total(), add(10)), 17),
    "two groups in a row": (chain(group(add(1, 1), add(2, 2)), group(total(), total()), total()), 12),
    "a chord in a chord": (chord([chord([add(1, 1), add(2, 2)], total()), add(3, 3)], total()), 12),
    "a chord with chains in its header": (chord([chain(add(1, 1), add(1)), chain(add(2, 2), add(2))], total()), 9),
    "a chord with a chain as its body": (chord([add(1, 1), add(2, 2)], chain(total(), add(1), add(2))), 9),
    "a chord with a group as its body": (chord([add(1, 1), add(2, 2)], group(total(), total())), [6, 6]),
    "a chord with a chain that ends in a group": (chord([chain(add(1, 1), group(add(1), add(2))), add(5, 5)], echo("last")), [[[[3, 4], 10], "last"], {}]),
    "a group of chords": (group(chord([add(1, 1), add(1, 1)], total()), chord([add(2, 2), add(2, 2)], total())), [4, 8]),
    "a group in a group": (group(add(1, 1), group(add(2, 2), add(3, 3))), [2, 4, 6]),
    "a map": (typed(xmap(total(), [[1, 2], [3, 4]])), [3, 7]),
    "a starmap": (typed(xstarmap(add(), [[1, 2], [3, 4]])), [3, 7]),
}


@pytest.mark.parametrize("name", CANVASES)
def test_the_value_is_what_celery_would_give(apium: Apium, name: str) -> None:
    """Sent by us, run by Celery, read by us."""
    canvas, expected = CANVASES[name]
    done = apium.run("send", json.dumps(canvas), "--wait", "30")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == expected


@pytest.mark.parametrize(
    "canvas",
    [
        chain(add(1, 1), signature("python.fail", args=("no",), queue="python", immutable=True), add(1)),
        chord([add(1, 1), signature("python.fail", args=("no",), queue="python")], total()),
    ],
)
def test_a_failure_on_the_way_is_the_failure_of_the_whole(apium: Apium, canvas: Signature) -> None:
    """The rest of a chain fails with it; a chord's body fails with its header."""
    done = apium.run("send", json.dumps(canvas), "--wait", "30")
    assert done.returncode == 1, done.stderr
    assert "no" in done.stdout


def test_arguments_go_to_the_first_step(apium: Apium) -> None:
    """As Celery's partials."""
    done = apium.run("send", json.dumps(chain(add(1), add(2))), "--args", "[10]", "--wait", "30")
    assert (done.returncode, done.stdout.strip()) == (0, "13"), done.stderr
