# ruff: noqa: ANN001, ANN002, ANN003, ANN201, ANN202, ANN204, D101, D102, D103 - run by hand, to make the captures again
"""Writes canvas.json: canvases, and what Celery itself makes of them.

    pip install "celery[redis]==5.7.0"
    python capture_canvas.py > canvas.json

Nothing runs and no server is needed: messages are taken where the in-memory transport would queue them, chord sizes and saved
groups where the Redis backend would write them. Ids are id-1-1, id-1-2, ... and the clock stands still, so that a second run writes
the same file.
"""

import contextlib
import itertools
import json
import sys
from datetime import datetime, timezone

import celery.app.base
import celery.app.task
import celery.canvas
import kombu.utils.uuid
from celery import Celery, chain, chord, chunks, group, signature, xmap, xstarmap
from celery._state import _task_stack
from celery.backends.redis import RedisBackend
from celery.canvas import StampingVisitor, _chain
from celery.exceptions import Ignore
from kombu.utils.json import dumps

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone.utc)

app = Celery("capture", broker="memory://", backend="redis://localhost:1/0")
app.set_default()
app.now = lambda: NOW
app.conf.task_default_queue = "celery"


@app.task(name="t.parent", bind=True)
def parent(self):
    pass


class Recorder:
    def __init__(self):
        self.runs = 0
        self.reset()

    def reset(self):
        self.runs += 1
        self.messages, self.chords, self.saved = [], [], {}
        counter = itertools.count(1)
        self.make = lambda: f"id-{self.runs}-{next(counter)}"


recorder = Recorder()
for module in (celery.canvas, celery.app.base, celery.app.task, kombu.utils.uuid):
    if hasattr(module, "uuid"):
        module.uuid = lambda: recorder.make()


def put(channel, queue, message, **kwargs):
    recorder.messages.append((queue, message))


from kombu.transport import memory  # noqa: E402

memory.Channel._put = put


def set_chord_size(self, group_id, size):
    saved = recorder.saved.get(group_id)
    recorder.chords.append({"group": group_id, "size": size, "saved": saved})


def set_chord_key(self, key, value):
    key = key.decode() if isinstance(key, bytes) else key
    group_id = key.rpartition("celery-taskset-meta-")[2]
    recorder.saved[group_id] = json.loads(value)["result"]


RedisBackend.set_chord_size = set_chord_size
RedisBackend._set_chord_key = set_chord_key
RedisBackend.on_task_call = lambda self, producer, task_id: None
RedisBackend.add_to_chord = lambda self, group_id, result: recorder.chords.append({"group": group_id, "more": 1})
RedisBackend.add_pending_result = lambda self, result, weak=False, start_drainer=True: result
RedisBackend.remove_pending_result = lambda self, result: result


def message(queue, envelope):
    import base64

    headers = {k: v for k, v in envelope["headers"].items() if k not in ("lang", "origin", "argsrepr", "kwargsrepr")}
    properties = envelope["properties"]
    known = {"correlation_id", "reply_to", "delivery_mode", "delivery_info", "body_encoding", "delivery_tag"}
    return {
        "queue": queue,
        "headers": headers,
        "properties": {k: v for k, v in properties.items() if k not in known},
        "body": json.loads(base64.b64decode(envelope["body"])),
    }


def plain(value):
    """The value as JSON has it, without what differs from thread to thread."""

    def strip(value):
        if isinstance(value, dict):
            # Celery keeps stamp names in sets, so their order is of no account.
            return {k: sorted(v) if k == "stamped_headers" and v else strip(v) for k, v in value.items() if k != "reply_to"}
        return [strip(v) for v in value] if isinstance(value, list) else value

    return strip(json.loads(dumps(value)))


def typed(sig):
    """The signature with its type, which Celery itself leaves out of maps and chunks."""
    value = plain(sig)
    if type(sig) in (xmap, xstarmap, chunks):
        value["subtask_type"] = type(sig).__name__
    return value


cases = []


def finish(case, result, children=None):
    case["messages"] = [plain(message(*m)) for m in recorder.messages]
    case["chords"] = plain(recorder.chords)
    if result is not None:
        case["result"] = plain(result.as_tuple())
    if children is not None:
        case["children"] = plain([child.as_tuple() for child in children])
    cases.append(case)


