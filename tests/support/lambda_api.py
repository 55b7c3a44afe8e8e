"""Lambda's Invoke and Systems Manager's GetParameter over real HTTP: what a caller of jobs talks to.

A test registers functions by name and sees what they were asked. Everything between the caller's code
and the wire (boto3, signing, retries, HTTP) is the real thing.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

Function = Callable[[Any], object]
"""Takes the request document, returns the answer document. An exception is a function error."""


class HttpError(Exception):
    """A function raises it to make the API itself answer with an error, such as a throttled call."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass
class LambdaApi:
    """The API as a test sees it.

    functions:  by name; add to it.
    parameters: of Systems Manager, by name.
    files:      what GET on a path answers, and PUT on one has left, for presigned links.
    asked:      every request document, in the order of its coming.
    """

    url: str
    functions: dict[str, Function] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[Any] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)

    def add_job(self, app: str, stage: str, job: str, invoker: Function) -> None:
        """A deployed job: its invoker and the parameter that names it."""
        name = f"{app}-{stage}-{job}"
        self.functions[name] = invoker
        self.parameters[f"/livejob/{app}/{stage}/jobs/{job}/invoker"] = name


class _Server(ThreadingHTTPServer):
    """Ends its connections with itself: a kept-alive one would outlive the test that opened it."""

    daemon_threads = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._connections: list[socket.socket] = []

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.append(request)
        super().process_request(request, client_address)

    def server_close(self) -> None:
        for connection in self._connections:
            with suppress(OSError):  # ended already
                connection.shutdown(socket.SHUT_RDWR)
        super().server_close()


@contextmanager
def lambda_api() -> Iterator[LambdaApi]:
    """An API on a free port of this machine, gone at the end."""
    server = _Server()
    api = LambdaApi(f"http://127.0.0.1:{server.server_port}")
    server.api = api  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def api(self) -> LambdaApi:
        api: LambdaApi = self.server.api  # type: ignore[attr-defined]
        return api

    def do_GET(self) -> None:
        body = self.api.files.get(self.path)
        self._answer(403 if body is None else 200, body or b"")

    def do_PUT(self) -> None:
        self.api.files[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(200, b"")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            if self.headers.get("X-Amz-Target") == "AmazonSSM.GetParameter":
                self._parameter(body["Name"])
            else:
                self._invoke(unquote(self.path.split("/")[3]), body)
        except HttpError as error:
            self._error(error.status, error.code, str(error))

    def _parameter(self, name: str) -> None:
        self.api.looked_up.append(name)
        if name not in self.api.parameters:
            raise HttpError(400, "ParameterNotFound")
        self._json(200, {"Parameter": {"Name": name, "Value": self.api.parameters[name]}})

    def _invoke(self, name: str, request: Any) -> None:
        if name not in self.api.functions:
            raise HttpError(404, "ResourceNotFoundException", f"Function not found: {name}")
        self.api.asked.append(request)
        try:
            self._json(200, self.api.functions[name](request))
        except HttpError:
            raise
        except Exception as error:  # noqa: BLE001
            document = {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": []}
            self._json(200, document, {"X-Amz-Function-Error": "Unhandled"})

    def _error(self, status: int, code: str, message: str) -> None:
        self._json(status, {"__type": code, "message": message}, {"x-amzn-ErrorType": code})

    def _json(self, status: int, document: object, headers: dict[str, str] | None = None) -> None:
        self._answer(status, json.dumps(document).encode(), headers)

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Tests want their output clean."""
