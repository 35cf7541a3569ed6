"""How often, what fails, and digests: with a schedule whose periods are seconds."""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Iterator
from pathlib import Path

import database
import pytest
from chat import Person, buttons
from shop import Shop
from stack.client import RunningStack, wait_for
from steps import follow

SCHEDULE = """
entries:
  check-due: {task: pricewatch.check_due, every: 1s, options: {queue: checks, expires: 60}}
  relay-outbox: {task: pricewatch.relay_outbox, every: 5s, options: {queue: interactive, expires: 60}}
  send-digests: {task: pricewatch.send_digests, every: 1s, options: {queue: checks, expires: 60}}
  tidy-up: {task: pricewatch.tidy_up, every: 5s, options: {queue: checks, expires: 60}}
"""
HISTORY_BUTTON = "📈 History"


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    """Everything, with products that are checked each second and paused at the third failure."""
    with tempfile.TemporaryDirectory(prefix="schedule-") as folder:
        schedule = Path(folder) / "schedule.yaml"
        schedule.write_text(SCHEDULE)
        Path(folder).chmod(0o755)
        settings = {
            "APIUM_SCHEDULE": str(schedule),
            "PRICEWATCH_CHECK_INTERVAL": "1",
            "PRICEWATCH_CHECK_INTERVAL_MINIMUM": "1",
            "PRICEWATCH_FAILURES_UNTIL_TOLD": "2",
            "PRICEWATCH_FAILURES_UNTIL_PAUSED": "3",
        }
        with RunningStack(settings=settings) as running:
            yield running


def seconds_until_check(stack: RunningStack, product: str) -> float:
    """How long until the product is checked."""
    statement = f"select extract(epoch from next_check_at - now()) from products where canonical_url like '%{product}%'"
    return float(database.value(stack, statement))


def test_one_product_is_checked_as_often_as_its_follower_chooses(stack: RunningStack, ann: Person, shop: Shop) -> None:
    """By the button under the product, and back."""
    message = follow(ann, shop, "kettle")
    assert buttons(message) == [HISTORY_BUTTON, "🛑 Stop", "⏱ How often"]
    shop.wait_for_fetch("kettle", shop.fetches("kettle") + 1)
    ann.press("⏱ How often")
    ann.wait_for("the choice", lambda text: "How often shall I check it" in text)
    ann.press("1\u00a0h")
    ann.wait_for("the new interval", lambda text: "Checked every 1 h" in text)
    wait_for("the checks to become rare", lambda: seconds_until_check(stack, "kettle") > 600, 30)
    ann.press("⏱ How often")
    wait_for("the second choice", lambda: sum("How often shall I check it" in text for text in ann.texts()) == 1, 30)
    ann.press("As usual")
    fetched = shop.fetches("kettle")
    ann.wait_for("the usual interval", lambda text: "Checked every 1 s" in text)
    shop.wait_for_fetch("kettle", fetched)


def test_all_of_ones_products_are_checked_as_often_as_one_writes(stack: RunningStack, boris: Person, shop: Shop) -> None:
    """By a command, in Russian; out of bounds it is refused with the bounds."""
    follow(boris, shop, "coffee")
    boris.say("/interval 2ч")
    boris.wait_for("the settings", lambda text: "каждые 2 ч" in text)
    wait_for("the checks to become rare", lambda: seconds_until_check(stack, "coffee") > 1200, 30)
    boris.say("/interval 30д")
    boris.wait_for("the bounds", lambda text: "до 7 дн" in text)
    boris.say("/interval чаще")
    boris.wait_for("the examples", lambda text: "/quiet 23-8" in text)


def test_a_link_that_stops_working_is_told_once_paused_and_woken_by_its_button(stack: RunningStack, ann: Person, shop: Shop) -> None:
    """The page is gone: one message, then the pause, then the button finds it again."""
    follow(ann, shop, "tea")
    shop.change("tea", status=404)
    ann.wait_for("the failure", lambda text: "cannot read this price: the page is gone" in text, seconds=60)
    paused = ann.wait_for("the pause", lambda text: "I do not check it any more" in text, seconds=60)
    assert buttons(paused) == ["🔄 Try again", "🛑 Stop"]
    fetched = shop.fetches("tea")
    ann.press("🔄 Try again")
    ann.wait_for("the refusal", lambda text: "Still no luck" in text)
    assert shop.fetches("tea") == fetched + 1, "a paused product is fetched on demand alone"
    shop.change("tea", status=200)
    ann.press("🔄 Try again")
    ann.wait_for("the recovery", lambda text: "This link works again" in text)
    shop.wait_for_fetch("tea", shop.fetches("tea") + 1)
    texts = ann.texts()
    assert sum("cannot read this price" in text for text in texts) == 1
    assert sum("This link works again" in text for text in texts) == 1


