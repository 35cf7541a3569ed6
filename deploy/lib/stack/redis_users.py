"""Redis users, one for each kind of process, each with the commands and keys that it needs and no more (docs/security.md)."""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

# What a connection does before anything else: its database, its name, its number.
CONNECT = "ping select client|setname client|id"
# A worker ends its own broken and waiting connections on the server's side too.
RECOVER = "client|list client|kill client|unblock"
# Scripts are sent by hash, and by their text where the server lacks them. What they call is checked like any other command.
SCRIPTS = "evalsha eval"
SERVER = "info time"
READ = (
    "exists type pttl get mget llen lindex lrange lpos hget hmget hgetall hkeys hexists hlen smembers sismember "
    "zcard zcount zscore zrange zrangebyscore zrevrange zrevrangebyscore xrevrange"
)
WRITE = (
    "set setrange incr incrby del expire pexpire pexpireat persist lpush rpush lpop rpop ltrim lset linsert lrem "
    "hset hsetnx hdel hincrby sadd srem zadd zrem zremrangebyscore xadd xdel"
)
BEAT_READ = "exists get hget hmget hgetall hkeys llen smembers xrevrange"
BEAT_WRITE = "set del expire pexpire persist lpush rpush hset hdel hincrby sadd zadd xadd xdel"
PUBLISH = "publish"
SUBSCRIBE = "subscribe unsubscribe psubscribe punsubscribe"
TRANSACTION = "multi exec"
CLAIM = "lmove blmove"
# An enqueue that asks for a replica's confirmation; waitaof is of Redis 7.2, and named by who uses it.
CONFIRM = "wait"
# What all keys of a server are like: for who looks at the whole.
SURVEY = "scan role"
# Celery's own workers (kombu, redis-py); on Redis 7.2 redis-py also asks for client|setinfo, and goes on without it.
CELERY = "script|load script|exists brpop llen watch unwatch ttl setex zrevrangebyscore"

# Keys by what they are for; the queues and the prefix are the deployment's.
ENGINE = ("apium:*",)
BEAT = ("apium:beat:*", "apium:schedule:*")
SCHEDULED = ("apium:scheduled", "apium:scheduled:messages")
RESULTS = ("celery-task-meta-*", "celery-taskset-meta-*")
KOMBU = ("_kombu.binding.*", "_kombu.binding_permanent.*", "_kombu.binding_deadlines")
UNACKED = ("unacked", "unacked_index", "unacked_mutex")
REPLIES = ("*.reply.celery.pidbox",)


@dataclass(frozen=True)
class Deployment:
    """What differs between deployments."""

    queues: tuple[str, ...] = ("interactive", "checks", "notifications", "celery")
    prefix: str = ""
    database: int = 0

    def ready(self) -> list[str]:
        """The lists of the queues: a queue's own, and one for each step of priority."""
        return [pattern for queue in self.queues for pattern in (queue, f"{queue}\x06\x16*")]

    def channel(self, name: str) -> str:
        """A channel of kombu's, which bears the database's number."""
        return f"/{self.database}.{name}"


@dataclass(frozen=True)
class User:
    """What one kind of process may do."""

    name: str
    purpose: str
    commands: tuple[str, ...]
    keys: tuple[str, ...] = ()
    read_keys: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    has_queues: bool = True
    more: tuple[str, ...] = field(default=())

    def rule(self, deployment: Deployment, password: str) -> str:
        """The user's line in an ACL file."""
        ready = deployment.ready() if self.has_queues else []
        keys = [f"~{'' if key == '*' else deployment.prefix}{key}" for key in (*self.keys, *ready)]
        keys += [f"%R~{'' if key == '*' else deployment.prefix}{key}" for key in self.read_keys]
        channels = [f"&{deployment.prefix}{self.channel(name, deployment)}" for name in self.channels]
        commands = list(dict.fromkeys(word for group in (*self.commands, *self.more) for word in group.split()))
        words = ["user", self.name, "on", password, "resetkeys", "resetchannels", *keys, *channels, "-@all", *(f"+{word}" for word in commands)]
        return " ".join(words)

    @staticmethod
    def channel(name: str, deployment: Deployment) -> str:
        """Kombu's begin with a slash."""
        return deployment.channel(name[1:]) if name.startswith("/") else name


CONTROL_CHANNEL = "/celery.pidbox"
EVENT_CHANNELS = "/celeryev/*"
OWN_CHANNELS = ("apium:*", *RESULTS)
WORKER_COMMANDS = (CONNECT, RECOVER, SCRIPTS, SERVER, READ, WRITE, PUBLISH, SUBSCRIBE, TRANSACTION, CLAIM, CONFIRM)
WORKER_KEYS = (*ENGINE, *RESULTS, *KOMBU, *UNACKED, *REPLIES)
WORKER_CHANNELS = (*OWN_CHANNELS, CONTROL_CHANNEL, EVENT_CHANNELS)

