"""Runs the commands of the documentation exactly as written, against a demo server.

    docs_check.py PATH_TO_BINARY EMPTY_FOLDER PAGE...

Each page gets a folder and a demo server of its own. Its blocks in ```sh run in order, in one shell, and each must
succeed; curl fails where the service refuses. A comment in the line before a block changes that:

    <!-- server: URL -->       the commands go on running; the page continues once URL answers
    <!-- refused -->           the commands must fail
    <!-- answer -->            the block (of any language) is what the commands before it printed. White space counts
                               only inside of strings, and … stands for anything
    <!-- not run: REASON -->   the block can't run here

The port 8080 in the text becomes a free one, and `cargo run` becomes the binary. Of blocks in json, python and toml,
the syntax is checked. Links within the project must lead to a file and heading that exist, and so must the names of files
and, in the glossary, of addresses and types.
"""

import ast
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from free_ports import free_ports

ROOT = Path(__file__).resolve().parent.parent
# What the text takes for granted in the project's folder.
LINKED = ("examples", "openapi")
FENCE = re.compile(r"^```(\w*)$")
COMMENT = re.compile(r"^<!-- (server|refused|answer|not run)(?:: (.+))? -->$")
SECONDS_A_PAGE = 150


@dataclass
class Block:
    """A block of code, and what the comment before it says."""

    page: Path
    line: int
    language: str
    lines: list[str] = field(default_factory=list)
    mark: str = ""
    argument: str = ""

    @property
    def text(self) -> str:
        """The code."""
        return "\n".join(self.lines)

    @property
    def runs(self) -> bool:
        """Whether these are commands that can run here."""
        return self.language == "sh" and self.mark != "not run"

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def read_blocks(page: Path) -> list[Block]:
    """The blocks of a page, in order."""
    blocks: list[Block] = []
    current: Block | None = None
    before = ""
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if current is not None:
            if line == "```":
                current = None
            else:
                current.lines.append(line)
        elif fence := FENCE.match(line):
            current = Block(page, number, fence[1])
            if comment := COMMENT.match(before):
                current.mark, current.argument = comment[1], comment[2] or ""
            blocks.append(current)
        before = line
    if current is not None:
        raise AssertionError(f"{current}: the block does not end")
    return blocks


def check_syntax(block: Block) -> None:
    """Checks what can be checked of a block that is not run."""
    try:
        if "…" in block.text:
            return
        if block.language == "json":
            json.loads(block.text)
        elif block.language == "toml":
            tomllib.loads(block.text)
        elif block.language == "python":
            ast.parse(block.text)
        elif block.language == "sh":
            subprocess.run(["bash", "-n", "-c", block.text], check=True, capture_output=True)
    except (ValueError, SyntaxError, subprocess.CalledProcessError) as error:
        raise AssertionError(f"{block}: {error}") from None


def squeezed(text: str) -> str:
    """The text without white space outside of strings."""
    parts = re.split(r'("(?:[^"\\]|\\.)*")', text)
    return "".join(part if index % 2 else re.sub(r"\s+", "", part) for index, part in enumerate(parts))


def fits(shown: str, printed: str) -> bool:
    """Whether the text shows what was printed."""
    pattern = ".*".join(re.escape(part) for part in squeezed(shown).split("…"))
    return re.fullmatch(pattern, squeezed(printed), re.DOTALL) is not None


def shell_script(blocks: list[Block], folder: Path, start: str) -> str:
    """A script that runs the blocks and writes into `folder` what each of them printed."""
    lines = [
        "set -euo pipefail",
        "wait_for() { curl -s -o /dev/null --retry 900 --retry-delay 1 --retry-all-errors --retry-max-time 90 \"$1\"; }",
        start,
    ]
    for number, block in enumerate(blocks):
        lines.append(f"echo {number} >{shlex.quote(str(folder / 'current'))}")
        out, errors = (shlex.quote(str(folder / f"{number}.{kind}")) for kind in ("out", "err"))
        streams = f">{out} 2>{errors} </dev/null"
        if block.mark == "server":
            lines += ["{", block.text, f"}} {streams} &", f"wait_for {shlex.quote(block.argument)}"]
        elif block.mark == "refused":
            lines += ["if (", block.text, f") {streams}; then exit 99; fi"]
        else:
            lines += ["{", block.text, f"}} {streams}"]
    return "\n".join(lines) + "\n"


def prepare(binary: Path, folder: Path) -> dict[str, str]:
    """Makes a folder like the project's, and gives the environment for commands that run in it."""
    (folder / "project/target/release").mkdir(parents=True)
    (folder / "project/target/release/medstrategi").symlink_to(binary)
    for name in LINKED:
        (folder / "project" / name).symlink_to(ROOT / name)
    programs = folder / "programs"
    programs.mkdir()
    cargo = programs / "cargo"
    cargo.write_text(
        '#!/bin/sh\n[ "$1" != build ] || exit 0\n[ "$1" = run ] || { echo "cargo $1 is not for here" >&2; exit 1; }\n'
        f'while [ "$1" != -- ]; do shift; done\nshift\nexec {shlex.quote(str(binary))} "$@"\n'
    )
    cargo.chmod(0o755)
    # A request that the service refuses fails, and requests to this machine need no proxy.
    (folder / ".curlrc").write_text('fail-with-body\nnoproxy = "*"\nmax-time = 100\n')
    environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL" and not k.startswith("MEDSTRATEGI_")}
    environment["PATH"] = f"{programs}:{environment['PATH']}"
    environment |= {"CURL_HOME": str(folder), "HOME": str(folder), "NO_PROXY": "127.0.0.1", "PYTHONUTF8": "1"}
    environment |= {"MEDSTRATEGI_LOG_FORMAT": "json"}
    return environment


