"""Runs what docker/compose.yaml starts, without Docker; .ci/deployment starts it, in namespaces of its own.

    deployment_check.py PATH_TO_BINARY FOLDER

FOLDER holds compose.json, which is docker/compose.yaml with everything filled in.

The API runs in a root file system like its image's: the program, the libraries that it needs, CA certificates, nothing
else; read-only, as the image's user and first process, without capabilities. Caddy with
docker/Caddyfile is in front of it, PostgreSQL behind it. All names lead to 127.0.0.1, in a network that is this check's alone.
"""

import base64
import hashlib
import hmac
import http.client
import json
import os
import re
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SECRET = "an invented secret of this check's own issuer"
MUNICIPALITY = "nyby"
PLACE = Path("/srv")  # In this check's own mounts, it is memory that is gone with it, and that every user reaches.


def image() -> dict[str, Any]:
    """What the last stage of the Dockerfile says about running the image."""
    text = (ROOT / "docker/Dockerfile").read_text().split("\nFROM ")[-1]
    said = dict(re.findall(r"^([A-Z]+) (.*)$", text, re.MULTILINE))
    return {
        "user": int(said["USER"].split(":")[0]),
        "folder": said["WORKDIR"],
        "environment": dict(word.split("=", 1) for word in shlex.split(said["ENV"])),
        "health": json.loads(said["HEALTHCHECK"].split(" CMD ")[1]),
        "command": json.loads(said["ENTRYPOINT"]) + json.loads(said["CMD"]),
    }


def make_root(binary: Path, root: Path) -> None:
    """A file system that holds what gcr.io/distroless/cc-debian12 does, as far as the program sees it."""
    for folder in ("usr/local/bin", "etc/ssl/certs", "etc/medstrategi", "var/lib/medstrategi", "proc", "dev", "tmp"):
        (root / folder).mkdir(parents=True)
    shutil.copy(binary, root / "usr/local/bin/medstrategi")
    listed = subprocess.run(["ldd", str(binary)], capture_output=True, text=True, check=True).stdout
    libraries = [Path(path) for path in re.findall(r"(/\S+) \(0x", listed)]
    known = {"libc.so.6", "libm.so.6", "libgcc_s.so.1"}  # Of libc6 and libgcc-s1, which that image has.
    others = [path.name for path in libraries if path.name not in known and not path.name.startswith("ld-linux")]
    assert not others, f"the program needs libraries that its image doesn't have: {others}"
    for path in libraries:
        (root / path.relative_to("/").parent).mkdir(parents=True, exist_ok=True)
        shutil.copy(path.resolve(), root / path.relative_to("/"))
    shutil.copy("/etc/ssl/certs/ca-certificates.crt", root / "etc/ssl/certs/")
    shutil.copy("/etc/hosts", root / "etc/hosts")
    (root / "etc/passwd").write_text("nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n")


class Container:
    """A command in a root file system, as a container engine would run it."""

    def __init__(self, root: Path, user: int, folder: str, environment: dict[str, str], *options: str) -> None:
        # Root becomes the user before anything else, so that files are as readable as they are to that user.
        change = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        self.start = [*change, "bwrap", "--die-with-parent", "--unshare-pid", "--unshare-ipc", "--new-session", "--as-pid-1"]
        self.start += ["--ro-bind", str(root), "/", "--proc", "/proc", "--dev", "/dev", "--cap-drop", "ALL", "--chdir", folder]
        self.start += options
        self.environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"} | environment

    def run(self, *command: str, **options: Any) -> "subprocess.CompletedProcess[str]":
        """What `docker compose run` or a health check does."""
        run = [*self.start, *command]
        return subprocess.run(run, env=self.environment, capture_output=True, text=True, timeout=180, **options)

    @contextmanager
    def running(self, command: list[str], log: Path) -> "Iterator[subprocess.Popen[bytes]]":
        """Runs it until it is no longer needed."""
        with log.open("ab") as out:
            process = subprocess.Popen([*self.start, *command], env=self.environment, stdout=out, stderr=out)
        try:
            yield process
        finally:
            stop(process)