def send(name, sig, args=(), kwargs=None, **options):
    """What a client sends."""
    recorder.reset()
    case = {"name": name, "kind": "send", "signature": typed(sig), "args": plain(list(args)), "kwargs": plain(kwargs or {}), "options": plain(options)}
    finish(case, sig.apply_async(tuple(args), kwargs or {}, **options))


class Running:
    """A task while it runs."""

    def __init__(self, **request):
        self.request = {"id": "own", "root_id": "root", "parent_id": "above", "delivery_info": {}, **request}

    def __enter__(self):
        parent.push_request(called_directly=False, children=[], **self.request)
        _task_stack.push(parent)
        return parent

    def __exit__(self, *exc):
        self.children = parent.request.children
        _task_stack.pop()
        parent.pop_request()


def inside(name, sig, args=(), **options):
    """What a worker sends of a signature while it runs a task: callbacks, chain steps, chord bodies."""
    recorder.reset()
    sig = plain(sig)
    case = {"name": name, "kind": "inside", "signature": sig, "args": plain(list(args)), "kwargs": {}, "options": plain(options)}
    running = Running()
    with running:
        result = signature(json.loads(json.dumps(sig)), app=app).apply_async(tuple(args), **options)
    finish(case, result, running.children)


def replacing(name, sig, **request):
    recorder.reset()
    case = {"name": name, "kind": "replace", "signature": plain(sig), "request": plain(request)}
    running = Running(**request)
    with running as task, contextlib.suppress(Ignore):
        task.replace(sig)
    finish(case, None, running.children)


def adding(name, sig, **request):
    recorder.reset()
    case = {"name": name, "kind": "add", "signature": plain(sig), "request": plain(request)}
    running = Running(**request)
    with running as task:
        result = task.add_to_chord(sig)
    finish(case, result, running.children)


def joining(name, *parts):
    """What | makes of signatures."""
    result = parts[0]
    sides = [plain(part) for part in parts]
    for part in parts[1:]:
        result = result | part
    cases.append({"name": name, "kind": "join", "parts": sides, "signature": plain(result)})


class Stamp(StampingVisitor):
    def on_signature(self, sig, **headers):
        return {"seen": sig.task}

    def on_group_start(self, sig, **headers):
        return {"in_group": True}

    def on_chain_start(self, sig, **headers):
        return {"in_chain": True}

    def on_chord_header_start(self, sig, **headers):
        return {"in_header": 1}

    def on_chord_body(self, sig, **headers):
        return {"in_body": "yes"}

    def on_callback(self, sig, **headers):
        return {"callback": True}

    def on_errback(self, sig, **headers):
        return {"errback": True}


def stamping(name, sig, visitor, append=False, **headers):
    case = {"name": name, "kind": "stamp", "visitor": visitor is not None, "append": append, "headers": headers, "before": plain(sig)}
    sig.stamp(visitor, append_stamps=append, **headers)
    case["after"] = plain(sig)
    cases.append(case)


def s(task, *args, **kwargs):
    return signature(f"t.{task}", args=args, kwargs=kwargs)


def si(task, *args, **kwargs):
    return signature(f"t.{task}", args=args, kwargs=kwargs, immutable=True)


def options(sig, **values):
    sig.set(**values)
    return sig


def linked(sig, *callbacks, errors=()):
    for callback in callbacks:
        sig.link(callback)
    for errback in errors:
        sig.link_error(errback)
    return sig


# One task.
send("a task", s("add", 1, 2, z=3))
send("a task with arguments in front", s("add", 2, a=1), (1,), {"b": 2})
send("an immutable task keeps its own arguments", si("add", 2, a=1), (1,), {"b": 2})
send(
    "options of a task",
    options(
        s("add", 1),
        queue="other",
        priority=6,
        countdown=10,
        expires=60,
        time_limit=30,
        soft_time_limit=20.5,
        shadow="alias",
        ignore_result=True,
        headers={"x-custom": "1"},
        app_id="me",
        task_id="mine",
        retries=2,
    ),
)
send("options at the call take the place of own ones", options(s("add", 1), priority=1, queue="a"), priority=9, queue=None, countdown=5)
send("an eta as text", options(s("add"), eta="2026-01-02T03:05:05+00:00", expires="2026-01-02T04:00:00+00:00"))
send("callbacks and errbacks", linked(s("add", 1), s("log"), si("log", 1), errors=[s("oops")]))
send("a callback with callbacks of its own", linked(s("add", 1), linked(s("log"), linked(s("more"), s("most")))))
send("stamps of a task", options(s("add", 1), stamped_headers=["monitor"], monitor="id", other=5))
send("own stamps are kept at the call", options(s("add", 1), stamped_headers=["monitor"], monitor="id"), monitor="new", stamped_headers=["monitor", "x"], x=1)

