"""The registry's API over blobs on the disk and ECR's own records of images.

Every request shows a token of ECR's, and needs of IAM what it needs in AWS. Knows nothing of MiniStack
(`emulator` does) and nothing of who pushes or pulls.

Source: OCI distribution specification.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from http import HTTPStatus
from urllib.parse import parse_qs

from livejob.local_aws.guard import Receive, Send
from livejob.local_aws.guard import Scope as HttpScope
from livejob.local_aws.plugs.registry.answers import Answer, RequestRefused, send_answer
from livejob.local_aws.plugs.registry.blobs import Blobs, DigestWrong, Upload
from livejob.local_aws.plugs.registry.manifests import (
    DEFAULT_MEDIA_TYPE,
    MANIFEST_BYTES,
    Contents,
    Manifest,
    ManifestInvalid,
    contents_of,
)
from livejob.local_aws.plugs.registry.ports import Caller, Permissions, Repositories, Scope, TagImmutable
from livejob.local_aws.plugs.registry.requests import Target, Verb, action_of
from livejob.local_aws.plugs.registry.tokens import Tokens

PIECE_BYTES = 1024 * 1024
"""An upload goes to the disk in pieces of about this size."""

Pieces = AsyncIterator[bytes]


class _Call:
    """One request with its target, by a caller who may make it."""

    def __init__(self, target: Target, scope: Scope, http: HttpScope, pieces: Pieces) -> None:
        self.target = target
        self.scope = scope
        self.method = str(http["method"])
        self.headers = {name.decode().lower(): value.decode("latin-1") for name, value in http["headers"]}
        self.query = parse_qs(http["query_string"].decode())
        self.pieces = pieces

    @property
    def path(self) -> str:
        return f"/v2/{self.target.repository}"


class Registry:
    """Answers all requests whose path is the registry's (`requests.target_of`)."""

    def __init__(
        self, blobs: Blobs, tokens: Tokens, repositories: Repositories, permissions: Permissions, realm: str
    ) -> None:
        """realm: the registry's own URL, shown to whoever has no token."""
        self._blobs = blobs
        self._tokens = tokens
        self._repositories = repositories
        self._permissions = permissions
        self._realm = realm
        self._operations: Mapping[Verb, Callable[[_Call], Awaitable[Answer]]] = {
            Verb.CATALOG: self._catalog,
            Verb.TAGS: self._tags,
            Verb.UPLOADS: self._begin_upload,
            Verb.UPLOAD: self._upload,
            Verb.BLOB: self._blob,
            Verb.MANIFEST: self._manifest,
        }

    async def answer(self, target: Target, http: HttpScope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            answer = await self._answer(target, http, _pieces_of(receive))
        except RequestRefused as refused:
            answer = refused.answer()
        await send_answer(answer, http["method"], send)

    async def _answer(self, target: Target, http: HttpScope, pieces: Pieces) -> Answer:
        caller = self._caller(http)
        if target.verb is Verb.PING:
            return Answer(body=b"{}", headers={"content-type": "application/json"})
        action = action_of(target.verb, http["method"])
        if action is None:
            raise RequestRefused(
                HTTPStatus.METHOD_NOT_ALLOWED, "UNSUPPORTED", "The operation is unsupported."
            )
        self._check_permission(caller, action, target)
        if target.repository and target.repository not in self._repositories.names(caller.scope):
            raise RequestRefused(
                HTTPStatus.NOT_FOUND,
                "NAME_UNKNOWN",
                f"The repository with name '{target.repository}' does not exist in the registry with id "
                f"'{caller.scope.account}'",
            )
        return await self._operations[target.verb](_Call(target, caller.scope, http, pieces))

    def _caller(self, http: HttpScope) -> Caller:
        headers = dict(http["headers"])
        caller = self._tokens.caller(headers.get(b"authorization", b"").decode("latin-1"))
        if caller is None:
            challenge = f'Basic realm="{self._realm}/",service="ecr.amazonaws.com"'
            raise RequestRefused(
                HTTPStatus.UNAUTHORIZED,
                "UNAUTHORIZED",
                "Not Authorized",
                {"www-authenticate": challenge},
            )
        return caller

    def _check_permission(self, caller: Caller, action: str, target: Target) -> None:
        refusal = self._permissions.refusal(caller, action, caller.scope.arn(target.repository or "*"))
        if refusal is not None:
            raise RequestRefused(HTTPStatus.FORBIDDEN, "DENIED", refusal)

    async def _catalog(self, call: _Call) -> Answer:
        return _json({"repositories": list(self._repositories.names(call.scope))})

    async def _tags(self, call: _Call) -> Answer:
        name = call.target.repository
        return _json({"name": name, "tags": list(self._repositories.tags(call.scope, name))})

    async def _begin_upload(self, call: _Call) -> Answer:
        upload_id = self._blobs.begin(call.scope, call.target.repository)
        return _upload_answer(HTTPStatus.ACCEPTED, call.path, upload_id, 0)

    async def _upload(self, call: _Call) -> Answer:
        upload_id = call.target.reference
        upload = self._blobs.upload(call.scope, call.target.repository, upload_id)
        if upload is None:
            raise RequestRefused(
                HTTPStatus.NOT_FOUND, "BLOB_UPLOAD_UNKNOWN", f"there is no upload {upload_id}"
            )
        if call.method == "DELETE":
            self._blobs.forget(upload_id)
            upload.cancel()
            return Answer(HTTPStatus.NO_CONTENT)
        if call.method in ("PATCH", "PUT"):
            _check_offset(call, upload)
            await _append(upload, call.pieces)
        if call.method == "PUT":
            return self._finish_upload(call, upload)
        status = HTTPStatus.ACCEPTED if call.method == "PATCH" else HTTPStatus.NO_CONTENT
        return _upload_answer(status, call.path, upload_id, upload.size_bytes)

    def _finish_upload(self, call: _Call, upload: Upload) -> Answer:
        digest = call.query.get("digest", [""])[0]
        try:
            upload.finish(digest)
        except DigestWrong as error:
            raise RequestRefused(HTTPStatus.BAD_REQUEST, "DIGEST_INVALID", str(error)) from error
        self._blobs.forget(call.target.reference)
        return _created(f"{call.path}/blobs/{digest}", digest)

    async def _blob(self, call: _Call) -> Answer:
        digest = call.target.reference
        path = self._blobs.find(call.scope, call.target.repository, digest)
        if path is None:
            raise RequestRefused(HTTPStatus.NOT_FOUND, "BLOB_UNKNOWN", f"there is no blob {digest}")
        headers = {"content-type": "application/octet-stream", "docker-content-digest": digest}
        return Answer(headers=headers, file=path)

    async def _manifest(self, call: _Call) -> Answer:
        if call.method == "PUT":
            return await self._put_manifest(call)
        name, reference = call.target.repository, call.target.reference
        manifest = self._repositories.manifest(call.scope, name, reference)
        if manifest is None:
            raise RequestRefused(
                HTTPStatus.NOT_FOUND, "MANIFEST_UNKNOWN", f"Requested image not found: {name}, {reference}"
            )
        headers = {"content-type": manifest.media_type, "docker-content-digest": manifest.digest}
        return Answer(headers=headers, body=manifest.data)

    async def _put_manifest(self, call: _Call) -> Answer:
        name, reference = call.target.repository, call.target.reference
        manifest = Manifest(
            await _whole(call.pieces), call.headers.get("content-type", "") or DEFAULT_MEDIA_TYPE
        )
        is_digest = ":" in reference
        if is_digest and reference != manifest.digest:
            raise RequestRefused(
                HTTPStatus.BAD_REQUEST, "DIGEST_INVALID", f"the manifest's digest is {manifest.digest}"
            )
        self._check_contents(call, manifest)
        try:
            self._repositories.put_manifest(call.scope, name, manifest, None if is_digest else reference)
        except TagImmutable as error:
            raise RequestRefused(HTTPStatus.BAD_REQUEST, "TAG_INVALID", str(error)) from error
        return _created(f"{call.path}/manifests/{manifest.digest}", manifest.digest)

    def _check_contents(self, call: _Call, manifest: Manifest) -> None:
        """All that a manifest names has to be there before it."""
        try:
            contents = contents_of(manifest)
        except ManifestInvalid as error:
            raise RequestRefused(HTTPStatus.BAD_REQUEST, "MANIFEST_INVALID", str(error)) from error
        for digest in self._missing(call, contents):
            raise RequestRefused(
                HTTPStatus.NOT_FOUND,
                "MANIFEST_BLOB_UNKNOWN",
                f"the manifest names {digest}, which is not in the repository",
            )

    def _missing(self, call: _Call, contents: Contents) -> list[str]:
        scope, name = call.scope, call.target.repository
        blobs = [each for each in contents.blobs if self._blobs.find(scope, name, each) is None]
        others = [
            each for each in contents.manifests if self._repositories.manifest(scope, name, each) is None
        ]
        return [*blobs, *others]


async def _pieces_of(receive: Receive) -> Pieces:
    """A request's body as it comes.

    Raises:
        RequestRefused: whoever sends it has gone away.
    """
    has_more = True
    while has_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestRefused(HTTPStatus.BAD_REQUEST, "BLOB_UPLOAD_INVALID", "the client went away")
        has_more = message.get("more_body", False)
        if body := message.get("body", b""):
            yield body


async def _append(upload: Upload, pieces: Pieces) -> None:
    """Write the body to the disk, off the event loop."""
    pending = bytearray()
    async for piece in pieces:
        pending += piece
        if len(pending) >= PIECE_BYTES:
            await asyncio.to_thread(upload.append, bytes(pending))
            pending.clear()
    if pending:
        await asyncio.to_thread(upload.append, bytes(pending))


async def _whole(pieces: Pieces) -> bytes:
    whole = bytearray()
    async for piece in pieces:
        whole += piece
        if len(whole) > MANIFEST_BYTES:
            raise RequestRefused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "SIZE_INVALID", "the manifest is too large"
            )
    return bytes(whole)


def _check_offset(call: _Call, upload: Upload) -> None:
    """A piece that says where it belongs has to follow on what is there."""
    said = call.headers.get("content-range", "").removeprefix("bytes ").partition("-")[0]
    if said and said != str(upload.size_bytes):
        raise RequestRefused(
            HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
            "BLOB_UPLOAD_INVALID",
            f"{upload.size_bytes} bytes have come, so the next piece cannot begin at {said}",
        )


def _upload_answer(status: HTTPStatus, path: str, upload_id: str, size_bytes: int) -> Answer:
    return Answer(
        status,
        {
            "location": f"{path}/blobs/uploads/{upload_id}",
            "range": f"0-{max(size_bytes - 1, 0)}",
            "docker-upload-uuid": upload_id,
        },
    )


def _created(location: str, digest: str) -> Answer:
    return Answer(HTTPStatus.CREATED, {"location": location, "docker-content-digest": digest})


def _json(document: object) -> Answer:
    return Answer(headers={"content-type": "application/json"}, body=json.dumps(document).encode())
