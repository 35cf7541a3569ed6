"""Processes that die, servers that restart, a Telegram that refuses: the message comes, once."""

from __future__ import annotations

import signal
import time

import database
from chat import Group, Person
from shop import Shop
from stack.client import RunningStack, wait_for
from steps import changes, follow


def no_second_message(person: Person, shop: Shop, product: str) -> None:
    """After two more checks there is still one message."""
    shop.wait_for_fetch(product, shop.fetches(product) + 1)
    assert len(changes(person)) == 1


def test_a_change_while_the_bot_is_dead_is_told_when_it_is_back(stack: RunningStack, ann: Person, shop: Shop) -> None:
    """The message waits in the bot's queue."""
    follow(ann, shop, "kettle")
    stack.kill_and_hold("bot")
    shop.change("kettle", price="2990.00")
    wait_for("the change to be noted", lambda: pending(stack, ann) == 1, 30)
    assert changes(ann) == []
    stack.release("bot")
    ann.wait_for("the change", lambda text: "Now: 2990 ₽" in text)
    no_second_message(ann, shop, "kettle")


def test_a_link_that_the_bot_dies_with_is_answered_by_the_next_one(stack: RunningStack, ann: Person, shop: Shop) -> None:
    """SIGKILL after "Looking at the page": Telegram gives the update again, and the product is followed once."""
    fetched = shop.fetches("chair")
    shop.change("chair", delay_ms=3000)
    ann.say(shop.product("chair")["url"])
    shop.wait_for_fetch("chair", fetched)
    ann.wait_for("that it looks", lambda text: "Looking" in text)
    pid = stack.kill("bot")
    shop.change("chair", delay_ms=0)
    stack.wait_until_ready("bot", but_not=pid)
    ann.wait_for("the price", lambda text: "Price:" in text)
    assert followed(stack, ann) == 1


def followed(stack: RunningStack, person: Person) -> int:
    """How many products this chat follows."""
    return int(database.value(stack, f"select count(*) from watches w join users u on u.id = w.user_id where u.chat_id = {person.id}"))


def test_a_group_that_becomes_a_supergroup_keeps_what_it_follows(stack: RunningStack, group: Group, shop: Shop) -> None:
    """The next message finds the new id, and its buttons work there."""
    follow(group, shop, "chair")
    group.become_supergroup()
    shop.change("chair", price="4440.00")
    group.wait_for("the change", lambda text: "Now: 4440" in text, seconds=60)
    assert followed(stack, group) == 1
    group.press("🛑 Stop")
    wait_for("the end of the watch", lambda: followed(stack, group) == 0)


def pending(stack: RunningStack, person: Person) -> int:
    """How many messages to this person are not delivered yet."""
    statement = f"select count(*) from outbox o join users u on u.id = o.user_id where u.chat_id = {person.id} and o.delivered_at is null"
    return int(database.value(stack, statement))


def test_a_worker_killed_in_the_middle_of_a_check_costs_nothing(stack: RunningStack, ann: Person, shop: Shop) -> None:
    """SIGKILL while the page is being fetched: the check is done again within seconds, and there is one message."""
    follow(ann, shop, "tea")
    fetched = shop.fetches("tea")
    shop.change("tea", price="199.90", delay_ms=4000)
    shop.wait_for_fetch("tea", fetched)
    pid = stack.kill("worker")
    killed = time.monotonic()
    shop.change("tea", delay_ms=0)
    stack.wait_until_ready("worker", but_not=pid)
    ann.wait_for("the change", lambda text: "Now: 199.90 ₽" in text, seconds=30)
    assert time.monotonic() - killed < 30
    no_second_message(ann, shop, "tea")


def test_a_worker_that_stays_down_keeps_the_check(stack: RunningStack, ann: Person, shop: Shop) -> None:
    """A killed worker's claim is in Redis: the next worker runs it."""
    follow(ann, shop, "backpack")
    fetched = shop.fetches("backpack")
    shop.change("backpack", price="4999.00", delay_ms=3000)
    shop.wait_for_fetch("backpack", fetched)
    stack.kill_and_hold("worker")
    shop.change("backpack", delay_ms=0)
    stack.release("worker")
    ann.wait_for("the change", lambda text: "Now: 4999 ₽" in text, seconds=40)
    no_second_message(ann, shop, "backpack")


