"""What Spinnaker's canary configuration comes in: by itself, in a list, in a request to Kayenta, in its answer.

`POST /canary` takes `canaryConfig` and `executionRequest`; `GET /canary/ID` gives `config` and
`canaryExecutionRequest`. What is not read of these is named in a note.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipeline.base.errors import ConfigError
from pipeline.base.yamlfile import Document

__all__ = ["Unwrapped", "unwrap"]

# The configuration's key, and that of the request beside it.
_ENVELOPES: Final = (("canaryConfig", "executionRequest"), ("config", "canaryExecutionRequest"))
_BY_ID: Final = "fetch it first: curl KAYENTA/canaryConfig/ID > canary.json"


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """The configuration and the request, if there is one; `notes` on what stood around them, with their lines."""

    config: Document
    request: Document | None
    notes: tuple[str, ...]


def unwrap(document: Document, read: Collection[str]) -> Unwrapped:
    """The configuration in a file; `read` are the keys of the request that the caller reads.

    Raises ConfigError when it holds none, or several.
    """
    at: tuple[str | int, ...] = ()
    data, notes = document.data, list[str]()
    if isinstance(data, list):
        data, at = _only(document, data), (0,)
    request: Document | None = None
    if isinstance(data, Mapping) and "metrics" not in data:
        for key, beside in _ENVELOPES:
            if isinstance(data.get(key), Mapping):
                others = [other for other in data if other not in (key, beside)]
                if others:
                    line = document.line((*at, others[0]))
                    notes.append(f"{document.name}:{line}: beside {key}, not read: {', '.join(others)}")
                if isinstance(data.get(beside), Mapping):
                    request = _part(document, (*at, beside), data[beside])
                    notes += _unread(request, beside, read)
                elif data.get(beside) is not None:
                    notes.append(
                        f"{document.name}:{document.line((*at, beside))}: {beside} is not read: no mapping"
                    )
                data, at = data[key], (*at, key)
                break
    if (
        isinstance(data, Mapping)
        and "metrics" not in data
        and ("canaryConfigId" in data or "configId" in data)
    ):
        key = "canaryConfigId" if "canaryConfigId" in data else "configId"
        line = document.line((*at, key))
        said = f"{document.name}:{line}: names a configuration by its id ({key}) and holds none"
        raise ConfigError(document.name, [said], hint=_BY_ID)
    config = _part(document, at, data)
    _keep_other_problems(config, document, [part for part in (config, request) if part is not None])
    return Unwrapped(config, request, tuple(notes))


def _only(document: Document, several: Sequence[Any]) -> Any:
    if len(several) == 1:
        return several[0]
    if not several:
        raise ConfigError(
            document.name, [f"{document.name}:1: an empty list: there is no configuration in it"]
        )
    names = [str(one.get("name", "?")) if isinstance(one, Mapping) else "?" for one in several]
    told = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    said = f"{document.name}:1: a list of {len(several)} configurations ({told}): one is judged by"
    raise ConfigError(document.name, [said], hint=f"jq '.[0]' {document.name} > canary.json")


def _part(document: Document, at: tuple[str | int, ...], data: Any) -> Document:
    """What is at a place of the document, as a document with the lines of the whole."""
    depth = len(at)
    part = Document(document.name, data)
    part.lines = {place[depth:]: line for place, line in document.lines.items() if place[:depth] == at}
    part.problems = {place[depth:]: text for place, text in document.problems.items() if place[:depth] == at}
    return part


def _keep_other_problems(config: Document, document: Document, parts: Sequence[Document]) -> None:
    """What is wrong with the text outside of the parts is told as well."""
    known = {(part.line(at), text) for part in parts for at, text in part.problems.items()}
    for at, text in document.problems.items():
        line = document.line(at)
        if (line, text) not in known:
            outside = (f"line {line}", text)
            config.lines[outside], config.problems[outside] = line, text


def _unread(request: Document, name: str, read: Collection[str]) -> list[str]:
    keys = [key for key in request.data if key not in read]
    if not keys:
        return []
    only = f"{' and '.join(read)} {'is' if len(read) == 1 else 'are'}"
    return [f"{request.name}:{request.line((keys[0],))}: of {name} only {only} read, not {', '.join(keys)}"]
