"""The inventory with a monitor that `prod up` wrote last in this checkout: there the canary leaves its verdicts."""

from __future__ import annotations

from pathlib import Path

from pipeline.state import state_directory

__all__ = ["forget", "last_inventory", "remember"]


def _note() -> Path:
    return state_directory() / "production-inventory"


def remember(inventory: Path) -> None:
    """From now on it is this one."""
    _note().write_text(f"{inventory.resolve()}\n", encoding="utf-8")


def forget(inventory: Path) -> None:
    """Its hosts are gone."""
    if last_inventory(even_missing=True) == inventory.resolve():
        _note().unlink(missing_ok=True)


def last_inventory(*, even_missing: bool = False) -> Path | None:
    """The file; None when none was written, or it is not there any more."""
    try:
        text = _note().read_text(encoding="utf-8").strip()
    except OSError:
        return None
    path = Path(text)
    return path if text and (even_missing or path.is_file()) else None
