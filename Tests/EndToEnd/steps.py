"""What several tests do."""

from __future__ import annotations

from chat import Person
from shop import Shop

PRICE_LABELS = ("Price:", "Цена:")
WAS_LABELS = ("Was:", "Было:")


def follow(person: Person, shop: Shop, product: str) -> dict:
    """Sends a product's link, and waits for the message with its price."""
    before = len(person.messages())
    person.say(shop.product(product)["url"])
    name = head(shop.product(product)["name"])
    wanted = (text_has(name), text_has(*PRICE_LABELS))
    person.wait_for(f"{product} with its price", lambda text: all(check(text) for check in wanted))
    return next(message for message in person.messages()[before:] if name in message["text"] and any(label in message["text"] for label in PRICE_LABELS))


def text_has(*any_of: str):  # noqa: ANN201 - a predicate on texts
    """Whether a text has one of these."""
    return lambda text: any(word in text for word in any_of)


def head(name: str) -> str:
    """The beginning of a product's name, which no page's markup changes."""
    return name[:8]


def changes(person: Person) -> list[str]:
    """The messages about changed prices."""
    return [text for text in person.texts() if any(label in text for label in WAS_LABELS)]
