"""Gateways in front of Elasticsearch: they ask for an API key and limit the size of a request, or show a web page.

nginx is what people run; the one of Python's own does the same where nginx is not installed.
"""

import shutil
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

KEY = "c2VjcmV0LWlkOnNlY3JldC1rZXk="
LIMIT = 60_000
"""Bytes of the largest request that is let through."""

PAGE = b"<html><body>Please log in</body></html>"
PASSED = ("Content-Type", "X-Elastic-Product")

NGINX = """
pid {folder}/pid; error_log {folder}/error.log; daemon off; worker_processes 1; {user}
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    client_max_body_size {limit};
    default_type text/html;
    location / {{ {rule} }}
  }}
}}
"""


@contextmanager
def nginx(upstream: str | None) -> Iterator[str]:
    """`host:port` of an nginx before `upstream`; None: one with nothing but a web page."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    guard = f'if ($http_authorization != "ApiKey {KEY}") {{ return 401 "{PAGE.decode()}"; }}'
    rule = f"{guard} proxy_pass {upstream};" if upstream else f'return 200 "{PAGE.decode()}";'
    with tempfile.TemporaryDirectory() as folder:
        configuration = Path(folder) / "nginx.conf"
        user = "user root;" if Path(folder).owner() == "root" else ""
        configuration.write_text(NGINX.format(folder=folder, port=port, limit=LIMIT, rule=rule, user=user))
        with subprocess.Popen(
            ["nginx", "-p", folder, "-c", configuration], stderr=subprocess.DEVNULL
        ) as server:
            try:
                _wait(port)
                yield f"127.0.0.1:{port}"
            finally:
                server.terminate()


def has_nginx() -> bool:
    return shutil.which("nginx") is not None


def _wait(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError("nginx did not start")


@contextmanager
def python(upstream: str | None) -> Iterator[str]:
    """As `nginx`, with Python's own server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(upstream))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _handler(upstream: str | None) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, headers, content = self._answer(body)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def _answer(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
            if upstream is None:
                return 200, {"Content-Type": "text/html"}, PAGE
            if self.headers.get("Authorization") != f"ApiKey {KEY}":
                return 401, {"Content-Type": "text/html"}, PAGE
            if len(body) > LIMIT:
                return 413, {"Content-Type": "text/html"}, PAGE
            sent = {name: self.headers[name] for name in ("Accept", "Content-Type") if name in self.headers}
            request = urllib.request.Request(
                f"{upstream}{self.path}", body or None, sent, method=self.command
            )
            return _forwarded(request)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _reply

        def log_message(self, *_: object) -> None: ...

    return Handler


def _forwarded(request: urllib.request.Request) -> tuple[int, dict[str, str], bytes]:
    try:
        reply = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        reply = error
    with reply:
        passed = {name: reply.headers[name] for name in PASSED if name in reply.headers}
        return reply.status, passed, reply.read()