def test_telegram_says_wait(ann: Person, shop: Shop) -> None:
    """429 with retry_after: the message comes after that time, once."""
    follow(ann, shop, "mug")
    ann.fault("sendMessage", 429, retry_after=3, times=1)
    shop.change("mug", price="10.49")
    ann.wait_for("the change", lambda text: "Now: 10.49 $" in text, seconds=60)
    no_second_message(ann, shop, "mug")


def test_telegram_is_broken_for_a_while(ann: Person, shop: Shop) -> None:
    """502 twice, then it goes out."""
    follow(ann, shop, "game")
    ann.fault("sendMessage", 502, times=2)
    shop.change("game", price="4500")
    ann.wait_for("the change", lambda text: "Was: 4950" in text and "Now: 4500" in text, seconds=90)
    no_second_message(ann, shop, "game")


def test_somebody_who_blocked_the_bot_gets_nothing_and_stops_nothing(ann: Person, boris: Person, shop: Shop) -> None:
    """403 for one person is no reason to try for ever, nor to keep others waiting."""
    follow(ann, shop, "shirt")
    follow(boris, shop, "shirt")
    ann.fault("sendMessage", 403, times=100)
    shop.change("shirt", price="3900.00")
    boris.wait_for("the change", lambda text: "Стало: 3900 ₽" in text, seconds=40)
    ann.fault("sendMessage", 403, times=0)


def test_a_redis_restart_loses_nothing(stack: RunningStack, ann: Person, shop: Shop) -> None:
    """Redis is killed with a message waiting in the bot's queue; the append-only file brings it back."""
    follow(ann, shop, "boots")
    stack.kill_and_hold("bot")
    shop.change("boots", price="8490.00")
    wait_for("the message to be in the queue", lambda: published(stack, ann) == 1, 30)
    pid = stack.kill("redis")
    stack.wait_until_ready("redis", but_not=pid)
    stack.release("bot")
    ann.wait_for("the change", lambda text: "Now: 8490 ₽" in text, seconds=60)
    no_second_message(ann, shop, "boots")


def published(stack: RunningStack, person: Person) -> int:
    """How many messages to this person are in the bot's queue."""
    statement = f"select count(*) from outbox o join users u on u.id = o.user_id where u.chat_id = {person.id} and o.published_at is not null"
    return int(database.value(stack, statement))


def test_a_parser_that_dies_comes_back(stack: RunningStack, ann: Person, shop: Shop) -> None:
    """Checks go on with the next parser."""
    follow(ann, shop, "bicycle")
    pid = stack.kill("parser")
    shop.change("bicycle", price="23990.00")
    stack.wait_until_ready("parser", but_not=pid)
    ann.wait_for("the change", lambda text: "Now: 23 990 ₽" in text, seconds=60)


def test_everything_is_ready_after_all_that(stack: RunningStack) -> None:
    """No part is left down, and no process ended by itself."""
    for name in ("redis", "postgres", "parser", "api", "worker", "beat", "bot", "nginx", "sample-shop", "chat"):
        stack.wait_until_ready(name)
    for name in ("api", "beat", "nginx", "sample-shop", "chat", "postgres"):
        assert stack.part(name)["restarts"] == 0, f"{name} ended by itself:\n{stack.log(name)[-2000:]}"


def test_a_stopped_api_leaves_the_bot_answering(stack: RunningStack, ann: Person, shop: Shop) -> None:
    """The API is killed: the bot reconnects, and the next link works."""
    pid = stack.kill("api", signal.SIGKILL)
    stack.wait_until_ready("api", but_not=pid)
    stack.wait_until_ready("bot")
    follow(ann, shop, "camera")


def test_an_unblocking_while_the_api_is_down_is_noted_when_it_is_back(stack: RunningStack, ann: Person, shop: Shop) -> None:
    """Nobody tells of a membership again, so the bot tells the API until it has heard."""
    follow(ann, shop, "chair")
    ann.set_membership("kicked")
    wait_for("the block to be noted", lambda: is_blocked(stack, ann))
    said = stack.log("bot").count("the API was not told")
    stack.kill_and_hold("api")
    ann.set_membership("member")
    wait_for("the bot to find no API", lambda: stack.log("bot").count("the API was not told") > said, 40)
    assert is_blocked(stack, ann)
    stack.release("api")
    wait_for("the unblocking to be noted", lambda: not is_blocked(stack, ann), 90)


def is_blocked(stack: RunningStack, person: Person) -> bool:
    """Whether the chat's notifications rest."""
    return database.value(stack, f"select is_blocked from users where chat_id = {person.id}") == "t"