# Chains.
send("a chain", chain(s("a", 1), s("b"), s("c", 3)))
send("a chain with arguments in front", chain(s("a", 1), s("b"), s("c", 3)), (7,), {"k": 1})
send("a chain with a link and an errback", linked(chain(s("a", 1), s("b"), s("c")), s("done"), errors=[s("oops")]))
send("a chain with links at each step", chain(linked(s("a"), s("la")), linked(s("b"), s("lb"), errors=[s("eb")]), linked(s("c"), s("lc"))))
send("a chain with options", options(chain(s("a"), s("b")), queue="q", priority=3, task_id="the-end"))
send("a chain with a countdown", chain(s("a"), s("b")), countdown=5)
send("a chain of one", _chain([s("a", 1)]))
send("a chain in a chain", _chain([s("a"), _chain([s("b"), s("c")]), s("d")]))
send("a chain that begins with a chain", _chain([_chain([s("a"), s("b")]), s("c")]), (5,))
send("a chain of immutables", chain(si("a"), si("b", 1), s("c")))
send("a chain with an empty group", _chain([s("a"), group([]), s("b")]))
send("a chain that begins with an empty group", _chain([group([]), s("a"), s("b")]), (4,))
send("a chain of an empty group alone", _chain([group([])]))
send("a chain that ends in a group", chain(s("a"), group(s("b"), s("c"))))
send("a chain that ends in a group of one", _chain([s("a"), group([s("b")])]))
send("a chain with a group in the middle", chain(s("a"), group(s("b"), s("c")), s("d")))
send("a chain with a group in the middle, not upgraded", _chain([s("a"), group([s("b"), s("c")]), s("d"), s("e")]))
send("a chain that begins with a group", _chain([group([s("b"), s("c")]), s("d"), s("e")]))
send("a chain of two groups", _chain([group([s("a"), s("b")]), group([s("c"), s("d")])]))
send("a chain of groups and tasks", _chain([group([s("a"), s("b")]), s("c"), group([s("d"), s("e")]), s("f")]))
send("a chain of three groups", _chain([group([s("a"), s("b")]), group([s("c"), s("d")]), group([s("e"), s("f")])]))
send("a chain with a chord in the middle", _chain([s("a"), chord([s("b"), s("c")], s("d")), s("e")]))
send("a chain of two chords", _chain([chord([s("a"), s("b")], s("c")), chord([s("d"), s("e")], s("f"))]))
send("a chain with a chord that has a chain as its body", _chain([s("a"), chord([s("b"), s("c")], _chain([s("d"), s("e")])), s("f")]))
send("a chain with errbacks over groups", linked(_chain([group([s("a"), s("b")]), s("c"), s("d")]), s("done"), errors=[s("oops")]))
send("a chain with stamped steps", chain(options(s("a"), stamped_headers=["m"], m=1), options(s("b"), stamped_headers=["m"], m=[2, 3])))

# Groups.
send("a group", group(s("a", 1), s("b", 2)))
send("a group with arguments in front", group(s("a", 1), si("b", 2)), (9,), {"k": 1})
send("an empty group", group([]))
send("a group in a group", group([s("a"), group([s("b"), s("c")]), s("d")]))
send("groups in groups", group([group([s("a"), group([s("b"), s("c")])]), s("d"), group([s("e"), s("f")])]))
send("a group of chains", group(chain(s("a"), s("b")), chain(s("c"), s("d"), s("e"))))
send("a group with an empty chain", group([_chain([]), s("a"), s("b")]))
send("a group of chords", group([chord([s("a"), s("b")], s("c")), chord([s("d"), s("e")], s("f"))]))
send("a group of one chain that ends in a group", group([chain(s("a"), group(s("b"), s("c")))]))
send("a group of chains that end in groups", group([chain(s("a"), group(s("b"), s("c"))), s("d")]))
send("a group with options", options(group(options(s("a"), priority=2), s("b")), queue="q", priority=5))
send("a group with a countdown at the call", group(s("a"), s("b")), countdown=4, task_id="the-group")
send("a group with links at its members", group(linked(s("a"), s("la"), errors=[s("ea")]), linked(s("b"), s("lb"))))
send("a group that was linked", linked(group(s("a"), s("b")), s("done"), errors=[s("oops")]))

