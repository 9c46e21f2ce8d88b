"""How Sphinx builds this folder into the documentation site. ``tox -e docs`` does it, with warnings as errors."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "pytest-hubspot-auth"
author = "The pytest-hubspot-auth authors"
release = metadata.version(project)

extensions = ["myst_parser", "sphinx.ext.autodoc", "public_api", "repository_links"]
exclude_patterns = ["_build", "_extensions"]
default_role = "code"  # what docstrings put in single backticks
nitpicky = True

# Where a code host shows the files of this repository, such as https://HOST/OWNER/NAME/blob/main. While it is empty,
# the site shows links to files outside docs/ as plain text.
repository_files_url = ""

myst_heading_anchors = 3  # pages link to each other's headings by the anchors that code hosts make

add_module_names = False  # the headings name the packages
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80

html_theme = "furo"
html_title = f"{project} {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_domain_indices = False  # of two packages
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
