"""Random canvases, built and sent by Celery, run by our worker: they come to what a simple evaluator says."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from celery import Celery, Signature, chain, chord, group
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.usefixtures("swift_worker")


@dataclass(frozen=True)
class Leaf:
    """A call of `interop.echo`, which answers what it was given."""

    number: int
    immutable: bool

    def value(self, *given: object) -> object:
        """What it comes to."""
        return [[*([] if self.immutable else given), self.number], {}]

    def signature(self, app: Celery) -> Signature:
        """As Celery sends it."""
        return app.signature("interop.echo", args=(self.number,), immutable=self.immutable, queue="swift")


@dataclass(frozen=True)
class Chain:
    """Steps, each of which is given what the one before came to."""

    steps: list

    def value(self, *given: object) -> object:
        """What it comes to."""
        for step in self.steps:
            given = (step.value(*given),)
        return given[0]

    def signature(self, app: Celery) -> Signature:
        """As Celery sends it."""
        return chain(*(step.signature(app) for step in self.steps))


@dataclass(frozen=True)
class Group:
    """Members side by side; two at least, because in a chain a group of one stands for its member."""

    members: list

    def value(self, *given: object) -> object:
        """What it comes to."""
        return [member.value(*given) for member in self.members]

    def signature(self, app: Celery) -> Signature:
        """As Celery sends it."""
        return group(member.signature(app) for member in self.members)


@dataclass(frozen=True)
class Chord:
    """A header, and a body that is given the list of what it came to."""

    header: list
    body: object = field()

    def value(self, *given: object) -> object:
        """What it comes to."""
        return self.body.value([member.value(*given) for member in self.header])

    def signature(self, app: Celery) -> Signature:
        """As Celery sends it."""
        return chord([member.signature(app) for member in self.header], self.body.signature(app))


leaves = st.builds(Leaf, st.integers(0, 99), st.booleans())


def canvases(depth: int, groups: bool = True) -> st.SearchStrategy:
    """Canvases of so many levels at most. Groups stand in chains and as bodies: Celery dissolves those that stand in groups."""
    if not depth:
        return leaves
    anything, members = canvases(depth - 1), canvases(depth - 1, groups=False)
    forms = [
        leaves,
        st.builds(Chain, st.lists(anything, min_size=2, max_size=3)),
        st.builds(Chord, st.lists(members, min_size=1, max_size=3), anything),
    ]
    if groups:
        forms.append(st.builds(Group, st.lists(members, min_size=2, max_size=3)))
    return st.one_of(forms)


@settings(max_examples=60, deadline=None, database=None, print_blob=True, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(canvas=canvases(3))
def test_a_canvas_comes_to_what_it_should(app: Celery, canvas: object) -> None:
    """Chains, groups and chords in each other."""
    assert canvas.signature(app).apply_async().get(timeout=15) == canvas.value()