# Chords.
send("a chord", chord([s("a", 1), s("b", 2)], s("sum")))
send("a chord with arguments in front", chord([s("a", 1), si("b", 2)], s("sum", 5)), (9,), {"k": 1})
send("a chord over a group", chord(group(s("a", 1), s("b", 2)), s("sum")))
send("a chord without a header", chord([], s("sum", 1)))
send("a chord with an immutable body", chord([s("a"), s("b")], si("sum", 1)))
send("a chord with a chain as its body", chord([s("a"), s("b")], chain(s("c"), s("d"), s("e"))))
send("a chord with a group as its body", chord([s("a"), s("b")], group(s("c"), s("d"))))
send("a chord with a chord as its body", chord([s("a"), s("b")], chord([s("c"), s("d")], s("e"))))
send("a chord with a body that is a chain ending in a group", chord([s("a"), s("b")], chain(s("c"), group(s("d"), s("e")))))
send("a chord with a body that is a chain with a chord", chord([s("a"), s("b")], _chain([s("c"), chord([s("d"), s("e")], s("f")), s("g")])))
send("a chord with chains in its header", chord([chain(s("a"), s("b")), chain(s("c"), s("d"))], s("sum")))
send("a chord with groups in its header", chord([group([s("a"), s("b")]), s("c"), group([s("d"), s("e")])], s("sum")))
send("a chord with chords in its header", chord([chord([s("a"), s("b")], s("c")), chord([s("d"), s("e")], s("f"))], s("sum")))
send("a chord with chains that end in groups in its header", chord([chain(s("a"), group(s("b"), s("c"))), s("d")], s("sum")))
send("a chord with chords that have groups as bodies", chord([chord([s("a"), s("b")], group(s("c"), s("d"))), s("e")], s("sum")))
send("a chord in a chord in a chord", chord([chord([chord([s("a"), s("b")], s("c")), s("d")], s("e")), s("f")], s("g")))
send("a chord with a chain with a chord in its header", chord([_chain([s("a"), chord([s("b"), s("c")], s("d")), s("e")]), s("f")], s("g")))
send("a chord with options", options(chord([s("a"), s("b")], s("c")), queue="q", priority=5))
send("a chord with a countdown", options(chord([s("a"), s("b")], s("c")), countdown=5))
send("a chord with a countdown at the call", chord([s("a"), s("b")], s("c")), countdown=5, priority=3, task_id="the-body")
send("a chord that was linked", linked(chord([s("a"), s("b")], linked(s("c"), s("own"))), s("done"), errors=[s("oops")]))
send("a chord with links in its options", options(chord([s("a"), s("b")], s("c")), link=[s("done")], link_error=[s("oops")]))
send("a chord with errbacks in its options over a group", options(chord([s("a"), s("b")], group(s("c"), s("d"))), link_error=[s("oops")]))
send("a chord with links on its members", chord([linked(s("a"), s("la")), linked(s("b"), errors=[s("eb")])], s("c")))
send("a chord with stamps", chord([options(s("a"), stamped_headers=["m"], m=1), s("b")], options(s("c"), stamped_headers=["m"], m=2)))
send("group or task", group(s("a"), s("b")) | s("c"))
send("group or task or group", group(s("a"), s("b")) | s("c") | group(s("d"), s("e")))
send("group or group or task", group(s("a"), s("b")) | group(s("c"), s("d")) | s("e"))
send("chord or chord", chord([s("a"), s("b")], s("c")) | chord([s("d"), s("e")], s("f")))
send("task or chord or task", s("z") | chord([s("a"), s("b")], s("c")) | s("d"))

# Maps.
send("a map", xmap(s("a"), [1, 2, 3]))
send("a starmap", xstarmap(s("a"), [[1, 2], [3, 4]]))
send("chunks", chunks(s("a"), [[1, 2], [3, 4], [5, 6]], 2))
send("a map in a chain", chain(s("z"), xmap(s("a"), [1, 2])))
send("a group of maps", group(xmap(s("a"), [1]), xstarmap(s("b"), [[2, 3]])))

