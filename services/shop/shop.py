"""What each route of the shop answers: a status and a JSON object. A database is stood for by its waits."""

import time

_ITEMS = [
    {"id": number, "name": f"{colour} {thing}", "price": 5 + number % 40}
    for number, (colour, thing) in enumerate(
        (colour, thing)
        for colour in ("red", "green", "blue", "black", "white")
        for thing in ("cup", "bowl", "lamp", "chair", "table", "shelf", "clock", "vase", "rug", "box")
    )
]


def _ask_database(milliseconds: float) -> None:
    time.sleep(milliseconds / 1000)


def items(_given: dict[str, object]) -> tuple[int, dict[str, object]]:
    """All that is for sale."""
    _ask_database(6)
    return 200, {"items": _ITEMS}


def item(number: str, _given: dict[str, object]) -> tuple[int, dict[str, object]]:
    """One of them."""
    _ask_database(4)
    if int(number) >= len(_ITEMS):
        return 404, {"error": "no such item"}
    return 200, {"item": _ITEMS[int(number)]}


def search(given: dict[str, object]) -> tuple[int, dict[str, object]]:
    """Those with a word in their name."""
    _ask_database(15)
    word = str(given.get("word", ""))
    return 200, {"found": [one for one in _ITEMS if word in str(one["name"])]}


def cart(user: str, _given: dict[str, object]) -> tuple[int, dict[str, object]]:
    """What a user has put aside."""
    _ask_database(10)
    return 200, {"user": user, "cart": _ITEMS[len(user) : len(user) + 3]}


def put_in_cart(user: str, given: dict[str, object]) -> tuple[int, dict[str, object]]:
    """Puts an item aside."""
    _ask_database(12)
    return 201, {"user": user, "put": given.get("item")}


def reviews(number: str, _given: dict[str, object]) -> tuple[int, dict[str, object]]:
    """What was said of an item."""
    _ask_database(8)
    return 200, {"reviews": [{"item": int(number), "stars": 1 + int(number) % 5, "text": "as described"}]}


def review(number: str, given: dict[str, object]) -> tuple[int, dict[str, object]]:
    """Says something of an item."""
    _ask_database(14)
    return 201, {"item": int(number), "text": given.get("text")}


def order(given: dict[str, object]) -> tuple[int, dict[str, object]]:
    """Buys what was put aside."""
    _ask_database(25)
    return 201, {"user": given.get("user"), "ordered": True}
