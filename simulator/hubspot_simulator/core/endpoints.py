"""Which endpoint a path or a pattern means, and which come near one that means none."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches
from functools import lru_cache

from .crm.types import spellings
from .endpoint_table import ENDPOINTS, OBJECTS, VERSIONS
from .glob import matches

# What HubSpot serves beside the objects themselves, where the path of an object would read it as an id.
ACTIONS = frozenset({"search", "merge", "gdpr-delete"})
SERVED = tuple((endpoint.method, endpoint.template) for endpoint in ENDPOINTS)
_AUTHENTICATED = frozenset(endpoint.template for endpoint in ENDPOINTS if endpoint.bearer)
_NEAR = 0.5
_A_VERSION = re.compile(r"v[0-9]+|20[0-9]{2}-[0-9]{2}(-beta)?")
_PLACEHOLDER = re.compile(r"\{\w+\}")
_AS_AN_ID = re.compile(r".*[0-9@.].*")  # ids are numbers or e-mail addresses; tokens have digits


@lru_cache(maxsize=1024)
def is_reachable(method: str | None, pattern: str | None, among: str | None = "*") -> bool:
    """Tell whether any call that is served has the method and a path that a pattern stands for.

    ``pattern`` is a literal path, a template, or one with ``*``; None stands for every authenticated call, as a method
    of None does for any. ``among`` is another pattern, which the same call has to have.
    """
    return any(
        method in (None, served, _as_head(served)) and _means(pattern, template) and _means(among, template)
        for served, template in SERVED
    )


def _as_head(method: str) -> str | None:
    return "HEAD" if method == "GET" else None


def _means(pattern: str | None, template: str) -> bool:
    if pattern is None:
        return template in _AUTHENTICATED
    pattern = pattern.rstrip("/") or "/"
    if pattern == template:
        return True
    if "*" not in pattern:
        return _is_path_of(pattern, template)
    return any(matches(pattern, path) for path in _examples(template, _ids(pattern)))


def _is_path_of(path: str, template: str) -> bool:
    segments, wanted = path.split("/"), template.split("/")
    return len(segments) == len(wanted) and all(map(_is_segment, segments, wanted))


def _is_segment(segment: str, wanted: str) -> bool:
    if wanted == "{type}":
        return segment.lower() in spellings()
    if wanted in VERSIONS:
        return segment in VERSIONS[wanted]
    if wanted == "{hub_id}":
        return segment.isdecimal()
    if wanted.startswith("{"):
        return bool(segment) and "{" not in segment and segment not in ACTIONS
    return segment == wanted


def _ids(pattern: str) -> list[str]:
    """Return ids for the paths that a pattern is tried on: some id, and those that stand in the pattern itself."""
    own = {segment for segment in pattern.split("/") if _AS_AN_ID.fullmatch(segment.replace("*", ""))}
    return ["1", *(segment.replace("*", "1") for segment in own)]


def _examples(template: str, ids: Iterable[str]) -> Iterable[str]:
    """Return paths of a template, so that each of its segments takes all that it may be."""
    found = _PLACEHOLDER.search(template)
    if found is None:
        yield template
        return
    values = spellings() if found[0] == "{type}" else VERSIONS.get(found[0], ids)
    for value in values:
        yield from _examples(template.replace(found[0], value, 1), ids)


def action(method: str, path: str) -> str:
    """Return the endpoint of HubSpot's that stands in the place of an object; empty when the call is none."""
    head, _, word = path.rstrip("/").rpartition("/")
    prefix = next((prefix for prefix in OBJECTS if _is_path_of(head, prefix)), "")
    return f"POST {prefix}/{word}" if method == "POST" and word in ACTIONS and prefix else ""


def word_read_as_id(path: str) -> str:
    """Return the last segment of a path if it stands where an id does and does not look like one; else nothing."""
    word = path.rstrip("/").rpartition("/")[2]
    as_object = any(_is_path_of(path.rstrip("/"), f"{prefix}/{{id}}") for prefix in OBJECTS)
    return "" if _AS_AN_ID.fullmatch(word) or not as_object else word


def methods(pattern: str | None) -> list[str]:
    """Return the methods of the calls that a pattern stands for."""
    return sorted({method for method, _ in SERVED if is_reachable(method, pattern)})


def nearest(method: str | None, path: str) -> str:
    """Return the method and the template that a call which is not served may have meant; empty when none comes near."""
    segments = [segment for segment in path.split("/") if segment] or [""]
    near = [
        (distance, served != method, index, f"{served} {template}")
        for index, (served, template) in enumerate(SERVED)
        if (distance := _distance(segments, template.strip("/").split("/"))) <= _NEAR
    ]
    return min(near)[3] if near else ""


def suggested(pattern: str) -> str:
    """Return what a pattern that means nothing may have meant: a pattern, or a call; empty when nothing comes near."""
    for _, template in SERVED:
        if _PLACEHOLDER.sub("{}", pattern) == _PLACEHOLDER.sub("{}", template):
            return template
    segments = pattern.split("/")
    for index, segment in enumerate(segments):
        for close in get_close_matches(segment.lower(), _words(), n=3, cutoff=0.7):
            other = "/".join([*segments[:index], close, *segments[index + 1 :]])
            if other != pattern and is_reachable(None, other):
                return other
    return "" if "*" in pattern else nearest(None, pattern)


@lru_cache(maxsize=1)
def _words() -> tuple[str, ...]:
    literal = {part for _, template in SERVED for part in template.split("/") if part and not part.startswith("{")}
    return (*sorted(literal), *spellings())


def _distance(segments: list[str], wanted: list[str]) -> float:
    """Return how far a path is from a template: 0 if it is one of it, above ``_NEAR`` if it is another path."""
    if len(segments) == len(wanted):
        return sum(
            0 if _is_segment(segment, want) else 1 - _alike(segment, want)
            for segment, want in zip(segments, wanted, strict=True)
        )
    if len(segments) == len(wanted) - 1:
        for left_out, want in enumerate(wanted):
            rest = wanted[:left_out] + wanted[left_out + 1 :]
            if (want in VERSIONS or "{" not in want) and all(map(_is_segment, segments, rest)):
                return _NEAR
    return 1


def _alike(segment: str, wanted: str) -> float:
    """Return how much a segment is like what is wanted, from 0 to 1."""
    if _A_VERSION.fullmatch(segment) and (wanted in VERSIONS or _A_VERSION.fullmatch(wanted)):
        return 0.8
    values = spellings() if wanted == "{type}" else (wanted,)
    close = get_close_matches(segment.lower(), values, n=1, cutoff=0.7)
    return SequenceMatcher(None, segment.lower(), close[0]).ratio() if close else 0