# What a worker sends.
FROM = {"parent_id": "own", "root_id": "root"}
inside("a callback", s("log", 2), (7,), **FROM)
inside("a callback that is a chain", chain(s("a", 1), s("b"), s("c")), (7,), **FROM)
inside("a callback that is a group", group(s("a", 1), si("b", 2)), (7,), **FROM)
inside("a callback that is a chord", chord([s("a", 1), s("b")], s("c")), (7,), **FROM)
inside("several callbacks", group([s("a", 1), chain(s("b"), s("c")), chord([s("d"), s("e")], s("f"))]), (7,), **FROM)
inside("errbacks", group([s("oops", 1), si("oops", 2)]), ("failed",), parent_id="failed", root_id="root")
inside("a task sent from a task", chain(s("a"), s("b")))
inside("a group sent from a task", group(s("a"), chain(s("b"), s("c"))))
inside("a chord sent from a task", chord([s("a"), s("b")], s("c")))
inside("a chain with a group sent from a task", _chain([s("a"), group([s("b"), s("c")]), s("d")]))


def steps(canvas):
    """The chain of the first message of a canvas, as a worker finds it."""
    recorder.reset()
    canvas.apply_async()
    return plain(message(*recorder.messages[0]))["body"][2]


def following(name, canvas, rounds=1):
    """Takes the steps of a chain one after another, as workers do."""
    embed = steps(canvas)
    for number in range(rounds):
        rest = embed["chain"]
        inside(f"{name}, step {number + 2}", rest[-1], ([1] if number else 0,), chain=rest[:-1], **FROM)
        messages = cases[-1]["messages"]
        embed = messages[0]["body"][2]
        if not embed["chain"]:
            body = embed["chord"]
            if body:
                inside(f"{name}, body of step {number + 2}", body, ([1, 2],))
            break


following("a chain of tasks", chain(s("a"), s("b"), s("c")), 2)
following("a chain with a group in the middle", _chain([s("a"), group([s("b"), s("c")]), s("d"), s("e")]))
following("a chain that ends in a group", _chain([s("a"), group([s("b"), s("c")])]))
following("a chain with a chord in the middle", _chain([s("a"), chord([s("b"), s("c")], s("d")), s("e")]))
following("a chain with two groups", _chain([s("z"), group([s("a"), s("b")]), group([s("c"), s("d")]), s("e")]))
following("a chain with a chord with a chain as its body", _chain([s("z"), chord([s("a"), s("b")], _chain([s("c"), s("d")])), s("e")]))
following("a chain with a chord in a chord", _chain([s("z"), chord([chord([s("a"), s("b")], s("c")), s("d")], s("e"))]))


def body_of(name, canvas):
    """Sends the body of a chord, as the worker of the last part does."""
    recorder.reset()
    canvas.apply_async()
    body = plain(message(*recorder.messages[0]))["body"][2]["chord"]
    inside(name, body, ([1, 2],))


body_of("the body of a chord", chord([s("a"), s("b")], s("c")))
body_of("a body that is a chain", chord([s("a"), s("b")], chain(s("c"), s("d"))))
body_of("a body that is a group", chord([s("a"), s("b")], group(s("c"), s("d"))))
body_of("a body that is a chord", chord([s("a"), s("b")], chord([s("c"), s("d")], s("e"))))
body_of("a body that ends in a group", chord([s("a"), s("b")], chain(s("c"), group(s("d"), s("e")))))
body_of("a body with a chord in its chain", chord([s("a"), s("b")], _chain([s("c"), chord([s("d"), s("e")], s("f")), s("g")])))

# Replacing.
PLACE = {"group": "the-group", "group_index": 3, "chord": plain(options(s("body"), task_id="the-body"))}
REST = [plain(options(s("later"), task_id="later-id")), plain(options(s("next"), task_id="next-id"))]
replacing("replaced by a task", s("new", 1))
replacing("replaced by a task in a chord", s("new", 1), **PLACE)
replacing("replaced by a task in a chain", s("new", 1), chain=REST)
replacing("replaced by a chain", chain(s("a"), s("b")))
replacing("replaced by a chain in a chord", chain(s("a"), s("b")), **PLACE)
replacing("replaced by a chain in a chain", chain(s("a"), s("b")), chain=REST)
replacing("replaced by a group", group(s("a"), s("b")))
replacing("replaced by a group in a chord", group(s("a"), s("b")), **PLACE)
replacing("replaced by a group in a chain", group(s("a"), s("b")), chain=REST)
replacing("replaced by a chord in a chord", chord([s("a"), s("b")], s("c")), **PLACE)
replacing("replaced by a chain that ends in a group", chain(s("a"), group(s("b"), s("c"))))
replacing("replaced by a chain that ends in a group, in a chain", chain(s("a"), group(s("b"), s("c"))), chain=REST)
replacing("replaced with links", linked(s("new"), s("own")), callbacks=[plain(s("done"))], errbacks=[plain(s("oops"))])
replacing("replaced by a chain with links", chain(s("a"), s("b")), callbacks=[plain(s("done"))], errbacks=[plain(s("oops"))], chain=REST)
replacing("replaced by a group with links", group(s("a"), s("b")), callbacks=[plain(s("done"))], errbacks=[plain(s("oops"))])
replacing("replaced again", s("new"), replaced_task_nesting=4)

