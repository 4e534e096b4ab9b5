#!/usr/bin/env python3
"""Shows the example page (examples/progress-widget) in a real browser, against a server with the demo's municipality.

    browser_check.py PATH_TO_BINARY

A headless Chromium opens the page, which gets its token from the page's own server and its figures from the service,
across origins. What the page then holds must be what the service answers to a plain request.

Without Chromium, this says loudly that nothing was tried, and does not fail.
"""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

from free_ports import free_ports

ROOT = Path(__file__).resolve().parent.parent
SERVER = ROOT / "examples/progress-widget/server.py"
MUNICIPALITY = "noerrelund"
STAGES = ("done", "in_progress", "not_started", "dropped")
ROUTE = "/v1/committees/{id}/progress"
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # Requests to this machine need no proxy.


@dataclass
class Node:
    """An element of the page as the browser holds it in the end."""

    tag: str
    attributes: dict[str, str | None]
    children: "list[Node | str]" = field(default_factory=list)

    def text(self) -> str:
        """Its text, unchanged."""
        return "".join(child if isinstance(child, str) else child.text() for child in self.children)

    def all(self) -> "Iterator[Node]":
        """Itself and the elements in it that a reader sees."""
        if "hidden" not in self.attributes and self.tag not in ("script", "style"):
            yield self
            for child in self.children:
                if isinstance(child, Node):
                    yield from child.all()

    def where(self, name: str, value: str | None = None) -> "list[Node]":
        """The elements that a reader sees with this attribute."""
        return [node for node in self.all() if name in node.attributes and value in (None, node.attributes[name])]

    def by_id(self, id_: str) -> "Node | None":
        """The element with this id, if a reader sees it."""
        return next(iter(self.where("id", id_)), None)


class Page(HTMLParser):
    """Reads what Chromium prints of a page; it closes every element."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.root = Node("", {})
        self.open = [self.root]
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, dict(attrs))
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def find_browser() -> str | None:
    """The Chromium on this machine."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next(filter(None, map(shutil.which, names)), None)


def status_of(url: str) -> int | None:
    """What the address answers; none where nothing listens yet."""
    try:
        with direct.open(url, timeout=2) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


@contextmanager
def running(command: list[str], url: str, ready: int, log: Path, **options: Any) -> Iterator[None]:
    """Runs a server until it is no longer needed; goes on once it answers at `url`."""
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, **options)
    try:
        until = time.monotonic() + 180
        while status_of(url) != ready:
            assert process.poll() is None, f"{command[0]} ended before it was ready:\n{end_of(log)}"
            assert time.monotonic() < until, f"{url} did not answer {ready} in time:\n{end_of(log)}"
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def end_of(log: Path) -> str:
    """The end of a log, without the token that --demo prints."""
    lines = log.read_text(errors="replace").splitlines()[-20:]
    return "\n".join("(a line with a token)" if "eyJ" in line else line for line in lines)


def shown(browser: str, folder: Path, url: str, seconds: int = 8) -> Node:
    """The page as it is after that many seconds of the browser's own clock, which skips all waiting."""
    profile = tempfile.mkdtemp(dir=folder)
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    flags += ["--no-proxy-server", "--disable-background-networking", "--disable-component-update", "--disable-extensions"]
    command = [browser, *flags, f"--user-data-dir={profile}", f"--virtual-time-budget={seconds * 1000}", "--dump-dom", url]
    # A session of its own, so that the browser's helpers end with it.
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    try:
        out, err = process.communicate(timeout=300)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        raise AssertionError(f"the browser did not finish {url}:\n{err.decode(errors='replace')[-2000:]}") from None
    page = out.decode()
    assert process.returncode == 0 and "<main" in page, f"the browser failed:\n{err.decode(errors='replace')[-2000:]}"
    assert "eyJ" not in page, "the page holds a token"
    return Page(page).root


def figures_on(node: Node) -> dict[str, str]:
    """The label and the numbers in a part of the page."""
    found = [(figure.attributes["data-figure"] or "", figure.text()) for figure in node.where("data-figure")]
    assert len(dict(found)) == len(found), f"a figure is shown twice: {found}"
    return dict(found)


