"""What looks like a secret, whoever gave it out: a real token of HubSpot may have got into a test by mistake.

Every expression here takes time in proportion to the text, whatever the text is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from . import tokens

_Span = tuple[int, int]

_UUID = "[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
# hublet and UUID: refresh tokens, codes, private apps' tokens
_HUBLET_TOKEN = re.compile(rf"(?<![A-Za-z0-9])(?:pat-)?[a-z]{{2}}\d{{1,2}}-{_UUID}(?![A-Za-z0-9])", re.IGNORECASE)
_JWT = re.compile(r"(?<![A-Za-z0-9_-])eyJ[\w-]{5,4096}\.[\w-]{5,8192}(?:\.[\w-]{0,2048})?", re.ASCII)
_RUN = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{32,}={0,2}")
_SHORTEST_RUN = 32
_PART = re.compile("[^/]+")
_WORD = re.compile("[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_REPEATED = re.compile(r"(.)\1{3,}")
_RANDOM = 2.8  # characters a word: 2 in base64, 4 in names that people give

_SCHEME = re.compile(r"(?<![A-Za-z])(bearer|basic|digest|token)(?:[ \t]{1,4}|\+)[\"']?", re.IGNORECASE)
_SEGMENT = re.compile(r"/(?:access|refresh|private-app)?-?tokens?/", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"://[^/\s:@?#]{1,256}:([^/\s@]{1,256})@")

# A name, then what may stand between it and its value: = : => "," > or, after --name, a blank.
_NAME = re.compile(
    r"(?<![\w.-])(?P<dashes>--?|setenv[ \t]|-g?x[ \t])?(?P<name>[A-Za-z_][\w.-]{1,63})(?P<between>[\"'\])[`*]{0,3})",
    re.ASCII,
)
_BETWEEN = re.compile(
    r"(?P<blank>\s{0,4})"
    r"(?P<sign>,?\s{0,40}[\"']?value[\"']?\s{0,4}[:=]|:=|=>|->|[=:,>|\uff1a]|;s:\d{1,5}:|\r?\n\r?\n|[ \t])"
    r"\s{0,4}(?:string\(\d{1,5}\)\s)?(?P<open>[\[(]{0,2}[bru]{0,2}[\"'`]?)"
)
_IN_PROSE = re.compile(  # or in a table
    rf"(?:secret|hapikey|token|password|verifier|api[ _-]?key)[\"'`*)]{{0,4}}(?:[\s,|]{{1,40}}|\s(?:is|was)\s)"
    rf"(?:VALUES\s)?[\"'`(]{{0,3}}({_UUID})(?![\w-])",
    re.IGNORECASE,
)
_ENDINGS = tuple(
    "token secret hapikey apikey password passwd pwd passphrase verifier credential credentials authorization "
    "accesskey privatekey signingkey securitykey csrf xsrf sessionid sid cookie jwt clientassertion tokenkey".split()
)
_WHOLE_NAMES = {"code", "authcode", "authorizationcode", "pat"}
_NO_SECRETS = {"ratelimittoken", "basicauth"}  # settings
_NOTHING = {"none", "null", "true", "false", "undefined", "absent", "missing", "unknown", "str", "bytes", "string"}
_QUOTES = ("'", '"', "`")
_NUMBER_OR_CONSTANT = re.compile(r"\d{1,5}|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")  # an error's code: 23505, ECONNRESET
_COOKIES = re.compile(r"(?<![A-Za-z])cookie[\"']?\s{0,4}[:=,]\s{0,4}b?[\"']?([^\n\"']{1,8192})", re.IGNORECASE)
_COOKIE = re.compile(r"(?:^|[;,]\s?)([^=;,\s]{1,256})=([^;,\s]{8,4096})")
_COOKIE_ATTRIBUTES = {"path", "domain", "expires", "max-age", "samesite", "priority"}
_USER = re.compile(
    r"(?<![\w-])(?:-u|--user|--proxy-user)[ =\t][\"']?[^\s:\"']{1,256}:(?!\d{1,6}(?:\s|$))([^\s\"']{1,256})"
)
_UNQUOTED = re.compile(r"[^\s\"'`&,;<>(){}\[\]|]{1,1024}")
_SEGMENT_VALUE = re.compile(r"[^/?#\s\"'`&{<*]{1,1024}")
_EXPRESSION = re.compile(r"[A-Za-z_]+(?:\.[A-Za-z_]+)+|\$.*")
_LONG_WITH_DIGIT = re.compile(r"(?=.{0,1023}[0-9]).{8}")
_SHORTENED = re.compile(r"[^…]{0,4}…[^…]{0,4}")
_NUMBER_OF_A_STATUS = re.compile(r"-?\d{1,3}")


def find(text: str) -> Iterator[_Span]:
    """Yield start and end of what looks like a secret."""
    for expression in (_HUBLET_TOKEN, _JWT):
        for found in expression.finditer(text):
            yield found.span()
    for found in _RUN.finditer(text):
        yield from _random_parts(found[0], found.start())
    for found in (*_URL_PASSWORD.finditer(text), *_USER.finditer(text)):
        if not _SHORTENED.fullmatch(found[1]):
            yield found.span(1)
    for found in _IN_PROSE.finditer(text):
        yield found.span(1)
    yield from _after_schemes(text)
    yield from _in_cookies(text)
    yield from _in_paths(text)
    yield from _named(text)


def _random_parts(run: str, offset: int) -> Iterator[_Span]:
    """Yield what looks random in a run of base64 characters, without the words of a path before and behind it."""
    mixed = [found.span() for found in _PART.finditer(run) if _is_mixed(found[0])]
    if mixed:
        for first, last in [(mixed[0][0], mixed[-1][1]), *mixed]:
            if last - first >= _SHORTEST_RUN and looks_random(run[first:last]):
                yield offset + first, offset + last


def _is_mixed(part: str) -> bool:
    return not part.islower() and any(map(str.isalpha, part))


def looks_random(run: str) -> bool:
    """Tell whether a run of base64 characters was not written by a person, and is no hexadecimal number."""
    if run.islower() or run.isupper() or not any(char.isdigit() for char in run):
        return False
    squeezed = _REPEATED.sub(r"\1", run)  # HubSpot's tokens are full of AAAA
    return len(squeezed) <= _RANDOM * len(_WORD.findall(squeezed)) or _is_access_token(run)


def _is_access_token(run: str) -> bool:
    token = tokens.try_parse(run.rstrip("="))
    return token is not None and bool(token.signature)


def _after_schemes(text: str) -> Iterator[_Span]:
    for found in _SCHEME.finditer(text):
        value = _UNQUOTED.match(text, found.end())
        if value is None or _is_prose(value[0]) or _SHORTENED.fullmatch(value[0]):
            continue
        if found[1].lower() in ("bearer", "basic") or _LONG_WITH_DIGIT.match(value[0]):
            yield value.span()


def _is_prose(value: str) -> bool:
    """Tell whether what follows a scheme or a name is a word, of "basic authentication" or "token: unknown"."""
    word = value.rstrip(".:!?").replace("-", "").replace("_", "").replace("/", "")
    return len(word) < 24 and (not any(map(str.isalnum, word)) or (word.isalpha() and word[1:].islower()))


def _in_cookies(text: str) -> Iterator[_Span]:
    for header in _COOKIES.finditer(text):
        for found in _COOKIE.finditer(header[1]):
            if found[1].lower() not in _COOKIE_ATTRIBUTES and not _SHORTENED.fullmatch(found[2]):
                yield header.start(1) + found.start(2), header.start(1) + found.end(2)


def _in_paths(text: str) -> Iterator[_Span]:
    for found in _SEGMENT.finditer(text):
        value = _SEGMENT_VALUE.match(text, found.end())
        if value and not _is_prose(value[0]) and not _SHORTENED.fullmatch(value[0]):
            yield value.span()


def _named(text: str) -> Iterator[_Span]:
    done = 0
    for found in _NAME.finditer(text):
        if found.start() < done or not is_secret_name(found["name"]):
            continue
        between = _BETWEEN.match(text, found.end())
        if between is None:
            continue
        sign, quote = between["sign"], between["open"][-1:]
        if sign == "," and not (found["between"] and quote):  # ("name", "value")
            continue
        if sign in " \t" and not found["dashes"]:  # --name value
            continue
        if sign == ">" and (quote or text[found.start() - 1 : found.start()] != "<"):  # <name>value
            continue
        quoted = quote in _QUOTES
        sure = (sign == ":" and quoted) or (sign not in (":", ",", "|") and not (between["blank"] and not quoted))
        span = _value(text, between.end(), quote, sure=sure)
        if span is not None and not (found["name"] == "code" and _NUMBER_OR_CONSTANT.fullmatch(text, *span)):
            done = span[1]
            yield span


@lru_cache(maxsize=1024)
def is_secret_name(name: str) -> bool:
    """Tell whether a member, field, header or variable of this name holds a secret."""
    plain = re.sub("[^a-z]", "", name.lower())
    return (plain.endswith(_ENDINGS) or plain in _WHOLE_NAMES) and plain not in _NO_SECRETS


def _value(text: str, start: int, quote: str, *, sure: bool) -> _Span | None:
    """Return where the value is that begins at ``start``, ``quote`` before it; None when it is no secret."""
    scheme = _SCHEME.match(text, start)
    start = scheme.end() if scheme else start
    if quote and quote in _QUOTES:
        end = start
        limit = min(len(text), start + 4096)
        while end < limit and text[end] not in (quote, "\n"):
            end += 1
    else:
        unquoted = _UNQUOTED.match(text, start)
        end = unquoted.end() if unquoted else start
        if _EXPRESSION.fullmatch(text, start, end) or text[end : end + 1] in ("(", "["):  # Python, not a value
            return None
    value = text[start:end]
    harmless = (
        not value
        or value.lower() in _NOTHING
        or is_secret_name(value)
        or value[0] in "<{$*="
        or _SHORTENED.fullmatch(value)
        or _NUMBER_OF_A_STATUS.fullmatch(value)
        or ((not sure or " " in value) and not any(map(str.isdigit, value)))
        or (not sure and _is_prose(value))
    )
    return None if harmless else (start, end)
