"""Works against a running service with tokens of real OpenID Connect providers; .ci/oidc/check starts it.

    check.py PATH_TO_BINARY BUNDLE FOLDER

FOLDER holds provider.mjs with its packages, and the certificates ca.pem, provider.pem and provider.key.
"""

import base64
import json
import os
import signal
import ssl
import statistics
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from free_ports import free_ports

AUDIENCE = "api://medstrategi"
CITY, TOWN = "noerrelund", "nyby"
WORKERS = 6
NO_KEYS = 503  # The status while an issuer's keys could not be fetched yet: the token may be good.
ISSUERS = [
    {"name": "city", "tls": False, "alg": "RS256"},
    {"name": "town", "tls": True, "alg": "ES256"},
    {"name": "roles", "tls": False, "alg": "EdDSA", "scopeClaim": "realm_access"},
    {"name": "late", "tls": False, "alg": "PS256"},
    {"name": "stranger", "tls": True, "alg": "RS256"},
]


@dataclass
class Answer:
    """What a server said."""

    status: int
    body: Any
    headers: Any
    seconds: float


class Providers:
    """The providers of provider.mjs, and the tokens that they give."""

    def __init__(self, process: "subprocess.Popen[str]", ca: Path) -> None:
        self.process = process
        self.urls: dict[str, str] = self.read()
        handlers = [urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca))]
        self.opener = urllib.request.build_opener(*handlers)

    def read(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "provider.mjs has ended"
        return json.loads(line)

    def control(self, *words: str) -> Any:
        """Sends a command to a provider; provider.mjs has the list."""
        assert self.process.stdin is not None
        print(*words, file=self.process.stdin, flush=True)
        return self.read()

    def token(
        self, issuer: str, client: str = "reader", municipality: str = CITY, scope: str = "med.read", audience: str = AUDIENCE
    ) -> str:
        """A fresh token for a client, by its own credentials."""
        credentials = base64.b64encode(f"{client}.{municipality}:invented".encode()).decode()
        form = {"grant_type": "client_credentials", "scope": scope, "resource": audience}
        request = urllib.request.Request(
            f"{self.urls[issuer]}/token", urllib.parse.urlencode(form).encode(), {"Authorization": f"Basic {credentials}"}
        )
        with self.opener.open(request, timeout=60) as answer:
            return str(json.load(answer)["access_token"])

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """All of them take connections and say nothing."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


class Service:
    """The running service, as its clients see it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(self, path: str, token: str | None = None) -> Answer:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        start = time.monotonic()
        try:
            with self.opener.open(urllib.request.Request(self.url + path, headers=headers), timeout=60) as answer:
                text, status, head = answer.read(), answer.status, answer.headers
        except urllib.error.HTTPError as error:
            text, status, head = error.read(), error.code, error.headers
        return Answer(status, json.loads(text) if text else None, head, time.monotonic() - start)

    def assert_taken(self, token: str, municipality: str = CITY) -> Answer:
        """The token is good, and opens that municipality."""
        answer = self.get("/v1/municipality", token)
        assert answer.status == 200 and answer.body["key"] == municipality, (answer, about(token))
        return answer

    def assert_refused(self, token: str, *words: str, status: int = 401, path: str = "/v1/municipality") -> Answer:
        """The token is refused, with a problem that says why."""
        answer = self.get(path, token)
        assert answer.status == status and answer.body["status"] == status, (answer, about(token))
        assert answer.headers["Content-Type"] == "application/problem+json", answer.headers
        assert (status != 401) or answer.headers["WWW-Authenticate"].startswith("Bearer"), answer.headers
        assert all(word in answer.body["detail"] for word in words), (words, answer.body["detail"])
        return answer


def part(token: str, place: int) -> dict[str, Any]:
    """The header or the claims of a token."""
    text = token.split(".")[place]
    return dict(json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))))


def about(token: str) -> str:
    """What may be shown of a token: everything but its signature."""
    return f"{part(token, 0)} {part(token, 1)}"


def altered(token: str, place: int, **changes: Any) -> str:
    """The token with other words in its header or claims, and the signature that it had."""
    parts = token.split(".")
    parts[place] = base64.urlsafe_b64encode(json.dumps(part(token, place) | changes).encode()).decode().rstrip("=")
    return ".".join(parts)


