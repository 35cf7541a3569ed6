"""The chat page as a person uses it."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect
from shop import Shop
from stack.client import RunningStack


def open_chat(page: Page, stack: RunningStack, name: str) -> Locator:
    """Opens the page and begins a chat as somebody new; answers that person's pane."""
    page.goto(stack.urls["chat"])
    return add_person(page, name)


def add_person(page: Page, name: str) -> Locator:
    """Adds somebody who speaks English, and answers their pane."""
    page.get_by_role("button", name="+ Person").first.click()
    page.locator("#add-name").fill(name)
    page.locator("#add-language").select_option("en")
    page.get_by_role("button", name="Add", exact=True).click()
    pane = page.get_by_label(name, exact=True)
    pane.get_by_role("textbox", name="Message").wait_for()
    return pane


def send(pane: Locator, text: str) -> Locator:
    """Writes a message; answers what was said so far."""
    box = pane.get_by_role("textbox", name="Message")
    box.fill(text)
    box.press("Enter")
    return pane.get_by_role("log")


def test_from_a_link_to_a_new_price(page: Page, stack: RunningStack, shop: Shop) -> None:
    """The main path: link, answer with picture and buttons, price change in the shop, message, list, stop."""
    pane = open_chat(page, stack, "Ann")
    log = send(pane, shop.product("kettle")["url"])
    expect(log).to_contain_text(re.compile(r"3490\s₽"), timeout=40_000)
    expect(log.locator("img")).to_be_visible()
    expect(pane.get_by_role("button", name="📈 History")).to_be_visible()
    change_price_by_hand(page, stack, "kettle", "2990")
    expect(log).to_contain_text(re.compile(r"Was: 3490\s₽"), timeout=40_000)
    expect(log).to_contain_text(re.compile(r"Now: 2990\s₽"))
    send(pane, "/list")
    expect(log).to_contain_text("You follow 1")
    pane.get_by_role("button", name="1. 🛑 Stop").last.click()
    expect(log).to_contain_text("You follow nothing yet", timeout=20_000)


def change_price_by_hand(page: Page, stack: RunningStack, product: str, price: str) -> None:
    """Changes a price on the shop's own page, in another tab."""
    tab = page.context.new_page()
    tab.goto(stack.urls["shop"])
    form = tab.locator(f'form[action*="/products/{product}/price"]').first
    form.locator('input[name="price"]').fill(price)
    form.locator('button, input[type="submit"]').first.click()
    tab.wait_for_load_state()
    # The shop groups digits by spaces that do not break.
    expect(tab.locator("body")).to_contain_text(re.compile(r"\s?".join(price)))
    tab.close()


def test_two_people_are_strangers(page: Page, stack: RunningStack, shop: Shop) -> None:
    """A second pane shows nothing of the first."""
    first = open_chat(page, stack, "Mia")
    expect(send(first, shop.product("mug")["url"])).to_contain_text("12.99", timeout=40_000)
    log = send(add_person(page, "Zoe"), "/list")
    expect(log).to_contain_text("You follow nothing yet", timeout=20_000)
    expect(log).not_to_contain_text("12.99")


def test_markup_in_a_message_stays_text(page: Page, stack: RunningStack) -> None:
    """Nothing that a person writes becomes part of the page."""
    log = send(open_chat(page, stack, "Eve"), "<img src=x onerror=alert(1)> <b>bold</b>")
    expect(log).to_contain_text("<img src=x onerror=alert(1)>")
    assert log.locator("img[src='x']").count() == 0


def test_the_page_fits_a_phone(page: Page, stack: RunningStack) -> None:
    """No sideways scrolling at the width of a small phone."""
    page.set_viewport_size({"width": 360, "height": 700})
    expect(send(open_chat(page, stack, "Pia"), "/help")).to_contain_text("/list", timeout=20_000)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_settings_are_changed_by_buttons_and_a_digest_is_chosen(page: Page, stack: RunningStack) -> None:
    """The menu, a page of it, a choice, and the menu again with what was chosen."""
    pane = open_chat(page, stack, "Dora")
    log = send(pane, "/settings")
    expect(log).to_contain_text("Digest: off", timeout=20_000)
    pane.get_by_role("button", name="📰 Digest").last.click()
    expect(log).to_contain_text("A digest tells once a day", timeout=20_000)
    pane.get_by_role("button", name="Daily").last.click()
    expect(log).to_contain_text("Digest: daily at 09:00", timeout=20_000)
    pane.get_by_role("button", name="🌍 Time zone").last.click()
    pane.get_by_role("button", name="Vladivostok").last.click()
    expect(log).to_contain_text("Time zone: Asia/Vladivostok", timeout=20_000)
    pane.get_by_role("button", name="🌙 Quiet hours").last.click()
    pane.get_by_role("button", name="23:00").last.click()
    expect(log).to_contain_text("Quiet hours: 23:00", timeout=20_000)
