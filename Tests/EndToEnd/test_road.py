"""From a link in a chat to a message about a new price."""

from __future__ import annotations

import database
import pytest
import web
from chat import Person, buttons
from shop import Shop
from stack.client import RunningStack, wait_for
from steps import changes, follow


def test_a_link_becomes_a_product_with_picture_and_buttons(ann: Person, shop: Shop) -> None:
    """The bot answers at once that it looks, then with name, price and picture."""
    shop.change("kettle", price="3490.00")
    message = follow(ann, shop, "kettle")
    assert "3490 ₽" in message["text"].replace("\u00a0", " ")
    assert message["photo"]
    assert buttons(message) == ["📈 History", "🛑 Stop", "⏱ How often"]
    assert any("Looking" in text or "Found" in text for text in ann.texts())


def test_a_price_change_reaches_the_chat(ann: Person, shop: Shop) -> None:
    """Old and new price within two beat periods, once."""
    follow(ann, shop, "lamp")
    shop.change("lamp", price="39.90")
    ann.wait_for("the change", lambda text: "Was: 49.90 €" in text and "Now: 39.90 €" in text, seconds=25)
    fetched = shop.fetches("lamp")
    shop.wait_for_fetch("lamp", fetched + 1)
    assert len(changes(ann)) == 1


def test_a_rise_is_told_too(boris: Person, shop: Shop) -> None:
    """Also in Russian, and also upwards."""
    follow(boris, shop, "coffee")
    shop.change("coffee", price="1990.50")
    boris.wait_for("the rise", lambda text: "Было: 1890,50 ₽" in text and "Стало: 1990,50 ₽" in text, seconds=25)


def every_product() -> list[str]:
    """The ids of the shop's catalogue: each is marked up in another way."""
    return ["kettle", "headphones", "lamp", "backpack", "coffee", "book", "game", "chair", "bicycle", "tea", "mug", "camera", "shirt", "boots"]


@pytest.mark.parametrize("product", every_product())
def test_every_markup_of_the_shop_is_read(stack: RunningStack, ann: Person, shop: Shop, product: str) -> None:
    """Name, price and currency as the shop has them."""
    follow(ann, shop, product)
    shown = shop.product(product)
    amount = shown["price"].replace(".", "").lstrip("0")
    found = database.rows(stack, f"select price_minor, currency from products where canonical_url = '{canonical(stack, product, shown)}'")
    assert found == [[amount, shown["currency"]]]


def canonical(stack: RunningStack, product: str, shown: dict) -> str:
    """The link under which the product is stored: that of the newest watch."""
    statement = "select p.canonical_url from watches w join products p on p.id = w.product_id order by w.id desc limit 1"
    return database.value(stack, statement)


def test_the_list_shows_what_is_followed_and_its_button_stops_it(ann: Person, shop: Shop) -> None:
    """`/list`, then the button, then nothing."""
    follow(ann, shop, "mug")
    ann.say("/list")
    ann.wait_for("the list", lambda text: "You follow 1" in text and "Mug" in text)
    ann.press("1. 🛑 Stop")
    wait_for("the empty list", lambda: any("follow nothing" in text for text in ann.texts()))
    shop.change("mug", price="9.99")
    fetched = shop.fetches("mug")
    assert changes(ann) == []
    shop.change("mug", price="12.99")
    assert shop.fetches("mug") >= fetched


def test_the_history_shows_past_prices(ann: Person, shop: Shop) -> None:
    """The button under the product."""
    follow(ann, shop, "book")
    shop.change("book", price="19.99")
    ann.wait_for("the change", lambda text: "Now: 19.99 €" in text, seconds=25)
    ann.press("📈 History")
    ann.wait_for("the history", lambda text: "19.99 €" in text and "24.99 €" in text and "UTC" in text)


def test_a_second_person_sees_nothing_of_the_first(ann: Person, boris: Person, shop: Shop) -> None:
    """Neither in the list, nor by the first one's buttons, nor as a message."""
    follow(ann, shop, "chair")
    boris.say("/list")
    boris.wait_for("the empty list", lambda text: "ни за чем не следите" in text)
    assert boris.try_to_press("🛑 Stop") == 404
    shop.change("chair", price="7499.00")
    ann.wait_for("the change", lambda text: "Now: 7499 ₽" in text, seconds=25)
    assert changes(boris) == []


def test_another_persons_button_does_nothing(ann: Person, boris: Person, shop: Shop) -> None:
    """A forged press carries the first one's data from the second one's chat: the first one still follows."""
    message = follow(ann, shop, "bicycle")
    stop = next(button for row in message["buttons"] for button in row if "Stop" in button["text"])
    forged = web.post(f"{boris.server}/control/press", {"chat_id": boris.id, "user": boris.user, "button": stop["callback_data"]})
    assert forged.status == 404
    ann.say("/list")
    ann.wait_for("the list", lambda text: "You follow 1" in text)


def test_one_fetch_serves_all_followers(stack: RunningStack, ann: Person, boris: Person, shop: Shop) -> None:
    """Two people follow one product: it is one row, checked once per interval, and both get the message."""
    follow(ann, shop, "camera")
    follow(boris, shop, "camera")
    shop.change("camera", price="14990.00")
    ann.wait_for("the change", lambda text: "Now: 14 990 ₽" in text, seconds=25)
    boris.wait_for("the change", lambda text: "Стало: 14 990 ₽" in text, seconds=25)
    assert database.value(stack, "select count(*) from products where canonical_url like '%camera%'") == "1"


@pytest.mark.parametrize(
    ("link", "answer"),
    [
        ("http://169.254.169.254/latest/meta-data/", "cannot go to this address"),
        ("http://127.0.0.1:22/", "cannot go to this address"),
        ("http://localhost/", "cannot go to this address"),
        ("hello", "no link here"),
    ],
)
def test_what_is_no_product_is_answered_kindly(ann: Person, link: str, answer: str) -> None:
    """Addresses inside, and text without a link."""
    ann.say(link)
    ann.wait_for("the answer", lambda text: answer in text)


def test_a_page_that_is_gone_is_told(ann: Person, shop: Shop) -> None:
    """404 of the shop."""
    ann.say(f"{shop.address}/products/nothing")
    ann.wait_for("the answer", lambda text: "no such page" in text)


def test_a_failed_check_changes_no_price(stack: RunningStack, ann: Person, shop: Shop) -> None:
    """The shop answers 500 for a while: price and history stay, and the next good page is compared with them."""
    follow(ann, shop, "headphones")
    shop.change("headphones", status=500)
    fetched = shop.fetches("headphones")
    shop.wait_for_fetch("headphones", fetched)
    wait_for("the failure to be noted", lambda: database.value(stack, "select failures from products where canonical_url like '%headphones%'") != "0")
    assert database.value(stack, "select price_minor from products where canonical_url like '%headphones%'") == "1299000"
    shop.change("headphones", status=200, price="11990.00")
    ann.wait_for("the change", lambda text: "Was: 12 990 ₽" in text and "Now: 11 990 ₽" in text, seconds=60)