def settings(urls: dict[str, str], database: Path) -> str:
    """A medstrategi.toml that trusts all of the issuers, each for what is its own."""

    def issuer(name: str, algorithm: str, municipality: str, keys: str, rest: str = "") -> str:
        return f"""
[[issuers]]
issuer = "{urls[name]}"
audience = ["{AUDIENCE}"]
algorithms = ["{algorithm}"]
municipalities = ["{municipality}"]
{keys}
{rest}"""

    def discovery(name: str) -> str:
        return f'discovery_url = "{urls[name]}/.well-known/openid-configuration"'

    roles = """
[issuers.claims]
scopes = ["realm_access.roles"]
[issuers.roles]
read = ["med.read"]
progress = ["med.progress"]
[issuers.required_claims]
client_id = ["reader.noerrelund"]
"""
    parts = [
        f'database_url = "sqlite:{database}"\nlog_format = "json"\n',
        issuer("city", "RS256", CITY, discovery("city")),
        issuer("town", "ES256", TOWN, discovery("town") + '\nca_file = "ca.pem"'),
        issuer("roles", "EdDSA", CITY, f'jwks_url = "{urls["roles"]}/jwks"', roles),
        issuer("late", "PS256", CITY, discovery("late")),
        # Its certificate is of a CA that this machine doesn't know.
        issuer("stranger", "RS256", CITY, discovery("stranger")),
    ]
    return "".join(parts)


@contextmanager
def providers(folder: Path) -> Iterator[Providers]:
    """Runs the providers until they are no longer needed."""
    files = [str(folder / name) for name in ("provider.pem", "provider.key")]
    command = ["node", str(folder / "provider.mjs"), json.dumps(ISSUERS), *files]
    with (folder / "providers.log").open("w") as log:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        yield Providers(process, folder / "ca.pem")
    finally:
        process.kill()  # A stopped process handles no other signal.
        process.wait()


@contextmanager
def service(binary: str, folder: Path) -> Iterator[Service]:
    """Runs the service until it is no longer needed; goes on once it is ready."""
    [port] = free_ports(1)
    running = Service(f"http://127.0.0.1:{port}")
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen([binary, "serve", "--bind", f"127.0.0.1:{port}"], cwd=folder, stdout=log, stderr=log)
    try:
        until = time.monotonic() + 180
        while True:
            assert process.poll() is None, "the service ended before it was ready"
            assert time.monotonic() < until, "the service was not ready in time"
            try:
                if running.get("/readyz").status == 204:
                    break
            except OSError:
                time.sleep(0.1)
        yield running
    finally:
        process.terminate()
        process.wait(60)


def eventually(attempt: Callable[[], Answer], seconds: float = 60) -> Answer:
    """What does not hold at once, but soon."""
    until = time.monotonic() + seconds
    while True:
        try:
            return attempt()
        except AssertionError:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)


def report(words: str) -> None:
    print(f"{words} ({time.monotonic() - started:.1f}s)", flush=True)


def check_tokens(api: Service, idp: Providers) -> None:
    """Good tokens open what is theirs, and others are refused with the reason."""
    # A request waits for the first keys for three seconds, and a busy provider may take longer to give them.
    for issuer, municipality in (("city", CITY), ("town", TOWN), ("roles", CITY)):
        token = idp.token(issuer, municipality=municipality)
        eventually(lambda: api.assert_taken(token, municipality))
    report("taken: tokens by discovery, by discovery over TLS with its own CA, by the address of the keys")

    api.assert_refused(idp.token("city", audience="api://payroll"), "somebody else")
    api.assert_refused(idp.token("city", client="expired"), "expired")
    api.assert_refused(idp.token("city", scope="med.progress"), "med.read", status=403, path="/v1/strategies")
    api.assert_refused(idp.token("roles", scope="med.progress"), "med.read", status=403, path="/v1/strategies")
    api.assert_refused(idp.token("roles", client="worker-1"))  # Not a client_id that is required.
    api.assert_refused(idp.token("city", municipality=TOWN), "municipality")
    api.assert_refused(idp.token("town", municipality=CITY), "municipality")
    good = idp.token("city", scope="med.progress")
    api.assert_refused(altered(good, 1, scope="med.read"), "signature")
    api.assert_refused(altered(good, 0, alg="none"))
    api.assert_refused(altered(good, 1, iss=idp.urls["town"]))
    report("refused: another audience, an hour too late, too little scope, another municipality, changed after signing")


def check_certificate(api: Service, idp: Providers) -> None:
    """Keys that come from somebody who can't show a certificate are no keys."""
    api.assert_refused(idp.token("stranger"), status=NO_KEYS)
    assert idp.control("fetches", "stranger") == {"discovery": 0, "keys": 0}, "the certificate was not checked"
    report("refused: an issuer with an untrusted certificate")


def check_unknown_keys(api: Service, idp: Providers) -> None:
    """Forged tokens with unknown keys don't make the service fetch keys each time."""
    token = idp.token("roles")
    before, start = idp.control("fetches", "roles")["keys"], time.monotonic()
    for number in range(100):
        api.assert_refused(altered(token, 0, kid=f"made-up-{number}"))
    fetched, minutes = idp.control("fetches", "roles")["keys"] - before, (time.monotonic() - start) / 60
    assert fetched <= 1 + minutes, f"{fetched} fetches for 100 tokens with keys that don't exist, in {minutes:.1f} minutes"
    api.assert_taken(token)
    report(f"100 tokens with keys that don't exist: {fetched} fetch")


