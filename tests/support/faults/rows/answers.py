"""A canary whose answers are hostile once load is on it: they hang, drip, are huge, or are no HTTP."""

from __future__ import annotations

from typing import Final

from pipeline.base.errors import Exit
from tests.support.faults.acts import rewritten
from tests.support.faults.row import SOON, Row, nothing, step

__all__ = ["ROWS"]

_ANSWER: Final = "  answer(response, 200, { preview: preview(markdown) });\n"
# The first answers are as they should be, so that it comes up and is measured: by the rate, as many as it gives in its
# warm-up.
_GOOD_ONES: Final = {10: 40, 50: 60}
_HANGS: Final = "await new Promise(() => {});"
_DRIPS: Final = "response.writeHead(200); setInterval(() => response.write('x'), 200); return;"
_HUGE: Final = "response.writeHead(200); response.end(Buffer.alloc(40 * 1024 * 1024, 120)); return;"
_NO_HTTP: Final = "request.socket.end('220 smtp.example.org ESMTP\\r\\n\\r\\n'); return;"


def _answers(
    fault: str, statement: str, *, rate: int, schedule: str, within: int = SOON, short: bool = False
) -> Row:
    counted = (
        "  global.asked = (global.asked || 0) + 1;\n"
        f"  if (global.asked > {_GOOD_ONES[rate]}) {{ {statement} }}\n"
    )
    return Row(
        fault,
        step("measure both" if schedule == "concurrent" else "measure green"),
        nothing,
        (Exit.FAILED,),
        "",
        before=rewritten("index.js", _ANSWER, counted + _ANSWER),
        canary="fault",
        rate=rate,
        schedule=schedule,
        duration="30s",
        warmup="5s",
        within=within,
        short=short,
    )


ROWS: Final = (
    _answers("the canary hangs", _HANGS, rate=50, schedule="concurrent", short=True),
    _answers("the canary hangs", _HANGS, rate=50, schedule="phased"),
    _answers("the canary hangs", _HANGS, rate=50, schedule="interleaved"),
    _answers("the canary hangs", _HANGS, rate=10, schedule="concurrent"),
    _answers("the canary hangs", _HANGS, rate=10, schedule="phased"),
    _answers("the canary hangs", _HANGS, rate=10, schedule="interleaved"),
    _answers("the canary's answers drip", _DRIPS, rate=50, schedule="concurrent"),
    _answers("the canary's answers are 40 MB large", _HUGE, rate=10, schedule="concurrent", within=60),
    _answers("the canary's answers are no HTTP", _NO_HTTP, rate=50, schedule="concurrent"),
)
