"""A door to the local AWS that holds one request until a test has decided what becomes of it."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WAIT_S = 60.0


class HeldApi:
    """Passes requests on to `127.0.0.1:target_port`, all but the first whose body has all of `signs`.

    signs: of a request of the query protocol, like `Action=ExecuteChangeSet`.
    """

    def __init__(self, target_port: int, signs: tuple[str, ...]) -> None:
        self._target_port = target_port
        self._signs = [each.encode() for each in signs]
        self._held = threading.Event()
        self._decided = threading.Event()
        self._passes = False
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if api.is_let_through(body):
                    self.answer(body)
                else:
                    self.close_connection = True

            def answer(self, body: bytes) -> None:
                target = http.client.HTTPConnection("127.0.0.1", api._target_port)
                target.request(self.command, self.path, body, dict(self.headers))
                answer = target.getresponse()
                data = answer.read()
                target.close()
                try:
                    self.send_response_only(answer.status)
                    for name, value in answer.getheaders():
                        if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                            self.send_header(name, value)
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    if self.command != "HEAD":
                        self.wfile.write(data)
                except OSError:
                    self.close_connection = True  # whoever asked has been killed

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = handle_any

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def wait_held(self) -> None:
        """Wait until the request has come."""
        assert self._held.wait(WAIT_S)

    def decide(self, *, passes: bool) -> None:
        """It arrives after all, or never does."""
        self._passes = passes
        self._decided.set()

    def is_let_through(self, body: bytes) -> bool:
        if self._held.is_set() or not all(sign in body for sign in self._signs):
            return True
        self._held.set()
        self._decided.wait(WAIT_S)
        return self._passes

    def close(self) -> None:
        self._decided.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def held_api(target_port: int, *signs: str) -> Iterator[HeldApi]:
    """The door, for the time of the block."""
    api = HeldApi(target_port, signs)
    try:
        yield api
    finally:
        api.close()
