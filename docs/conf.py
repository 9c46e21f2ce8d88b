"""How Sphinx builds this folder into the documentation site. ``tox -e docs`` does it, with warnings as errors."""

from __future__ import annotations

import sys
from pathlib import Path

from hubspot_simulator import __version__
from hubspot_simulator.links import files_url

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "pytest-hubspot-auth"
author = "The pytest-hubspot-auth authors"
release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "public_api", "repository_links"]
exclude_patterns = ["_build", "_extensions"]
default_role = "code"  # what docstrings put in single backticks
nitpicky = True

# While the project has no address, the site shows links to files outside docs/ as plain text.
repository_files_url = files_url()

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