def check_rotation(api: Service, idp: Providers) -> None:
    """The provider signs with a new key from one moment to the next, while requests run: none of them fails."""
    old = idp.token("city")
    lock, stop = threading.Lock(), threading.Event()
    keys_seen: dict[str, int] = {}
    faults: list[str] = []
    slowest = 0.0

    def work(number: int) -> None:
        nonlocal slowest
        while not stop.is_set():
            try:
                token = idp.token("city", client=f"worker-{number}")
                answer = api.assert_taken(token)
                with lock:
                    kid = part(token, 0)["kid"]
                    keys_seen[kid] = keys_seen.get(kid, 0) + 1
                    slowest = max(slowest, answer.seconds)
            except Exception as fault:
                with lock:
                    faults.append(repr(fault))
            time.sleep(0.01)  # Well below the rate limit of one subject.

    before = idp.control("fetches", "city")
    def go_on(kid: str) -> None:
        """For two seconds, and on a slow machine until more than 50 tokens that this key signed were taken."""
        begun = time.monotonic()
        while (passed := time.monotonic() - begun) < 2 or (passed < 60 and keys_seen.get(kid, 0) <= 50 and not faults):
            api.assert_taken(old)
            time.sleep(0.1)

    threads = [threading.Thread(target=work, args=[number + 1]) for number in range(WORKERS)]
    for thread in threads:
        thread.start()
    try:
        go_on("city-first")
        idp.control("keys", "city", "second", "first")
        go_on("city-second")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not faults, f"{len(faults)} requests failed, such as {faults[0]}"
    assert min(keys_seen.get(f"city-{name}", 0) for name in ("first", "second")) > 50, keys_seen
    fetched = idp.control("fetches", "city")["keys"] - before["keys"]
    assert fetched <= 2, f"{fetched} fetches for one change of keys"
    report(f"keys changed under load: {keys_seen}, none failed, the slowest took {slowest * 1000:.0f} ms, {fetched} fetch")


def check_withdrawal(api: Service, idp: Providers) -> None:
    """A key that the provider no longer publishes opens nothing, once that is known."""
    old = idp.token("town", municipality=TOWN)
    idp.control("keys", "town", "second")
    api.assert_taken(old, TOWN)  # The keys were not fetched yet.
    api.assert_taken(idp.token("town", municipality=TOWN), TOWN)
    api.assert_refused(old)
    report("a key was withdrawn: refused from the next fetch on")


def check_outage(api: Service, idp: Providers) -> None:
    """The service goes on with the keys that it has while the provider is away, or hangs."""
    tokens = [idp.token("city") for _ in range(2)] + [idp.token("roles")]
    unknown = altered(tokens[0], 0, kid="made-up")
    for issuer in ("city", "roles"):
        idp.control("down", issuer)
    slowest = max(api.assert_taken(token).seconds for _ in range(20) for token in tokens)
    api.assert_refused(unknown)
    for issuer in ("city", "roles"):
        idp.control("up", issuer)
    report(f"providers away: known keys go on, the slowest took {slowest * 1000:.0f} ms")
    with idp.hanging():
        times = [api.assert_taken(token).seconds for _ in range(20) for token in tokens]
    # The median: a machine may pause for a moment, but waiting for a provider would slow down every request.
    usual = statistics.median(times)
    assert usual < 2, f"requests wait {usual:.1f} s for a provider that they don't need"
    api.assert_taken(idp.token("city"))
    report(f"providers hang: known keys go on, the slowest took {max(times) * 1000:.0f} ms")


def check_late(api: Service, token: str) -> None:
    """An issuer that was away when the service started is used once it is back, without a restart."""
    # The service tries again after 10 s, then after twice as long each time while the provider hangs.
    answer = eventually(lambda: api.assert_taken(token), 180)
    report(f"an issuer that was away at the start is back: {answer.status}")


def check(binary: str, bundle: str, folder: Path) -> None:
    with providers(folder) as idp:
        (folder / "medstrategi.toml").write_text(settings(idp.urls, folder / "medstrategi.db"))
        (folder / "town.json").write_text(json.dumps({"municipality": {"key": TOWN, "code": "998", "name": "Nyby Kommune"}}))
        subprocess.run([binary, "import", bundle, "town.json"], cwd=folder, check=True, capture_output=True)
        token = idp.token("late")
        idp.control("down", "late")
        with service(binary, folder) as api:
            assert api.assert_refused(token, status=NO_KEYS).headers["Retry-After"], "Retry-After is missing"
            idp.control("up", "late")
            check_tokens(api, idp)
            check_certificate(api, idp)
            check_rotation(api, idp)
            check_withdrawal(api, idp)
            check_unknown_keys(api, idp)
            check_outage(api, idp)
            check_late(api, token)
    log = (folder / "server.log").read_text()
    assert "eyJ" not in log, "the log holds a token"


if __name__ == "__main__":
    started = time.monotonic()
    check(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
