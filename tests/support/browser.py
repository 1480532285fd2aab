"""A headless Chromium, driven through its DevTools protocol, for tests of pages."""

from __future__ import annotations

import asyncio
import base64
import itertools
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientSession, ClientWebSocketResponse

__all__ = ["Page", "browser", "chromium"]

# seconds for a browser to start on a busy machine, or for a page to get where it should
_PATIENCE: Final = 30.0
_QUIET: Final = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--hide-scrollbars",
    "--mute-audio",
    "--no-first-run",
    "--no-proxy-server",
)


def chromium() -> str | None:
    """The browser's path, or None where there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Page:
    """One tab. `problems` collects what its console calls an error: exceptions, refused loads, broken policies."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._loaded = asyncio.Event()
        self.problems: list[str] = []

    async def listen(self) -> None:
        """Take what the browser sends, until it ends."""
        async for message in self._socket:
            data = message.json()
            if waiting := self._waiting.pop(data.get("id", 0), None):
                waiting.set_result(data)
                continue
            what = data.get("params", {})
            if data.get("method") == "Page.loadEventFired":
                self._loaded.set()
            if data.get("method") == "Runtime.exceptionThrown":
                details = what["exceptionDetails"]
                self.problems.append(details.get("exception", {}).get("description", details["text"]))
            elif data.get("method") == "Log.entryAdded" and what["entry"]["level"] == "error":
                self.problems.append(f"{what['entry']['text']} {what['entry'].get('url', '')}".strip())
            elif data.get("method") == "Runtime.consoleAPICalled" and what["type"] in ("error", "assert"):
                self.problems.append(" ".join(str(one.get("value", "")) for one in what["args"]))

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol, and its result."""
        number = next(self._numbers)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        data: dict[str, Any] = await asyncio.wait_for(answer, _PATIENCE)
        assert "error" not in data, f"{method}: {data['error']}"
        result: dict[str, Any] = data["result"]
        return result

    async def see(self, width: int, height: int, *, dark: bool = False) -> None:
        """The size of the window in CSS pixels, and the color scheme that its user likes."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 500,
        )
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        await self.call("Emulation.setEmulatedMedia", features=scheme)

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, awaited if it is a promise."""
        done = await self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True
        )
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    async def until(self, expression: str, seconds: float = _PATIENCE) -> None:
        """Wait until a JavaScript expression is true; AssertionError with the page's text when it never is."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not await self.evaluate(f"Boolean({expression})"):
            if asyncio.get_running_loop().time() > deadline:
                text = await self.evaluate("document.body.innerText")
                raise AssertionError(f"never: {expression}; problems: {self.problems}; the page:\n{text}")
            await asyncio.sleep(0.05)

    async def open(self, address: str) -> None:
        """Load a page; its earlier problems are forgotten."""
        self.problems.clear()
        self._loaded.clear()
        await self.call("Page.navigate", url=address)
        await asyncio.wait_for(self._loaded.wait(), _PATIENCE)

    async def screenshot(self) -> bytes:
        """What is in view, as a PNG."""
        shot = await self.call("Page.captureScreenshot")
        return base64.b64decode(shot["data"])


@asynccontextmanager
async def browser(profile: Path) -> AsyncIterator[Page]:
    """A browser with a new profile in the directory `profile`, and its one tab."""
    program = chromium()
    assert program, "chromium is not there: bootstrap/setup.sh test"
    process = await asyncio.create_subprocess_exec(
        program,
        "--headless=new",
        # Root, as in a container, has no sandbox to give; the pages here are our own.
        "--no-sandbox",
        f"--user-data-dir={profile}",
        "--remote-debugging-port=0",
        *_QUIET,
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        port = await _port_of(profile / "DevToolsActivePort")
        async with ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                tab = next(one for one in await answer.json() if one["type"] == "page")
            async with session.ws_connect(tab["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                page = Page(socket)
                listening = asyncio.create_task(page.listen())
                for domain in ("Page", "Runtime", "Log"):
                    await page.call(f"{domain}.enable")
                yield page
                with suppress(TimeoutError):
                    await page.call("Browser.close")
                listening.cancel()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError, TimeoutError):
                await asyncio.wait_for(process.wait(), 5)
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _port_of(told: Path) -> str:
    """The port that the browser writes into the file `told` once it listens."""
    async with asyncio.timeout(_PATIENCE):
        while not (port := _first_line(told)):  # noqa: ASYNC110 a file of another program has no event
            await asyncio.sleep(0.05)
    return port


def _first_line(path: Path) -> str:
    return path.read_text(encoding="utf-8").split("\n")[0] if path.is_file() else ""