def figures_of(block: dict[str, Any]) -> dict[str, str]:
    """What the page should hold of a set of figures."""
    assert block["expected"] == sum(block[stage] for stage in STAGES), block
    names = [stage for stage in STAGES if block["expected"] > 0] + [name for name in ("overdue", "stale") if block[name] > 0]
    return {"label": block["label"]} | {name: f"{block[name]:,}".replace(",", ".") for name in names}


def assert_bars(node: Node, block: dict[str, Any]) -> None:
    """The first bar has a segment per stage that has any, as wide as its number, and says the same in words."""
    bar = next(iter(node.where("role", "img")), None)
    if block["expected"] == 0:
        return
    assert bar is not None, "the bar is missing"
    segments = [child for child in bar.children if isinstance(child, Node)]
    expected = [(stage, f"flex: {block[stage]} 0 0") for stage in STAGES if block[stage] > 0]
    drawn = [(part.attributes["class"], (part.attributes["style"] or "")) for part in segments]
    assert [stage for stage, _ in drawn] == [stage for stage, _ in expected], drawn
    for (_, style), (_, beginning) in zip(drawn, expected):
        assert style.startswith(beginning), (style, beginning)
    words = bar.attributes["aria-label"] or ""
    assert all(f": {number}" in words for name, number in figures_of(block).items() if name in STAGES), words


def assert_shown(page: Node, answer: dict[str, Any]) -> None:
    """The page holds what the service answered, and nothing beyond it."""
    widget, own = page.by_id("widget"), page.by_id("own")
    assert widget is not None and widget.attributes["data-state"] == "shown", message_on(page)
    assert own is not None, "the figures are hidden"
    title = page.by_id("title")
    assert title is not None and title.text() == answer["title"], title
    assert figures_on(own) == figures_of(answer), (figures_on(own), answer)
    assert_bars(own, answer)
    children = answer["children"]["items"]
    below = page.by_id("below")
    assert (below is not None) == bool(children), "what is below the committee"
    if below is None:
        return
    subtree, rows = page.by_id("subtree"), below.where("data-key")
    assert subtree is not None and figures_on(subtree) == figures_of(answer["subtree"]), answer["subtree"]
    assert_bars(subtree, answer["subtree"])
    assert [row.attributes["data-key"] for row in rows] == [child["key"] for child in children], "the children"
    for row, child in zip(rows, children):
        assert figures_on(row) == figures_of(child), (figures_on(row), child)
        assert_bars(row, child)
        assert child["title"] in row.text(), child["title"]


def message_on(page: Node) -> str:
    """What the page says about how it went."""
    message = page.by_id("message")
    assert message is not None and message.attributes["role"] == "status", "the message is missing"
    return message.text()


def assert_refused(page: Node, state: str, *words: str) -> None:
    """The page says why it has no figures, and shows none."""
    widget = page.by_id("widget")
    assert widget is not None and widget.attributes["data-state"] == state, (widget and widget.attributes, message_on(page))
    assert all(word in message_on(page) for word in words), (message_on(page), words)
    assert page.where("data-figure") == [] and page.by_id("shown") is None, "figures are shown"


def answered(log: Path) -> list[int]:
    """The statuses with which the service answered requests for a committee's progress, from its log."""
    rows = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    spans = [row["span"] | {"status": row["status"]} for row in rows if row.get("message") == "answered"]
    return [span["status"] for span in spans if (span["method"], span["route"]) == ("GET", ROUTE)]


