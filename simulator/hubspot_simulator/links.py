"""The project's address on the web. Every link that this project prints or publishes is made from it."""

from __future__ import annotations

PROJECT_URL = ""  # The repository's page. Empty until it is public: then there is no link, never a guessed one.


def files_url() -> str:
    """Return the address below which the repository's files are shown, without a slash at its end; or an empty text."""
    return PROJECT_URL and f"{PROJECT_URL}/blob/main"


def project_urls() -> dict[str, str]:
    """Return what ``[project.urls]`` in pyproject.toml must hold: nothing while the address is not known."""
    if not PROJECT_URL:
        return {}
    return {
        "Homepage": PROJECT_URL,
        "Changelog": f"{files_url()}/CHANGELOG.md",
        "Issues": f"{PROJECT_URL}/issues",
    }
