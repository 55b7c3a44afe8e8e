"""Shuts the doors that MiniStack leaves open although authorization is on. Wraps its ASGI app.

MiniStack takes the access key `test`, and every key that is an account number, for root's and does not
look at their signatures; a job that lacks a permission would still pass with them. In AWS no such key
exists: here the guard replaces it by one that nobody has, and MiniStack answers as AWS does. It also
lets an unsigned MQTT connection in, and has paths by which any web page could empty it.

The other way round, requests count as if they had come over TLS: nobody can listen in on loopback, and
bucket policies that demand TLS, as they should in AWS, stay the same here.

Still open: an unsigned request to S3 is answered as if root had signed it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

UNKNOWN_KEY = b"AKIAUNKNOWNTOTHISAWS"
ADMIN_PATHS = frozenset({"/_ministack/config", "/_ministack/reset"})

_HEADER_KEY = re.compile(rb"(?<=Credential=)(?:test|\d{12})(?=/)|(?<=^AWS )(?:test|\d{12})(?=:)")
_QUERY_KEY = re.compile(
    rb"(?P<name>(?:X-Amz-Credential|AWSAccessKeyId)=)(?:test|\d{12})(?=/|%2F|&|$)", re.IGNORECASE
)
_IOT_HOST = re.compile(rb"(^|\.)iot\.[a-z0-9-]+\.")


def guarded(app: App) -> App:
    """The app behind the guard."""

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
        elif scope["type"] == "http" and scope["path"] in ADMIN_PATHS:
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        elif scope["type"] == "websocket" and _is_unsigned_mqtt(scope):
            await send({"type": "websocket.close", "code": 1008})  # before accepting: HTTP 403
        else:
            await app(as_in_aws(scope), receive, send)

    return guard


def as_in_aws(scope: Scope) -> Scope:
    """The same request as if over TLS; its access key is replaced if MiniStack would take it for root's."""
    headers = [
        (name, _HEADER_KEY.sub(UNKNOWN_KEY, value) if name == b"authorization" else value)
        for name, value in scope["headers"]
    ]
    headers.append((b"x-forwarded-proto", b"https"))
    query = _QUERY_KEY.sub(rb"\g<name>" + UNKNOWN_KEY, scope["query_string"])
    return {**scope, "headers": headers, "query_string": query}


def _is_unsigned_mqtt(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    is_signed = b"authorization" in headers or b"x-amz-signature=" in scope["query_string"].lower()
    return _IOT_HOST.search(headers.get(b"host", b"")) is not None and not is_signed
