"""Which tool wrote a file: told by its content, or forced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pipeline.loadtests import hdr, jmeter, k6, locust, own, vegeta
from pipeline.loadtests.recorded import LoadTest, refuse
from pipeline.loadtests.summaries import refuse_summary
from pipeline.loadtests.textfile import read_bytes

__all__ = ["FORMATS", "read_load_test"]

_Format = tuple[Callable[[bytes], bool], Callable[[Path, bytes], LoadTest]]

# By the name that --format takes: whether a file is of it, and its reader.
FORMATS: Final[Mapping[str, _Format]] = MappingProxyType(
    {
        "pipeline": (own.recognises, own.read),
        "k6": (k6.recognises, k6.read),
        "vegeta": (vegeta.recognises, vegeta.read),
        "locust": (locust.recognises, locust.read),
        "jmeter": (jmeter.recognises, jmeter.read),
        "hdr": (hdr.recognises, hdr.read),
    }
)


def read_load_test(path: Path, form: str | None = None) -> LoadTest:
    """One file; `form` is a name of FORMATS, None: by its content. Raises UsageError with the line that is wrong."""
    data = read_bytes(path)
    if form is not None:
        return FORMATS[form][1](path, data)
    read = next((read for recognises, read in FORMATS.values() if recognises(data)), None)
    if read is None:
        refuse_summary(path, data)
        refuse(
            path, 1, "of no load test that is known", f"--format {'|'.join(FORMATS)}; docs/inputs.md has each"
        )
    return read(path, data)
