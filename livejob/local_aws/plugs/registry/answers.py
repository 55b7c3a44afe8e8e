"""The registry's answers, and how they go out.

Source: OCI distribution specification, 'Error codes'; answers of ECR.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from livejob.local_aws.guard import Send

_PIECE_BYTES = 256 * 1024
_VERSION = {"docker-distribution-api-version": "registry/2.0"}


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer. `file` is sent instead of `body`; a HEAD sends neither, but their size."""

    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    file: Path | None = None


class RequestRefused(Exception):
    """The request cannot be answered with what it asks for. `code`: as the specification has it."""

    def __init__(
        self, status: HTTPStatus, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers or {}

    def answer(self) -> Answer:
        errors = {"errors": [{"code": self.code, "message": str(self)}]}
        headers = {**self.headers, "content-type": "application/json; charset=utf-8"}
        return Answer(self.status, headers, json.dumps(errors).encode() + b"\n")


async def send_answer(answer: Answer, method: str, send: Send) -> None:
    """Send it; a file goes out in pieces, however large it is."""
    size_bytes = len(answer.body) if answer.file is None else answer.file.stat().st_size
    headers = {"content-length": str(size_bytes), **_VERSION, **answer.headers}
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": int(answer.status), "headers": encoded})
    if method == "HEAD":
        await send({"type": "http.response.body", "body": b""})
    elif answer.file is None:
        await send({"type": "http.response.body", "body": answer.body})
    else:
        await _send_file(answer.file, send)


async def _send_file(path: Path, send: Send) -> None:
    with path.open("rb") as file:
        while piece := await asyncio.to_thread(file.read, _PIECE_BYTES):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
