#!/usr/bin/env python3
"""The intranet's server side of the example page: serves it, and hands it short-lived tokens.

    server.py --token-command "medstrategi token --scope med.progress --municipality noerrelund --ttl 5m"

Then open http://127.0.0.1:8090/?committee=hoved-med. The service must allow browsers to call from there:
`cors_origins = ["http://127.0.0.1:8090"]` in medstrategi.toml, or MEDSTRATEGI_CORS_ORIGINS=http://127.0.0.1:8090.

In production, this is a few lines in the intranet's own web server. `/token` is behind the intranet's login and
requests a token from the identity provider (OAuth 2.0 client credentials, or one for the user who is logged in) that holds
med.progress and nothing else. A token is never in an address: addresses end up in logs, histories and bookmarks.
"""

import argparse
import base64
import html
import json
import shlex
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

PAGE = Path(__file__).with_name("index.html")
ITS_API = 'data-api="http://127.0.0.1:8080"'


def fresh_token(command: str) -> dict[str, object]:
    """Makes a token; returns it with its lifetime in seconds."""
    done = subprocess.run(shlex.split(command), capture_output=True, text=True, timeout=20, check=True)
    token = done.stdout.strip()
    payload = token.split(".")[1]  # header.payload.signature, each in base64 without padding
    expires_at = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["exp"]
    return {"token": token, "expires_in": int(expires_at - time.time())}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if self.headers["Host"] not in allowed_hosts:  # A foreign name that leads here (DNS rebinding) gets no token.
            self.answer(421, "text/plain", b"")
        elif path == "/":
            page = PAGE.read_text(encoding="utf-8").replace(ITS_API, f'data-api="{html.escape(options.api)}"')
            self.answer(200, "text/html; charset=utf-8", page.encode())
        elif path == "/token":
            try:
                self.answer(200, "application/json", json.dumps(fresh_token(options.token_command)).encode())
            except (OSError, subprocess.SubprocessError, LookupError, ValueError) as error:
                # The command says on standard error what is wrong; what it wrote on standard output stays here.
                print(f"no token: {getattr(error, 'stderr', None) or type(error).__name__}", file=sys.stderr)
                self.answer(502, "application/json", b"{}")
        else:
            self.answer(404, "text/plain", b"")

    def answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        # The page calls this server and the service, nobody else; what it shows can't smuggle a script in.
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; script-src "
                         f"'unsafe-inline'; connect-src 'self' {options.api}; base-uri 'none'; form-action 'none'")
        self.end_headers()
        self.wfile.write(body)


parser = argparse.ArgumentParser(description="Serves the example page and hands it short-lived tokens.")
parser.add_argument("--token-command", required=True, help="prints a token (a JWT) on standard output")
parser.add_argument("--api", default="http://127.0.0.1:8080", help="where the service is [default: %(default)s]")
parser.add_argument("--host", default="127.0.0.1", help="address to listen on [default: %(default)s]")
parser.add_argument("--port", type=int, default=8090, help="port to listen on [default: %(default)s]")
options = parser.parse_args()
allowed_hosts = {f"{name}:{options.port}" for name in ("localhost", "127.0.0.1", options.host)}
print(f"http://{options.host}:{options.port}/", file=sys.stderr)
ThreadingHTTPServer((options.host, options.port), Handler).serve_forever()
