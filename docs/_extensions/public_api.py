"""Directives for the API reference, and how it shows types that it does not document."""

from __future__ import annotations

from docutils import nodes
from public_names import fixture_reference, package_reference
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class PublicNames(SphinxDirective):
    """``.. public-names:: PACKAGE`` documents every name that a package exports."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        return self.parse_text_to_nodes(package_reference(self.arguments[0]))


class Fixtures(SphinxDirective):
    """``.. fixtures::`` documents every public fixture of the plugin."""

    def run(self) -> list[nodes.Node]:
        return self.parse_text_to_nodes(fixture_reference())


def skip_scenarios(app: Sphinx, kind: str, name: str, value: object, skip: bool, options: object) -> bool | None:
    """Leave out the tests of HubSpotRefreshSuite: a page of their own describes them."""
    return True if name.startswith("test_") else None


def show_as_text(app: Sphinx, env: object, node: nodes.Element, text: nodes.Element) -> nodes.Element | None:
    """Show a type as text if the reference lacks it: the standard library's, pytest's, a private one.

    What a page or a docstring refers to by a role must exist. Only such a reference has the attribute ``refwarn``.
    """
    return text if node.get("refdomain") == "py" and "refwarn" not in node else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives and the two hooks."""
    app.add_directive("public-names", PublicNames)
    app.add_directive("fixtures", Fixtures)
    app.connect("autodoc-skip-member", skip_scenarios)
    app.connect("missing-reference", show_as_text)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
