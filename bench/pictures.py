"""The pictures of docs/images, taken in a headless Chromium: of a run, of one under way, of all runs, of the dashboard.

    python -m bench.pictures [--run DIR] [--live DIR] [--runs DIR] [--dashboard URL [--suffix=-one-of-two]]

--run: its page, wide and on a phone, light and dark. --live: a run's directory while it goes on. --runs: the index of
the runs there, whose report.html must be there. --dashboard: the address that `pipeline prod open --no-browser` tells;
prints what its panels do not show. Files are WebP, which a README may have, in docs/images (--output elsewhere); with
--png as well for those who look at them first.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import sys
import tempfile
from pathlib import Path
from typing import Final

from pipeline.canary.watch import Watch
from pipeline.report import index
from pipeline.runs.history import past_runs
from tests.support.browser import Page, browser

IMAGES: Final = Path(__file__).parents[1] / "docs" / "images"
QUALITY: Final = 70  # of WebP: text stays sharp, and a page has about 60 kB
WIDE, PHONE = (1280, 900), (390, 844)
READ: Final = "!document.getElementById('freshness').textContent.includes('not read')"
DRAWN: Final = "document.querySelectorAll('.panel canvas').length"
NOTES: Final = """[...document.querySelectorAll('.panel')].flatMap((one) => {
  const note = one.querySelector('.note');
  return note && !note.hidden ? [`${one.querySelector('h3, h4')?.innerText}: ${note.textContent}`] : [];
})"""


class Camera:
    """A browser's tab, and where its pictures go."""

    def __init__(self, page: Page, output: Path, png: bool) -> None:
        self.page = page
        self._output = output
        self._png = png

    async def take(self, name: str, most: int) -> None:
        """What is in view, at most `most` pixels of it; less where the page is shorter."""
        width, height = await self.page.evaluate(
            "[innerWidth, Math.ceil(document.documentElement.getBoundingClientRect().height)]"
        )
        clip = {"x": 0, "y": 0, "width": width, "height": min(height, most), "scale": 1}
        for form in ("webp", "png") if self._png else ("webp",):
            quality = {"quality": QUALITY} if form == "webp" else {}
            shot = await self.page.call(
                "Page.captureScreenshot", format=form, clip=clip, captureBeyondViewport=True, **quality
            )
            path = self._output / f"{name}.{form}"
            path.write_bytes(base64.b64decode(shot["data"]))
        print(
            f"{name}: {width} x {min(height, most)}, {(self._output / f'{name}.webp').stat().st_size // 1000} kB"
        )

    async def looks(self, address: str, name: str, most: tuple[int, int], until: str = "true") -> None:
        """A page at four looks: wide and on a phone, light and dark. `most`: the pixels of the wide and the small."""
        for size, suffix, height in ((WIDE, "", most[0]), (PHONE, "-phone", most[1])):
            for dark in (False, True):
                await self.page.see(*size, dark=dark)
                await self.page.open(address)
                await self.page.until(until)
                await self.take(f"{name}{suffix}{'-dark' if dark else ''}", height)


async def dashboard(camera: Camera, address: str, suffix: str) -> None:
    """The dashboard once all that is in view has been drawn; tells of the panels that say why they are empty."""
    await camera.page.see(WIDE[0], 6000)
    await camera.page.open(address)
    await camera.page.until(f"{READ} && {DRAWN} > 20")
    await asyncio.sleep(5)
    notes = await camera.page.evaluate(NOTES)
    print(
        f"{await camera.page.evaluate('document.title')}; {await camera.page.evaluate(DRAWN)} panels are drawn"
    )
    print("\n".join(notes) or "each has data")
    for size, form, dark in ((WIDE, "", False), (WIDE, "-dark", True), (PHONE, "-phone", False)):
        await camera.page.see(*size, dark=dark)
        await camera.page.open(address)
        await camera.page.until(f"{READ} && {DRAWN} > 2")
        await asyncio.sleep(3)
        # one with a suffix is of what the top says
        await camera.take(f"dashboard{suffix}{form}", 765 if suffix else 1500 if form != "-phone" else 1100)
        if suffix:
            break


async def take(options: argparse.Namespace) -> None:
    """All that is asked for."""
    with tempfile.TemporaryDirectory() as profile:
        async with browser(Path(profile)) as page:
            camera = Camera(page, options.output, options.png)
            if options.run is not None:
                await camera.looks((options.run / "report.html").resolve().as_uri(), "report", (1250, 1250))
            if options.runs is not None:
                file = options.runs / "index.html"
                file.write_text(index.index(past_runs(options.runs), file), "utf-8")
                await camera.looks(file.resolve().as_uri(), "runs", (900, 900))
            if options.live is not None:
                with Watch() as watch:
                    watch.begin(options.live)
                    await camera.looks(
                        watch.url, "live", (900, 900), "document.querySelector('.picture path')"
                    )
            if options.dashboard is not None:
                await dashboard(camera, options.dashboard, options.suffix)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name in ("--run", "--live", "--runs"):
        parser.add_argument(name, type=Path, metavar="DIR")
    parser.add_argument("--dashboard", metavar="URL")
    parser.add_argument("--suffix", default="")
    parser.add_argument("--output", type=Path, default=IMAGES)
    parser.add_argument("--png", action="store_true")
    asyncio.run(take(parser.parse_args()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
