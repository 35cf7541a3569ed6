"""The users of Redis: the containers' file is what the generator makes, and nobody has a right that no process needs."""

from __future__ import annotations

import pytest
from stack import redis_users
from stack.run_folder import ROOT

DANGEROUS = {"config", "acl", "flushall", "flushdb", "keys", "debug", "shutdown", "monitor", "save", "bgsave", "replicaof", "migrate", "module", "script"}


def test_the_containers_file_is_the_generators() -> None:
    """`deploy/redis-acl --template >deploy/redis-users.acl` makes it anew."""
    names = (*redis_users.PROCESSES, "monitor", "operator")
    assert (ROOT / "deploy" / "redis-users.acl").read_text() == redis_users.template(redis_users.Deployment(), names)


@pytest.mark.parametrize("user", redis_users.USERS, ids=lambda user: user.name)
def test_nobody_administers_the_server(user: redis_users.User) -> None:
    """Commands are named one by one; those that administer the server, or look at all keys at once, are nobody's of a process."""
    rules = user.rule(redis_users.Deployment(), "nopass").split(" ")
    assert "-@all" in rules
    assert not any(rule.startswith("+@") or rule in ("&*", "allkeys", "allchannels", "allcommands") for rule in rules)
    assert "~*" not in rules or user.name == "monitor"
    commands = {rule[1:].split("|")[0] for rule in rules if rule.startswith("+")}
    assert commands & DANGEROUS <= ({"config"} if user.name == "operator" else {"script"} if user.name == "celery" else set())


def test_a_prefix_stands_before_every_key_and_channel() -> None:
    """As `global_keyprefix` does it."""
    deployment = redis_users.Deployment(("q",), "shop:", 3)
    for user in redis_users.USERS:
        rules = user.rule(deployment, "nopass").split(" ")
        patterns = [rule.lstrip("%R").lstrip("~&") for rule in rules if rule[0] in "~&%"]
        assert all(pattern.startswith("shop:") or pattern == "*" for pattern in patterns), user.name
        assert "&shop:/0.celery.pidbox" not in rules


def test_the_watcher_writes_nothing() -> None:
    """`monitor` has no command that writes or publishes, whatever keys it names."""
    rules = next(user for user in redis_users.USERS if user.name == "monitor").rule(redis_users.Deployment(), "nopass").split(" ")
    assert not {f"+{word}" for word in f"{redis_users.WRITE} {redis_users.PUBLISH} {redis_users.CLAIM}".split()} & {*rules}
