"""What a title becomes in an address, and how often each word of it occurs."""

import re
import unicodedata
from collections import Counter

WORD = re.compile(r"[a-z0-9]+")


def words(text: str) -> list[str]:
    """The words of `text` in plain ASCII letters and digits, lower case.

    >>> words("Über die Brücke!")
    ['uber', 'die', 'brucke']
    """
    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode("ascii")
    return WORD.findall(plain)


def shorten(parts: list[str], longest: int) -> str:
    """As many whole words as fit into `longest` characters, joined by hyphens."""
    slug = ""
    for part in parts:
        longer = f"{slug}-{part}" if slug else part
        if len(longer) > longest:
            break
        slug = longer
    return slug


def describe(text: str) -> dict[str, object]:
    """The answer to one request: the slug, the number of words, the words that occur more than once."""
    parts = words(text)
    counts = Counter(parts)
    return {
        "slug": shorten(parts, 60),
        "words": len(parts),
        "repeated": {word: n for word, n in sorted(counts.items()) if n > 1},
    }