USERS = (
    User("worker", "claims, runs and ends jobs, and does the duties that workers share", WORKER_COMMANDS, WORKER_KEYS, channels=WORKER_CHANNELS),
    User("bot", "a worker of the notifications; it shares the duties, so its keys are a worker's", WORKER_COMMANDS, WORKER_KEYS, channels=WORKER_CHANNELS),
    User(
        "api",
        "enqueues, awaits and cancels jobs; the admin looks at them, edits and repairs them; no claims, no connections of others",
        (CONNECT, SCRIPTS, SERVER, READ, WRITE, PUBLISH, SUBSCRIBE, TRANSACTION, CONFIRM, SURVEY),
        (*ENGINE, *RESULTS, *KOMBU, *UNACKED, *REPLIES),
        channels=(*OWN_CHANNELS, CONTROL_CHANNEL),
    ),
    User(
        "beat",
        "turns slots of the schedule into jobs",
        (CONNECT, SCRIPTS, SERVER, BEAT_READ, BEAT_WRITE, PUBLISH, SUBSCRIBE, TRANSACTION),
        (*BEAT, *SCHEDULED, "apium:control", "apium:revoked", "apium:terminated", "_kombu.binding.*", "_kombu.binding_permanent.*"),
        read_keys=("apium:version", "celery-task-meta-*"),
        channels=("apium:*",),
    ),
    User(
        "monitor",
        "looks, and changes nothing: apium's reading commands, exporters, events",
        # Without a command that writes: Redis takes the keys of every script for keys that are written, so reading alone would be too little.
        (CONNECT, SCRIPTS, SERVER, READ, SURVEY, SUBSCRIBE, TRANSACTION),
        ("*",),
        channels=(*OWN_CHANNELS, EVENT_CHANNELS),
        has_queues=False,
    ),
    User(
        "operator",
        "apium's commands, all of them: repair, purge, remote control",
        (CONNECT, SCRIPTS, SERVER, "config|get", READ, WRITE, PUBLISH, SUBSCRIBE, TRANSACTION, CONFIRM, SURVEY),
        WORKER_KEYS,
        read_keys=("*",),
        channels=WORKER_CHANNELS,
    ),
    User(
        "celery",
        "Celery's own workers and clients beside ours, also `celery inspect` and Flower; nothing of apium's own",
        (CONNECT, SCRIPTS, SERVER, READ, WRITE, PUBLISH, SUBSCRIBE, TRANSACTION, CELERY),
        (*RESULTS, *KOMBU, *UNACKED, "*.celery.pidbox*", "celeryev.*"),
        channels=(*RESULTS, CONTROL_CHANNEL, EVENT_CHANNELS, "/celeryev/worker.*", "/celeryev/#"),
    ),
)

# The processes of PriceWatch, in the containers and of deploy/up.
PROCESSES = ("api", "worker", "beat", "bot")


def lines(deployment: Deployment, passwords: Mapping[str, str], names: Iterable[str] | None = None) -> list[str]:
    """The lines of an ACL file, for these users or for all whose password is known."""
    return [user.rule(deployment, passwords[user.name]) for user in USERS if user.name in (passwords if names is None else names)]


def hashed(password: str) -> str:
    """A password as an ACL file keeps it: nobody reads it back from there."""
    return "#" + hashlib.sha256(password.encode()).hexdigest()


def template(deployment: Deployment, names: Iterable[str]) -> str:
    """The file deploy/redis-users.acl: a place for each password's hash, `${WORKER}` for the user worker."""
    text = "\n".join(lines(deployment, {name: f"#${{{name.upper()}}}" for name in names}))
    return f"{text}\n"


def main() -> int:
    """Prints the users whose passwords are in the environment."""
    parser = argparse.ArgumentParser(prog="deploy/redis-acl", description="Print Redis users as lines of an ACL file; `--set` as commands for redis-cli.")
    parser.add_argument("users", nargs="*", metavar="USER", help=f"{', '.join(user.name for user in USERS)}; default: all")
    parser.add_argument("--queue", action="append", metavar="NAME", help="a queue; more than once. Default: those of PriceWatch, and celery")
    parser.add_argument("--prefix", default="", help="the broker's global_keyprefix")
    parser.add_argument("--database", type=int, default=0, help="the database's number")
    parser.add_argument("--set", action="store_true", help="commands ACL SETUSER")
    parser.add_argument("--template", action="store_true", help="the file deploy/redis-users.acl, which the containers fill")
    parser.add_argument("--describe", action="store_true", help="what each user is for")
    options = parser.parse_args()
    known = {user.name: user for user in USERS}
    if unknown := [name for name in options.users if name not in known]:
        parser.error(f"there is no user {', '.join(unknown)}; there are {', '.join(known)}")
    names = options.users or list(known)
    if options.describe:
        print("\n".join(f"{name}: {known[name].purpose}" for name in names))
        return 0
    if any(character.isspace() for name in (options.queue or []) for character in name):
        parser.error("a queue whose name has blanks cannot stand in an ACL file")
    if options.template:
        sys.stdout.write(template(Deployment(), (*PROCESSES, "monitor", "operator")))
        return 0
    variables = {name: f"REDIS_{name.upper()}_PASSWORD" for name in names}
    if missing := [variable for variable in variables.values() if not os.environ.get(variable)]:
        parser.error(f"set {', '.join(missing)} in the environment: the users' passwords")
    deployment = Deployment(tuple(options.queue or Deployment().queues), options.prefix, options.database)
    for line in lines(deployment, {name: hashed(os.environ[variable]) for name, variable in variables.items()}):
        print(as_command(line) if options.set else line)
    return 0


def as_command(line: str) -> str:
    """An ACL file's line as a command of redis-cli."""
    name, *rules = line.split(" ")[1:]
    quoted = ['"' + rule.replace("\\", "\\\\").replace('"', '\\"').replace("\x06", "\\x06").replace("\x16", "\\x16") + '"' for rule in rules]
    return " ".join(["ACL SETUSER", name, "reset", *quoted])


if __name__ == "__main__":
    sys.exit(main())
