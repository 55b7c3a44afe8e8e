"""Stands in front of the emulator's app: puts the plug in when it is first needed, serves credentials.

Until a request for CodeBuild or CloudFormation comes, nothing of the plug is loaded: the emulator starts
as fast as without it. Only when builds of an emulator that was killed have left something behind does the
plug come in at the start, to have that removed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from livejob.local_aws.guard import App, Receive, Scope, Send

if TYPE_CHECKING:
    from livejob.local_aws.plugs.codebuild.credentials import Session
    from livejob.local_aws.plugs.codebuild.plug import CodeBuildPlug

CREDENTIALS_PATH = b"/_codebuild/credentials/"
SIGNED_FOR = (b"/codebuild/", b"/cloudformation/", b"/cloudcontrolapi/")


class CodeBuildFront:
    """An ASGI app around the emulator's."""

    def __init__(self, app: App, endpoint_url: str, engine: Mapping[str, str], marker: Path) -> None:
        """engine: DOCKER_HOST and its like. marker: file that is there while containers may be."""
        self._app = app
        self._endpoint_url = endpoint_url
        self._engine = engine
        self._marker = marker
        self._plug: CodeBuildPlug | None = None
        if marker.exists():
            self._put_in().sweep()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"].encode()
            if path.startswith(CREDENTIALS_PATH):
                await self._answer_credentials(scope, send)
                return
            if self._plug is None and _is_signed_for_the_plug(scope):
                self._put_in()
        await self._app(scope, receive, send)

    def close(self) -> None:
        """End all builds; returns when nothing of them is left."""
        if self._plug is not None:
            self._plug.close()

    def _put_in(self) -> CodeBuildPlug:
        from livejob.local_aws.plugs.codebuild.plug import CodeBuildPlug

        self._plug = CodeBuildPlug(self._endpoint_url, self._engine, self._marker)
        return self._plug

    async def _answer_credentials(self, scope: Scope, send: Send) -> None:
        session = None
        if self._plug is not None:
            build_uuid = scope["path"].encode().removeprefix(CREDENTIALS_PATH).decode()
            token = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
            session = await asyncio.to_thread(self._plug.credentials.session, build_uuid, token)
        status, body = (403, b"{}") if session is None else (200, _document(session))
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _is_signed_for_the_plug(scope: Scope) -> bool:
    credential = dict(scope["headers"]).get(b"authorization", b"")
    return any(service in credential for service in SIGNED_FOR)


def _document(session: Session) -> bytes:
    """As ECS and CodeBuild serve it. Source: ECS developer guide, 'Task IAM role', credentials endpoint."""
    expires = datetime.fromtimestamp(session.expires_s, UTC)
    return json.dumps(
        {
            "RoleArn": session.role_arn,
            "AccessKeyId": session.access_key_id,
            "SecretAccessKey": session.secret_access_key,
            "Token": session.token,
            "Expiration": f"{expires:%Y-%m-%dT%H:%M:%SZ}",
        }
    ).encode()
