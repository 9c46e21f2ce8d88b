"""The pages that people see at ``/oauth/authorize``.

They are the simulator's own: they do not look like HubSpot's, and say so. Each is one document that loads nothing and
needs no script.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from ...core.consent import AuthorizationRequest
from ...core.model import Portal
from ._scopes import in_words
from ._style import ICON, STYLE

FIELDS = ("portal", "optional", "decision")  # of the form, beside the parameters of the URL
TOKEN = "form_token"  # the field that a page of another origin cannot know
_LISTED = 6  # so many accounts are shown at once; more go into a drop-down list


def ask(
    request: AuthorizationRequest, portals: Sequence[Portal], selected: Portal, parameters: Mapping[str, str]
) -> str:
    """Return the page that asks a user to connect an app.

    ``parameters`` are those of the URL: they come back with the form, which is posted to the path of the page.
    """
    # Connect comes before Cancel: the first button is the one that Enter presses.
    return _document(
        f"Connect {request.app.name}",
        f"""\
<form method="post" action="?" autocomplete="off">
{_hidden(parameters)}
<h1>Connect <bdi>{escape(request.app.name)}</bdi></h1>
<p class="lead">Choose the account it may use, and check what it may do there.</p>
{_accounts(portals, selected)}
{_required(request.scopes)}
{_optional(request.optional_scopes)}
<div class="actions">
<button name="decision" value="connect">Connect</button>
<button name="decision" value="cancel">Cancel</button>
</div>
<p class="small">Connect takes you back to <code>{escape(request.redirect_uri)}</code></p>
</form>""",
    )


def refused(message: str) -> str:
    """Return the page that says why HubSpot refuses."""
    return _document(
        "Couldn't complete the connection",
        f"""\
<h1>Couldn't complete the connection</h1><p>{escape(message)}</p>
<p class="small">This is what HubSpot would say. The simulator's journal tells what exactly is wrong.
No redirect follows: the app hears nothing of it.</p>""",
    )


def not_from_here() -> str:
    """Return the page for a form that is not from the page that this simulator showed."""
    return _document(
        "Open the link again",
        """\
<h1>Open the link again</h1><p>This form is not from the page that the simulator shows now: it was restarted since, or
another page sent the form. Nothing was connected.</p>
<p class="small">Go back to your app and start again.</p>""",
    )


def cancelled() -> str:
    """Return the page after a cancellation."""
    return _document(
        "Nothing was connected",
        """\
<h1>Nothing was connected</h1><p>You cancelled. The app got no access to any account.</p>
<p class="small">No redirect follows: the app hears nothing of it. You can close this page, or go back and decide
again.</p>""",
    )


def _document(title: str, main: str) -> str:
    return f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)} – HubSpot simulator</title>
<link rel="icon" href="{ICON}">
<style>{STYLE}</style>
</head>
<body>
<header><strong>Simulator</strong> This is not HubSpot. Nothing here reaches a real account.</header>
<main>
{main}
</main>
</body>
</html>
"""


def _hidden(parameters: Mapping[str, str]) -> str:
    return "\n".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in parameters.items()
        if name not in FIELDS
    )


def _accounts(portals: Sequence[Portal], selected: Portal) -> str:
    ordered = [selected, *(portal for portal in portals if portal is not selected)]
    if len(ordered) > _LISTED:
        options = "\n".join(
            f'<option value="{portal.hub_id}"{" selected" if portal is selected else ""}>'
            f"{escape(portal.hub_domain)} ({escape(_facts(portal))})</option>"
            for portal in ordered
        )
        return f'<label for="portal">Account</label>\n<select id="portal" name="portal">\n{options}\n</select>'
    rows = (
        _choice(
            f'type="radio" name="portal" value="{portal.hub_id}"{" checked" if portal is selected else ""}',
            f"<bdi>{escape(portal.hub_domain)}</bdi>",
            escape(_facts(portal)),
        )
        for portal in ordered
    )
    return f'<fieldset class="accounts">\n<legend>Account</legend>\n{_lines(rows)}\n</fieldset>'


def _facts(portal: Portal) -> str:
    """Return what tells an account from others, beside its domain."""
    region = "" if portal.hublet == "na1" else f" · {portal.hublet}"
    return f"Hub ID {portal.hub_id}{region}{' · developer account' if portal.developer else ''}"


def _required(scopes: Sequence[str]) -> str:
    if not scopes:
        return ""
    rows = (f"<li>{_named(*_scope(scope))}</li>" for scope in scopes)
    return f'<h2>Required access</h2>\n<ul class="scopes" role="list">\n{_lines(rows)}\n</ul>'


def _optional(scopes: Sequence[str]) -> str:
    if not scopes:
        return ""
    rows = (
        _choice(f'type="checkbox" name="optional" value="{escape(scope)}" checked', *_scope(scope)) for scope in scopes
    )
    return f"""\
<fieldset>
<legend>Optional access</legend>
<p class="small">Untick what the app should not get. What an account lacks is left out.</p>
<div class="scopes">
{_lines(rows)}
</div>
</fieldset>"""


def _scope(scope: str) -> tuple[str, str]:
    """Return the name of a scope and what is said below it, as HTML."""
    words = in_words(scope)
    code = re.sub("([._])", r"\1<wbr>", f"<code>{escape(scope)}</code>")  # where a line may break
    return (escape(words), code) if words else (code, "")


def _choice(attributes: str, name: str, below: str) -> str:
    return f'<label class="choice"><input {attributes}>{_named(name, below)}</label>'


def _named(name: str, below: str) -> str:
    return f"<span>{name}{f' <small>{below}</small>' if below else ''}</span>"


def _lines(rows: Iterable[str]) -> str:
    return "\n".join(rows)