# Adding to a chord.
adding("a task added to a chord", s("more", 1), **PLACE)
adding("a chain added to a chord", chain(s("a"), s("b")), **PLACE)
adding("a chord added to a chord", chord([s("a"), s("b")], s("c")), **PLACE)

# Operators.
T = lambda: s("t")  # noqa: E731
joining("task | task", T(), T())
joining("task | chain", T(), chain(s("a"), s("b")))
joining("chain | task", chain(s("a"), s("b")), T())
joining("chain | chain", chain(s("a"), s("b")), chain(s("c"), s("d")))
joining("linked chain | chain", linked(chain(s("a"), s("b")), s("l"), errors=[s("e")]), linked(chain(s("c"), s("d")), s("m"), errors=[s("f")]))
joining("task | group", T(), group(s("a"), s("b")))
joining("task | group of one", T(), group(s("a")))
joining("group | task", group(s("a"), s("b")), T())
joining("group | group", group(s("a"), s("b")), group(s("c"), s("d")))
joining("group | chain", group(s("a"), s("b")), chain(s("c"), s("d")))
joining("group | chord", group(s("a"), s("b")), chord([s("c"), s("d")], s("e")))
joining("chord | task", chord([s("a"), s("b")], s("c")), T())
joining("chord | group", chord([s("a"), s("b")], s("c")), group(s("d"), s("e")))
joining("chord | group of one", chord([s("a"), s("b")], s("c")), group(s("d")))
joining("chord | chain", chord([s("a"), s("b")], s("c")), chain(s("d"), s("e")))
joining("chord | chord", chord([s("a"), s("b")], s("c")), chord([s("d"), s("e")], s("f")))
joining("chain with group | task", chain(s("z"), group(s("a"), s("b"))), T())
joining("chain with group | group", chain(s("z"), group(s("a"), s("b"))), group(s("c"), s("d")))
joining("chain with chord | task", s("z") | chord([s("a"), s("b")], s("c")), T())
joining("chain with chord | chord", s("z") | chord([s("a"), s("b")], s("c")), chord([s("d"), s("e")], s("f")))
joining("chain with chord | group", s("z") | chord([s("a"), s("b")], s("c")), group(s("d"), s("e")))
joining("chain with chord and group | task", s("z") | chord([s("a"), s("b")], s("c")) | group(s("d"), s("e")), T())
joining("chain | empty group", chain(s("a"), s("b")), group([]))

# Stamps.
stamping("a task stamped", s("a", 1), None, monitor="x")
stamping("a task stamped twice", options(s("a"), stamped_headers=["m"], m=1), None, m=2)
stamping("a task stamped twice, appending", options(s("a"), stamped_headers=["m"], m=1), None, append=True, m=2)
stamping("a task by a visitor", linked(s("a", 1), s("l"), errors=[s("e")]), Stamp())
stamping("a chain by a visitor", chain(s("a"), s("b")), Stamp())
stamping("a group by a visitor", group(s("a"), s("b")), Stamp())
stamping("a chord by a visitor", chord([s("a"), s("b")], s("c")), Stamp())
stamping("a nested canvas by a visitor", _chain([s("a"), chord([chain(s("b"), s("c")), s("d")], group(s("e"), s("f")))]), Stamp(), x=1)

head = json.dumps({"celery": celery.__version__, "now": NOW.isoformat()})
lines = (json.dumps(case, sort_keys=True, separators=(",", ":")) for case in cases)
sys.stdout.write(head[:-1] + ', "cases": [\n' + ",\n".join(lines) + "\n]}\n")
