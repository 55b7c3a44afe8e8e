"""Stands in front of the emulator's app: answers the registry's requests, and corrects ECR from the first
request on that may have to do with it. Until then nothing of the plug is loaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from livejob.local_aws.guard import App, Receive, Scope, Send
from livejob.local_aws.plugs.registry.requests import target_of

if TYPE_CHECKING:
    from livejob.local_aws.plugs.registry.plug import RegistryPlug

SIGNED_FOR = (b"/ecr/", b"/cloudformation/", b"/cloudcontrolapi/")
_SIGNED = b"AWS4-"


class RegistryFront:
    """An ASGI app around the emulator's."""

    def __init__(self, app: App, registry: str, directory: Path) -> None:
        """registry: host:port of this machine's emulator. directory: for blobs; made when it is needed."""
        self._app = app
        self._registry = registry
        self._directory = directory
        self._plug: RegistryPlug | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        authorization = dict(scope["headers"]).get(b"authorization", b"")
        target = None if authorization.startswith(_SIGNED) else target_of(scope["path"])
        if target is not None:
            await self._put_in().registry.answer(target, scope, receive, send)
            return
        if any(service in authorization for service in SIGNED_FOR):
            self._put_in()
        await self._app(scope, receive, send)

    def _put_in(self) -> RegistryPlug:
        if self._plug is None:
            from livejob.local_aws.plugs.registry.plug import RegistryPlug

            self._plug = RegistryPlug(self._registry, self._directory)
        return self._plug
