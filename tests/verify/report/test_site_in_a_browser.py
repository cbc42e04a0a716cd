"""The report in a real browser: nothing in the console, every link reached, every formula seen."""

import contextlib
import http.server
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from html import unescape
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER = next((found for found in map(shutil.which, NAMES) if found), None)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--v=0",
]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        BROWSER is None,
        reason=f"THE REPORT WAS NOT LOOKED AT: no browser found ({', '.join(NAMES)}); install chromium",
    ),
]

# Runs inside the page, after it is loaded: what a reader would see, as JSON in an element of its own.
PROBE = """
<script>
addEventListener("load", async () => {
  await document.fonts.load("16px 'STIX Two Math'");
  await document.fonts.ready;
  document.querySelectorAll("details").forEach(each => each.open = true);
  const boxes = [...document.querySelectorAll("math")].map(each => each.getBoundingClientRect());
  const reached = {};
  for (const each of document.querySelectorAll("a[href]"))
    reached[each.href] ??= (await fetch(each.href.split("#")[0])).status;
  const seen = {
    formulas: boxes.length,
    smallest: Math.min(...boxes.map(box => Math.min(box.width, box.height))),
    brackets: Math.max(...[...document.querySelectorAll("mo")].map(each => each.getBoundingClientRect().height)),
    font: document.fonts.check("16px 'STIX Two Math'"),
    errors: [...document.querySelectorAll("merror, parsererror")].length,
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    panes: [...document.querySelectorAll(".pane")].map(each => each.scrollHeight > each.clientHeight),
    reached,
  };
  const report = document.createElement("pre");
  report.id = "probe"; report.textContent = JSON.stringify(seen);
  document.body.append(report);
});
</script>
"""


class _Server(http.server.SimpleHTTPRequestHandler):
    """Serves the site, the probe in every page, and keeps what was asked for in vain."""

    missing: list[str]

    def __init__(self, *arguments: Any, missing: list[str], **options: Any) -> None:
        self.missing = missing
        super().__init__(*arguments, **options)

    def send_head(self) -> Any:
        path = Path(self.translate_path(self.path))
        if path.suffix != ".html" or not path.is_file():
            return super().send_head()
        content = path.read_text(encoding="utf-8").replace("</body>", PROBE + "</body>").encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        return None

    def send_error(self, code: int, *arguments: Any) -> None:
        self.missing.append(f"{code} {self.path}")
        super().send_error(code, *arguments)

    def log_message(self, *arguments: Any) -> None:
        pass


@contextlib.contextmanager
def served(folder: Path) -> Iterator[tuple[str, list[str]]]:
    missing: list[str] = []
    handler = partial(_Server, directory=str(folder), missing=missing)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", missing
        finally:
            server.shutdown()
            thread.join()


def looked_at(address: str, profile: Path, width: int) -> tuple[dict[str, Any], list[str]]:
    """What the probe saw, and what the browser wrote to its console."""
    assert BROWSER is not None
    command = [BROWSER, *FLAGS, f"--user-data-dir={profile}", f"--window-size={width},900", "--timeout=60000"]
    ran = subprocess.run(
        [*command, "--virtual-time-budget=60000", "--dump-dom", address], capture_output=True, text=True, timeout=120
    )
    console = [line for line in ran.stderr.splitlines() if ":CONSOLE" in line]
    found = re.search(r'<pre id="probe">(.*?)</pre>', ran.stdout, re.DOTALL)
    assert found, f"the page was not loaded:\n{ran.stderr[-2000:]}"
    return json.loads(unescape(found.group(1))), console


@pytest.mark.parametrize("page", ["index.html", "lemmas/lemma_3_2_similarity.html", "lemmas/low_rank.html"])
def test_a_page_shows_its_formulas_reaches_its_links_and_says_nothing_in_the_console(site, pages, page, tmp_path):
    with served(site) as (root, missing):
        seen, console = looked_at(f"{root}/{page}", tmp_path, 1280)
    assert console == []
    assert missing == []
    assert set(seen["reached"].values()) == {200}
    assert len(seen["reached"]) >= 5
    assert seen["wide"] <= 0  # nothing makes the page scroll sideways
    assert seen["font"]
    assert seen["errors"] == 0
    assert seen["formulas"] == pages[page].formulas
    if page.startswith("lemmas/"):
        assert seen["formulas"] > 20
        assert seen["smallest"] > 3  # pixels; a formula that is not set has none
        assert seen["brackets"] > 30  # large brackets grow only with a mathematical font
    if page.endswith("similarity.html"):
        assert seen["panes"] == [True, True]  # program and kernel scroll, each by itself


def test_a_telephone_need_not_scroll_sideways(site, tmp_path):
    with served(site) as (root, _):
        seen, console = looked_at(f"{root}/lemmas/lemma_3_2_similarity.html", tmp_path, 500)
    assert seen["wide"] <= 0
    assert console == []


def test_a_dead_link_and_a_fault_in_the_console_would_be_seen(site, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(site, broken)
    text = (broken / "index.html").read_text()
    fault = '<a href="nowhere.html">x</a><script>console.error("planted")</script>'
    (broken / "index.html").write_text(text.replace("</main>", f"{fault}</main>"))
    with served(broken) as (root, missing):
        seen, console = looked_at(f"{root}/index.html", tmp_path / "profile", 1280)
    assert 404 in seen["reached"].values()
    assert missing == ["404 /nowhere.html"]
    assert any("planted" in line for line in console)