def stop(process: "subprocess.Popen[bytes]") -> int:
    """Ends a container as an engine does: by SIGTERM to its first process, below bubblewrap's own."""
    if process.poll() is None:
        os.kill(inner(process), signal.SIGTERM)
    return process.wait(45)


def inner(process: "subprocess.Popen[bytes]") -> int:
    """The container's first process, as it is called outside."""
    number = process.pid
    while children := Path(f"/proc/{number}/task/{number}/children").read_text().split():
        number = int(children[0])
    return number


def status_of(number: int) -> dict[str, str]:
    """What the system says of a process."""
    return dict(line.split(":\t", 1) for line in Path(f"/proc/{number}/status").read_text().splitlines() if ":\t" in line)


def wait_for(what: str, is_so: Callable[[], bool], seconds: float = 180) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, f"{what} did not happen"
        time.sleep(0.1)


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def postgres(folder: Path, password: str) -> Iterator[None]:
    """A PostgreSQL that demands the password, at the address that compose.yaml names."""
    found = [path.parent for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))]
    programs = found[-1] if found else Path(str(shutil.which("initdb"))).resolve().parent
    data = PLACE / "postgres"
    data.mkdir()
    os.chown(data, 999, 999)
    (PLACE / "password").write_text(password)
    user = ["setpriv", "--reuid=999", "--regid=999", "--clear-groups"]
    make = [str(programs / "initdb"), "--username=medstrategi", "--auth=scram-sha-256", f"--pwfile={PLACE}/password", "--no-sync"]
    subprocess.run([*user, *make, str(data)], check=True, capture_output=True, cwd="/")
    log = (folder / "postgres.log").open("wb")
    serve = [str(programs / "postgres"), "-D", str(data), "-c", f"unix_socket_directories={data}", "-c", "fsync=off"]
    process = subprocess.Popen([*user, *serve], stdout=log, stderr=log, cwd="/")
    environment = os.environ | {"PGPASSWORD": password, "PGHOST": "127.0.0.1", "PGUSER": "medstrategi"}
    ready = [str(programs / "pg_isready"), "--quiet", "--host=127.0.0.1", "--username=medstrategi"]
    try:
        wait_for("PostgreSQL", lambda: subprocess.run(ready).returncode == 0)
        subprocess.run([programs / "createdb", "medstrategi"], check=True, env=environment)
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def request(
    context: ssl.SSLContext, method: str, path: str, source: str = "127.0.0.1", **headers: str
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Asks the proxy over TLS, from an address of choice."""
    connection = http.client.HTTPSConnection("localhost", timeout=180, context=context, source_address=(source, 0))
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def sign(scope: str) -> str:
    """A token of this check's own issuer."""
    claims = {"iss": "check", "aud": "check", "sub": "check", "exp": int(time.time()) + 600, "scope": scope}
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = hmac.new(SECRET.encode(), text, hashlib.sha256).digest()
    return (text + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def check_locked_up(process: "subprocess.Popen[bytes]", user: int) -> None:
    """The service can do nothing but serve."""
    number = inner(process)
    status = status_of(number)
    assert status["NSpid"].split()[-1] == "1", "it is not the first process"
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == int(status["CapBnd"], 16) == 0, status["CapEff"]
    assert status["NoNewPrivs"] == "1", "it may gain rights"
    assert set(status["Uid"].split()) == set(status["Gid"].split()) == {str(user)}, "it is another user"
    for place in ("", "tmp", "var/lib/medstrategi", "etc"):
        try:
            (Path(f"/proc/{number}/root") / place / "written").write_text("")
        except OSError as error:
            assert error.errno == 30, error  # EROFS
        else:
            raise AssertionError(f"/{place} can be written to")
    print("the service: first process, own user, no rights, nothing to write to")


def check_proxy(context: ssl.SSLContext, authority: Path, token: str) -> None:
    """What clients see from outside."""
    plain = http.client.HTTPConnection("127.0.0.1", 80, timeout=60)
    plain.request("GET", "/readyz", headers={"Host": "localhost"})
    answer = plain.getresponse()
    assert answer.status == 308 and answer.headers["Location"] == "https://localhost/readyz", answer.status
    bearer = {"Authorization": f"Bearer {token}"}
    status, headers, body = request(context, "GET", "/v1/municipality", **bearer)
    assert status == 200 and json.loads(body)["key"] == MUNICIPALITY, (status, body)
    once = ["Strict-Transport-Security", "X-Content-Type-Options", "Content-Type", "Cache-Control"]
    assert [len(headers.get_all(name, [])) for name in once] == [1] * len(once), headers.items()
    names = [name.lower() for name in headers.keys()]
    assert len(set(names) - {"vary"}) == len([name for name in names if name != "vary"]), f"a header is doubled: {names}"
    assert "server" not in names, headers["Server"]
    assert request(context, "GET", "/v1/municipality")[0] == 401
    assert request(context, "GET", "/metrics")[0] == 404, "the metrics can be read from outside"
    for what, port, path, expected in (("metrics", 9090, "/metrics", 200), ("the proxy's health", 2015, "/", 204)):
        inside = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        inside.request("GET", path)
        assert inside.getresponse().status == expected, f"{what} can't be read from inside"
    # Unlike Python, curl reads an answer that arrives while it still sends.
    (PLACE / "large").write_bytes(b" " * 70_000_000)
    command = ["curl", "--silent", "--max-time", "180", "--cacert", str(authority), "--output", "/dev/null"]
    command += ["--write-out", "%{http_code} %{content_type}", "--header", "@-", "--header", "Content-Type: application/json"]
    command += ["--data-binary", f"@{PLACE}/large", "https://localhost/v1/import"]
    answered = subprocess.run(command, input=f"Authorization: Bearer {token}\n", capture_output=True, text=True).stdout
    assert answered == "413 application/problem+json", answered
    print("the proxy: TLS alone, no header doubled, metrics inside alone, a large body is refused by the service")


def check_addresses(context: ssl.SSLContext) -> None:
    """Each client is counted by its own address, whatever it says of itself."""

    def send(source: str, number: int) -> int:
        return request(context, "GET", "/v1/municipality", source=source, X_Forwarded_For=f"203.0.113.{number % 250}")[0]

    # More than the burst, as long as it takes less than a second each.
    allowed = next((number for number in range(500) if send("127.0.0.5", number) == 429), None)
    assert allowed, "a client was never stopped, or at once"
    assert send("127.0.0.6", 1) == 401, "another client pays for the first"
    print(f"addresses: a client was stopped after {allowed} requests, another was not")


def check_restart(
    context: ssl.SSLContext, process: "subprocess.Popen[bytes]", anew: Callable[[], "subprocess.Popen[bytes]"]
) -> None:
    """Restarts the service while clients send requests; none of them notices."""
    answers: list[int | str] = []
    over = threading.Event()

    def send_requests() -> None:
        while not over.is_set():
            try:
                answers.append(request(context, "GET", "/readyz", source=f"127.0.1.{len(answers) % 250 + 1}")[0])
            except (OSError, http.client.HTTPException) as error:
                answers.append(repr(error))
            time.sleep(0.02)

    def wait_for_more() -> None:
        enough = len(answers) + 20
        wait_for("20 more answers", lambda: len(answers) >= enough)

    thread = threading.Thread(target=send_requests)
    thread.start()
    try:
        wait_for_more()
        assert stop(process) == 0, "it did not end well"
        anew()
        wait_for_more()
    finally:
        over.set()
        thread.join()
    assert set(answers) == {204}, answers
    print(f"started anew: {len(answers)} requests meanwhile, all answered")


def check_alone(built: dict[str, Any], root: Path, log: Path) -> None:
    """The image by itself, with SQLite: only the volume is written to."""
    volume = PLACE / "volume"
    volume.mkdir()
    os.chown(volume, built["user"], built["user"])
    alone = Container(root, built["user"], built["folder"], built["environment"], "--bind", str(volume), built["folder"])
    with alone.running([*built["command"], "--demo"], log):
        wait_for("the demonstration", lambda: alone.run(*built["health"]).returncode == 0)
        copied = alone.run("medstrategi", "backup", f"{built['folder']}/copy.db")
        assert copied.returncode == 0, copied.stderr
    made = {path.name for path in volume.iterdir()}
    assert made >= {"medstrategi.db", "medstrategi.secret", "copy.db"}, made
    print("by itself: a demonstration with SQLite, and a backup of it")


def check(binary: Path, folder: Path) -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    services = json.loads((folder / "compose.json").read_text())["services"]
    (folder / "hosts").write_text("127.0.0.1 localhost " + " ".join(services) + "\n")
    subprocess.run(["mount", "--bind", folder / "hosts", "/etc/hosts"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", PLACE], check=True)
    built, root = image(), PLACE / "root"
    make_root(binary, root)
    check_alone(built, root, folder / "server.log")
    # The example's settings, and an issuer whose tokens can be made here.
    shutil.copytree(ROOT / "docker/settings", root / "etc/medstrategi", dirs_exist_ok=True)
    (root / "etc/medstrategi/check.secret").write_text(SECRET)
    with (root / "etc/medstrategi/medstrategi.toml").open("a") as settings:
        settings.write('\n[[issuers]]\nissuer = "check"\naudience = ["check"]\nalgorithms = ["HS256"]\n')
        settings.write(f'secret_file = "check.secret"\nmunicipalities = ["{MUNICIPALITY}"]\n')
    environment = built["environment"] | services["api"]["environment"]
    # The proxy's address here, and few requests for each client's.
    environment |= {"MEDSTRATEGI_TRUSTED_PROXIES": "127.0.0.1/32", "MEDSTRATEGI_ADDRESS_RATE": "1", "MEDSTRATEGI_ADDRESS_BURST": "50"}
    api = Container(root, built["user"], built["folder"], environment)
    data = PLACE / "certificates"
    data.mkdir()
    writable = ["--bind", str(data), str(data), "--cap-add", "CAP_NET_BIND_SERVICE"]
    proxy = Container(
        Path("/"), 0, "/", {"SITE": "localhost", "HOME": str(data)}, *writable
    )

    def health() -> bool:
        return api.run(*built["health"]).returncode == 0

    with ExitStack() as stack:
        stack.enter_context(postgres(folder, "invented"))
        assert not health(), "a service that doesn't run is healthy"

        def start() -> "subprocess.Popen[bytes]":
            return stack.enter_context(api.running(built["command"], folder / "server.log"))

        process = start()
        wait_for("the service", health)
        check_locked_up(process, built["user"])
        bundle = json.dumps({"municipality": {"key": MUNICIPALITY, "code": "998", "name": "Nyby Kommune"}})
        (root / "etc/medstrategi/nyby.json").write_text(bundle)
        imported = api.run("medstrategi", "import", "/etc/medstrategi/nyby.json")
        assert imported.returncode == 0, imported.stderr
        # Its own file, but for how long requests wait: a slow machine may take longer to start the service anew.
        text, usual = (ROOT / "docker/Caddyfile").read_text(), "lb_try_duration 10s"
        assert text.count(usual) == 1, "the Caddyfile doesn't say how long requests wait"
        (folder / "Caddyfile").write_text(text.replace(usual, "lb_try_duration 120s"))
        caddy = ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
        stack.enter_context(proxy.running(caddy, folder / "proxy.log"))
        authority = data / ".local/share/caddy/pki/authorities/local/root.crt"
        wait_for("the proxy", lambda: authority.exists() and is_open(443))
        context = ssl.create_default_context(cafile=authority)
        wait_for("TLS", lambda: can_ask(context))
        check_proxy(context, authority, sign("med.read med.admin"))
        check_addresses(context)
        check_restart(context, process, start)


def can_ask(context: ssl.SSLContext) -> bool:
    try:
        return request(context, "GET", "/readyz")[0] == 204
    except OSError:
        return False


if __name__ == "__main__":
    check(Path(sys.argv[1]), Path(sys.argv[2]))
