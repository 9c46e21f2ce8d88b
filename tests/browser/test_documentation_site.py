"""The documentation site: it builds without a warning or a network, fits a phone, and can be searched."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

DOCS = Path(__file__).resolve().parents[2] / "docs"
WAIT_S = 30
WIDE, PHONE = 1280, 360
# The theme clips what is too wide, so that the page's own width tells nothing: every element is measured. What a table
# or a block of code scrolls by itself may be wider than the window.
TOO_WIDE = """
const article = document.querySelector("article");
const scrolled = e => {
  for (let box = e.parentElement; box !== article; box = box.parentElement)
    if (["auto", "scroll"].includes(getComputedStyle(box).overflowX)) return true;
  return false;
};
const outside = e => e.getBoundingClientRect().right > innerWidth + 0.5;
const culprits = [...article.querySelectorAll("*")].filter(e => outside(e) && !scrolled(e)).map(e => e.outerHTML);
const page = document.documentElement;
if (page.scrollWidth > innerWidth) culprits.push(`the page is ${page.scrollWidth} pixels wide`);
return culprits.slice(0, 3).map(html => html.slice(0, 200));
"""


def build(source: Path, target: Path, *options: str) -> str:
    """Build a folder of pages into another one, and return the warnings."""
    for module, distribution in (("sphinx", "sphinx"), ("myst_parser", "myst-parser"), ("furo", "furo")):
        pytest.importorskip(module, reason=f"{distribution} builds the documentation: tox -e docs has it")
    command = [sys.executable, "-m", "sphinx", "-q", "-d", str(target.parent / "doctrees"), *options]
    done = subprocess.run(
        [*command, str(source), str(target)], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built site."""
    folder = tmp_path_factory.mktemp("site") / "html"
    assert build(DOCS, folder, "-W", "--keep-going") == ""
    return folder


class Handler(SimpleHTTPRequestHandler):
    """Serves the files of a folder, and logs nothing. The site has no icon for the browser's tab."""

    def do_GET(self) -> None:
        if self.path == "/favicon.ico":
            self.send_response(204)
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Where the site is served: from a file the search cannot fetch what it shows of a page."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def pages(site: Path) -> list[Path]:
    """Every page that was built."""
    found = sorted(site.glob("*.html"))
    assert {page.stem for page in found} >= {page.stem for page in DOCS.glob("*.md")}
    return found


def test_a_page_loads_nothing_from_elsewhere(pages: list[Path]) -> None:
    loads = re.compile(r"<(?:link|script|img|iframe)\b[^>]*\b(?:href|src)=\"(?:https?:)?//[^>]*>")
    assert [(page.name, load) for page in pages for load in loads.findall(page.read_text("utf-8"))] == []


def test_a_link_to_a_file_outside_leads_to_the_code_host_if_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(DOCS / "_extensions"))
    (tmp_path / "README.md").touch()
    (tmp_path / "examples").mkdir()
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text(
        "# Page\n\n[The README](../README.md#settings), [the examples](../examples), [none](../nothing.md)\n", "utf-8"
    )
    options = ["-C", "-D", "extensions=myst_parser,repository_links"]
    warnings = build(tmp_path / "docs", tmp_path / "plain", *options)
    assert len(warnings.splitlines()) == 1
    assert "link to a file that does not exist" in warnings
    [paragraph] = re.findall(r"<p>(.*the examples.*)</p>", (tmp_path / "plain" / "index.html").read_text("utf-8"))
    assert "<a" not in paragraph
    assert re.sub("<.*?>", "", paragraph) == "The README, the examples, none"

    url = "https://example.test/blob/main"
    build(tmp_path / "docs", tmp_path / "linked", *options, "-E", "-D", f"repository_files_url={url}")
    page = (tmp_path / "linked" / "index.html").read_text("utf-8")
    linked = re.findall(r'href="(https://example[^"]+)"><span[^>]*>(.*?)</span></a>', page)
    assert linked[:2] == [(f"{url}/README.md#settings", "The README"), (f"{url}/examples", "the examples")]


def test_every_exported_name_has_its_place(site: Path) -> None:
    inventory = zlib.decompress((site / "objects.inv").read_bytes().split(b"zlib.\n", 1)[1]).decode()
    names = set(re.findall(r"^(\S+) py:", inventory, re.MULTILINE))
    exported = {
        f"{module}.{name}"
        for module in ("pytest_hubspot_auth", "hubspot_simulator")
        for name in import_module(module).__all__
    }
    both = {name.partition(".")[2] for name in exported if f"hubspot_simulator.{name.partition('.')[2]}" in names}
    assert {name for name in exported - names if name.partition(".")[2] not in both} == set()


@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_no_page_scrolls_sideways(
    browser: Chrome, show: Callable[[int, str], None], address: str, pages: list[Path], width: int
) -> None:
    show(width, "light")
    too_wide = {}
    for page in pages:
        browser.get(f"{address}/{page.name}")
        if culprits := browser.execute_script(TOO_WIDE):
            too_wide[page.name] = culprits
    assert too_wide == {}


def test_the_search_finds_a_page(browser: Chrome, address: str) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get(f"{address}/search.html?{urlencode({'q': 'answer_lost'})}")
    links = "return [...document.querySelectorAll('#search-results li a')].map(a => a.getAttribute('href'))"
    found = WebDriverWait(browser, WAIT_S).until(lambda browser: browser.execute_script(links))
    assert any(link.startswith("faults.html") for link in found)