def test_a_shop_that_is_away_is_told_once_and_its_return_once(ann: Person, boris: Person, shop: Shop) -> None:
    """Both followers hear both, without pressing anything."""
    follow(ann, shop, "mug")
    follow(boris, shop, "mug")
    shop.change("mug", status=503)
    ann.wait_for("the failure", lambda text: "the shop cannot be reached" in text, seconds=60)
    boris.wait_for("the failure", lambda text: "магазин недоступен" in text, seconds=60)
    shop.change("mug", status=200)
    ann.wait_for("the return", lambda text: "This link works again" in text, seconds=60)
    boris.wait_for("the return", lambda text: "Ссылка снова работает" in text, seconds=60)
    shop.wait_for_fetch("mug", shop.fetches("mug") + 1)
    for person in (ann, boris):
        assert sum("⚠️" in text for text in person.texts()) == 1
        assert sum("This link works again" in text or "Ссылка снова работает" in text for text in person.texts()) == 1


def test_a_shop_that_asks_to_be_left_alone_is(stack: RunningStack, ann: Person, shop: Shop) -> None:
    """429 with Retry-After: the next check is not before."""
    follow(ann, shop, "chair")
    shop.change("chair", status=429, retry_after=7200)
    wait_for("the next check to be far away", lambda: seconds_until_check(stack, "chair") > 7000, 30)
    assert database.value(stack, "select last_failure from products where canonical_url like '%chair%'") == "blocked"


def test_a_digest_comes_at_the_local_hour_once(stack: RunningStack, ann: Person, shop: Shop) -> None:
    """In a time zone in which the next hour is about to begin."""
    follow(ann, shop, "book")
    follow(ann, shop, "lamp")
    now = datetime.datetime.now(datetime.UTC)
    # Local time is some seconds before the hour; a minute more when there is too little left of this one.
    until = 60 - now.minute - (1 if now.second < 40 else 2)
    local = now + datetime.timedelta(minutes=until)
    hour = (local.hour + 1) % 24
    ann.say(f"/timezone +0:{until:02d}")
    ann.wait_for("the zone", lambda text: f"Time zone: +00:{until:02d}" in text)
    ann.say(f"/digest daily {hour}")
    ann.wait_for("the digest's hour", lambda text: f"daily at {hour:02d}:00" in text)
    shop.change("lamp", price="29.90")
    ann.wait_for("the change", lambda text: "Now: 29.90 €" in text)
    assert not any("Your digest" in text for text in ann.texts())
    digest = ann.wait_for("the digest", lambda text: "Your digest" in text, seconds=130)
    assert "You follow 2. Changed prices: 1." in digest["text"].replace("\u00a0", " ")
    for _ in range(3):
        shop.wait_for_fetch("book", shop.fetches("book"))
    assert sum("Your digest" in text for text in ann.texts()) == 1


def test_in_quiet_hours_nothing_is_sent_until_they_end(stack: RunningStack, ann: Person, shop: Shop) -> None:
    """It waits in the outbox, and comes when they are over."""
    follow(ann, shop, "game")
    hour = datetime.datetime.now(datetime.UTC).hour
    ann.say(f"/quiet {hour}-{(hour + 2) % 24}")
    ann.wait_for("the quiet hours", lambda text: f"Quiet hours: {hour:02d}:00" in text)
    shop.change("game", price="1499")
    pending = f"select count(*) from outbox o join users u on u.id = o.user_id where u.chat_id = {ann.id} and o.published_at is null"
    wait_for("the change to be written", lambda: database.value(stack, pending) == "1", 30)
    fetched = shop.fetches("game")
    shop.wait_for_fetch("game", fetched + 5)
    assert not any("1499" in text for text in ann.texts())
    ann.say("/quiet off")
    ann.wait_for("the change", lambda text: "Now: 1499 " in text, seconds=30)