def check(binary: Path, browser: str, folder: Path) -> None:
    # What the caller has set up for a service of their own is not meant for this one.
    environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL" and not k.startswith("MEDSTRATEGI_")}
    api_port, page_port, narrow_port = free_ports(3)
    api = f"http://127.0.0.1:{api_port}"
    pages = {"progress": f"http://127.0.0.1:{page_port}", "narrow": f"http://127.0.0.1:{narrow_port}"}
    stranger = f"http://localhost:{page_port}"  # The same page, from an origin that the service doesn't know.
    environment |= {"MEDSTRATEGI_CORS_ORIGINS": ",".join(pages.values()), "MEDSTRATEGI_LOG_FORMAT": "json"}
    service_log = folder / "service.log"

    def token_command(scope: str, ttl: str = "5m") -> list[str]:
        return [str(binary), "token", "--scope", scope, "--municipality", MUNICIPALITY, "--ttl", ttl]

    def page_server(name: str, port: int, scope: str) -> Any:
        command = [sys.executable, str(SERVER), "--token-command", shlex.join(token_command(scope))]
        command += ["--api", api, "--port", str(port)]
        return running(command, f"{pages[name]}/", 200, folder / f"{name}.log", cwd=folder, env=environment)

    with ExitStack() as pages_served:
        with running(
            [str(binary), "serve", "--demo", "--bind", f"127.0.0.1:{api_port}"],
            f"{api}/readyz", 204, service_log, cwd=folder, env=environment,
        ):
            pages_served.enter_context(page_server("progress", page_port, "med.progress"))
            pages_served.enter_context(page_server("narrow", narrow_port, "med.audit"))
            # For as long as this check takes, which on a slow machine is more than the page's own tokens are good for.
            command = token_command("med.progress", ttl="2h")
            made = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True)
            headers = {"Authorization": f"Bearer {made.stdout.decode().strip()}", "Accept-Language": "da"}

            def from_service(committee: str) -> dict[str, Any]:
                url = f"{api}/v1/committees/{committee}/progress?children=true&limit=200"
                with direct.open(urllib.request.Request(url, headers=headers), timeout=30) as answer:
                    return dict(json.load(answer))

            def on_page(committee: str, seconds: int = 8, origin: str = pages["progress"]) -> Node:
                return shown(browser, folder, f"{origin}/?committee={quote(committee, safe='')}", seconds)

            answer = from_service("hoved-med")
            assert answer["expected"] > 0 and answer["subtree"]["expected"] > answer["expected"], answer["label"]
            assert_shown(on_page("hoved-med"), answer)
            print(f"{answer['title']}: {answer['label']}; below it: {answer['subtree']['label']}")
            # One with committees below it, and one without.
            for committee in ("center-med-sundhed-omsorg", "lokal-med-materielgaarden"):
                answer = from_service(committee)
                assert_shown(on_page(committee), answer)
                print(f"{answer['title']}: {answer['label']}; {len(answer['children']['items'])} below it")

            # Three minutes of the browser's clock: the page refreshes each minute, and gets 304.
            before = len(answered(service_log))
            assert_shown(on_page("hoved-med", seconds=200), from_service("hoved-med"))
            statuses = answered(service_log)[before:-1]  # The last is the one of this check.
            assert statuses[0] == 200 and len(statuses) >= 3 and set(statuses[1:]) == {304}, statuses
            print(f"refreshed: {statuses}")

            assert_refused(on_page("intet-udvalg"), "refused", "intet udvalg", "intet-udvalg")
            markup = "<img src=x onerror=alert(1)>"
            page = on_page(markup)
            assert_refused(page, "refused", markup)
            assert not [node for node in page.all() if node.tag == "img"], "markup from the address came alive"
            assert_refused(on_page("hoved-med", origin=pages["narrow"]), "refused", "ikke adgang")
            assert_refused(on_page("hoved-med", origin=stranger), "failed", "ikke forbindelse")
            print("refused: a wrong committee, markup, a token without the scope, an unknown origin")
        assert_refused(shown(browser, folder, f"{pages['progress']}/"), "failed", "ikke forbindelse")
        print("shown: the service can't be reached")


def main() -> None:
    if len(sys.argv) != 2 or not os.access(sys.argv[1], os.X_OK):
        sys.exit(f"usage: {sys.argv[0]} PATH_TO_BINARY")
    browser = find_browser()
    if browser is None:
        print("=" * 78)
        print("NOT TRIED: the example page was not opened in a browser, since no Chromium is installed here.")
        print("To try it: apt-get install chromium")
        print("=" * 78)
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        check(Path(sys.argv[1]).resolve(), browser, Path(folder))
    print("the example page shows what the service answers")


if __name__ == "__main__":
    main()
