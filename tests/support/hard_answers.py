"""The sample service with versions whose answers are hard on whoever waits for them, one a branch."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from pipeline.source.sample import make_sample_repository
from tests.support.lab import IDENTITY

__all__ = ["HARD", "hard_answers"]

WELL: Final = 20  # answers that each of them gives well before
_GOOD: Final = "  answer(response, 200, { preview: preview(markdown) });\n"

# What each does instead of answering.
HARD: Final = {
    "hangs": "",
    "drips": """
  response.writeHead(200, { 'Content-Type': 'application/json' });
  const dripping = setInterval(() => response.write(' '), 300);
  response.on('close', () => clearInterval(dripping));
""",
    "drips-its-header": """
  const { socket } = response;
  socket.write('HTTP/1.1 200 OK\\r\\nX-Slow: ');
  const dripping = setInterval(() => socket.write('a'), 300);
  socket.on('close', () => clearInterval(dripping));
""",
    "huge": """
  const body = Buffer.alloc(40e6, 120);
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body.length });
  response.end(body);
""",
    "endless": """
  response.writeHead(200, { 'Content-Type': 'application/json' });
  const piece = Buffer.alloc(1e6, 120);
  const pour = () => { while (!response.destroyed && response.write(piece)); };
  response.on('drain', pour);
  pour();
""",
}


def hard_answers(path: Path) -> Path:
    """A repository at `path` with `master`, and a branch for each of HARD."""
    make_sample_repository(path)

    def git(*arguments: str) -> None:
        subprocess.run(["git", "-C", str(path), *IDENTITY, *arguments], check=True, capture_output=True)

    for name, instead in HARD.items():
        git("checkout", "-q", "-b", name, "master")
        file = path / "index.js"
        source = file.read_text()
        assert _GOOD in source
        after = f"  if (++answered > {WELL}) {{{instead}  return;\n  }}\n"
        file.write_text(
            source.replace(_GOOD, after + _GOOD).replace("const LIMIT", "let answered = 0;\nconst LIMIT", 1)
        )
        git("commit", "-qam", f"It {name}")
    git("checkout", "-q", "master")
    return path
