"""Links to files of the repository outside docs/ lead to the code host, or become plain text without one.

On a code host such a link (``../README.md``) works as it is. The site holds the pages of docs/ only.
"""

from __future__ import annotations

from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

logger = logging.getLogger(__name__)


class RepositoryLinks(SphinxTransform):
    """Replaces MyST's references to files outside the source folder. A file that does not exist is a warning."""

    default_priority = 5  # before Sphinx copies what it takes for downloads

    def apply(self) -> None:
        docs = Path(self.env.srcdir).resolve()
        for node in [
            *self.document.findall(addnodes.pending_xref),
            *self.document.findall(addnodes.download_reference),
        ]:
            if node.get("reftype") != "myst":
                continue
            path, _, anchor = node["reftarget"].partition("#")
            target = Path(docs, self.env.docname).parent.joinpath(path).resolve()
            if not path or target.is_relative_to(docs) or not target.is_relative_to(docs.parent):
                continue
            if node.get("refdomain") == "doc":  # MyST has taken the suffix away
                target, anchor = target.with_name(f"{target.name}.md"), node["reftargetid"] or ""
            if not target.exists():
                logger.warning("link to a file that does not exist: %s", target, location=node)
            node.replace_self(self.replacement(node, target.relative_to(docs.parent).as_posix(), anchor))

    def replacement(self, node: nodes.Element, path: str, anchor: str) -> list[nodes.Node]:
        """Return a link to the code host, or the text of the link alone."""
        if not self.config.repository_files_url:
            return node.children
        url = f"{self.config.repository_files_url.rstrip('/')}/{path}"
        return [nodes.reference("", "", *node.children, refuri=f"{url}#{anchor}" if anchor else url)]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the transform and its configuration value."""
    app.add_config_value("repository_files_url", "", "env", str)
    app.add_transform(RepositoryLinks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