def run_page(binary: Path, folder: Path, page: Path) -> Counter[str]:
    """Runs the commands of a page, and counts its blocks."""
    blocks = read_blocks(page)
    for block in blocks:
        check_syntax(block)
    commands = [block for block in blocks if block.runs]
    counts = Counter(run=len(commands), compared=sum(block.mark == "answer" for block in blocks))
    counts["not run"] = sum(block.language == "sh" and not block.runs for block in blocks)
    if not commands:
        return counts
    port = str(free_ports(1)[0])
    environment = prepare(binary, folder) | {"MEDSTRATEGI_BIND": f"127.0.0.1:{port}"}
    start = ""
    if not any(block.mark == "server" for block in commands):
        environment["PATH"] = f"{folder}/project/target/release:{environment['PATH']}"
        log = shlex.quote(str(folder / "server.log"))
        start = f"medstrategi serve --demo >{log} 2>&1 &\nwait_for http://127.0.0.1:8080/readyz"
    script = folder / "page.sh"
    script.write_text(re.sub(r"\b8080\b", port, shell_script(commands, folder, start)), encoding="utf-8")
    with open(folder / "shell.log", "wb") as log_file:
        # In a group of its own, so that the servers end with it.
        shell = subprocess.Popen(
            ["bash", str(script)], cwd=folder / "project", env=environment, stdin=subprocess.DEVNULL,
            stdout=log_file, stderr=subprocess.STDOUT, start_new_session=True,
        )
        try:
            status = shell.wait(timeout=SECONDS_A_PAGE)
        finally:
            os.killpg(shell.pid, signal.SIGTERM)
    if status != 0:
        raise AssertionError(describe_failure(commands, folder, status))
    previous: Block | None = None
    for block in blocks:
        if block.mark == "answer":
            assert previous is not None, f"{block}: no commands before this answer"
            printed = (folder / f"{commands.index(previous)}.out").read_text(encoding="utf-8")
            if not fits(block.text.replace("8080", port), printed):
                raise AssertionError(f"{block} shows\n{block.text}\nbut the commands before it print\n{printed}")
        elif block.runs:
            previous = block
    return counts


def describe_failure(commands: list[Block], folder: Path, status: int) -> str:
    """What failed, and what it printed."""
    current = folder / "current"
    if not current.exists():
        return f"{commands[0].page.name}: the demo server did not start\n{printed_by(folder, 'server.log', 'shell.log')}"
    number = int(current.read_text())
    block = commands[number]
    reason = "did not fail" if status == 99 and block.mark == "refused" else f"ended with {status}"
    printed = printed_by(folder, f"{number}.out", f"{number}.err", "shell.log")
    return f"{block} {reason}:\n{block.text}\n{printed}"


def printed_by(folder: Path, *names: str) -> str:
    """The ends of these files, without tokens."""
    texts = [path.read_text(encoding="utf-8")[-3000:] for name in names if (path := folder / name).exists()]
    return re.sub(r"eyJ[\w.-]+", "TOKEN", "\n".join(filter(None, texts)))


def anchors(page: Path) -> set[str]:
    """The headings of a page, as links name them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def check_links(page: Path) -> None:
    """Checks that links within the project lead somewhere."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.M | re.S)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.relative_to(ROOT)} links to {link}, which does not exist"
        assert not anchor or anchor in anchors(target), f"{page.relative_to(ROOT)} links to {link}: no such heading"


def check_names(page: Path) -> None:
    """Checks that files exist that the text names, and the glossary's addresses and types too."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.M | re.S)
    paths = json.loads((ROOT / "openapi/openapi.json").read_text("utf-8"))["paths"]
    for name in re.findall(r"`([^`]+)`", text):
        if re.fullmatch(r"(?:src|tests|benches|docs|docker|examples|migrations|\.ci)/[\w./-]*", name):
            exists = (ROOT / name).exists()
        elif page.stem == "glossary" and name.startswith(("/v1/", "/problems/")):
            exists = name in paths
        elif page.stem == "glossary" and re.fullmatch(r"[A-Z]\w+", name):
            exists = name in source_words()
        else:
            continue
        assert exists, f"{page.relative_to(ROOT)} names {name}, which does not exist"


@cache
def source_words() -> set[str]:
    """Every word in the source code."""
    return {word for file in (ROOT / "src").rglob("*.rs") for word in re.findall(r"\w+", file.read_text("utf-8"))}


def main() -> None:
    """Checks the pages, two at a time."""
    binary, work, *names = sys.argv[1:]
    pages = [Path(name).resolve() for name in names]

    def check(page: Path) -> Counter[str] | Exception:
        try:
            check_links(page)
            check_names(page)
            return run_page(Path(binary).resolve(), Path(work) / page.stem, page)
        except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
            return error

    with ThreadPoolExecutor(max_workers=2) as pool:
        results = list(pool.map(check, pages))
    for page, result in zip(pages, results, strict=True):
        if isinstance(result, Counter):
            print(f"{page.relative_to(ROOT)}: {', '.join(f'{count} {name}' for name, count in result.items())}")
    failures = [result for result in results if isinstance(result, Exception)]
    sys.exit("\n\n".join(map(str, failures)) or None)


if __name__ == "__main__":
    main()
