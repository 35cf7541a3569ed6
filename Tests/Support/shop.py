"""The sample shop, whose prices anybody may change."""

from __future__ import annotations

import web
from stack.client import wait_for


class Shop:
    """The shop as a test uses it."""

    def __init__(self, address: str) -> None:
        self.address = address

    def products(self) -> dict[str, dict]:
        """All products by id: name, markup, url, price, currency, availability."""
        return {product["id"]: product for product in web.get(f"{self.address}/products").json}

    def product(self, name: str) -> dict:
        """One product."""
        return self.products()[name]

    def change(self, name: str, **fields: object) -> None:
        """Changes price or availability, or sets a fault: `status` 400 to 599, `delay_ms`; 200 and 0 take it away."""
        answer = web.post(f"{self.address}/products/{name}/price", fields)
        assert answer.status == 200, answer.text

    def fetches(self, name: str) -> int:
        """How often the product's page has been asked for."""
        return web.get(f"{self.address}/requests").json["products"].get(name, 0)

    def wait_for_fetch(self, name: str, after: int, seconds: float = 30.0) -> None:
        """Waits until the page is asked for once more."""
        wait_for(f"a fetch of {name} after the first {after}", lambda: self.fetches(name) > after, seconds)
