"""Text in a CSV file that a spreadsheet would take for a formula, and run: with an apostrophe before it, it does not.

A server names itself as it likes. What is a number stays one, and `plain` gives back what `cell` was given.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

__all__ = ["cell", "plain"]

# Where a cell begins: also behind what another country's spreadsheet takes for the separator.
_BEGINS: Final = r"(?:^|(?<=[,;|\t\r\n]))"
_FORMULA: Final = "'*[=+@\t\r\n\uff1d\uff0b\uff0d\uff20-]"  # the wide signs of East Asia are read alike
_BARE: Final = re.compile(f"{_BEGINS}(?={_FORMULA})")
_MARKED: Final = re.compile(f"{_BEGINS}'(?={_FORMULA})")


@lru_cache(maxsize=256)
def cell(text: str) -> str:
    """`text` as a cell that stays text.

    >>> cell("blue"), cell("=1+1"), cell("a;@SUM(1)")
    ('blue', "'=1+1", "a;'@SUM(1)")
    """
    return _BARE.sub("'", text)


@lru_cache(maxsize=256)
def plain(text: str) -> str:
    """What `cell` was given.

    >>> plain("'=1+1"), plain("o'clock")
    ('=1+1', "o'clock")
    """
    return _MARKED.sub("", text)
