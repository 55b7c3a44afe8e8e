"""The only module that touches MiniStack's insides for the registry. They are private, and pinned exactly.

`Account` gives the registry what it needs of them, `install` corrects ECR's answers: where images are,
which tokens are good, what is there. tests/contract/test_ministack_internals.py names every inside that is
used here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from ministack.core import iam_actions, iam_evaluator, responses, router
from ministack.services import ecr

from livejob.local_aws.plugs.registry.blobs import Blobs
from livejob.local_aws.plugs.registry.manifests import Manifest, ManifestInvalid, contents_of
from livejob.local_aws.plugs.registry.ports import Caller, Scope, TagImmutable
from livejob.local_aws.plugs.registry.tokens import Tokens

Fields = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]
Operation = Callable[[Fields], Answer]

NOT_HERE = ("InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload")
"""A push goes through the registry; MiniStack answers these without keeping anything."""


class Account:
    """MiniStack's stores, as `ports.Repositories` and `ports.Permissions` want them."""

    def names(self, scope: Scope) -> Sequence[str]:
        with _within(scope):
            return sorted(ecr._repositories.keys())

    def tags(self, scope: Scope, repository: str) -> Sequence[str]:
        with _within(scope):
            return sorted({tag for image in ecr._images.get(repository, []) for tag in image["imageTags"]})

    def manifest(self, scope: Scope, repository: str, reference: str) -> Manifest | None:
        key = "imageDigest" if ":" in reference else "imageTag"
        with _within(scope):
            image = ecr._find_image(repository, {key: reference})
        return image and Manifest(image["imageManifest"].encode(), image["imageManifestMediaType"])

    def put_manifest(self, scope: Scope, repository: str, manifest: Manifest, tag: str | None) -> None:
        request = {
            "repositoryName": repository,
            "imageManifest": manifest.data.decode(),
            "imageManifestMediaType": manifest.media_type,
            **({} if tag is None else {"imageTag": tag}),
        }
        with _within(scope):
            status, _, body = ecr._put_image(request)
        if status != 200:
            raise TagImmutable(json.loads(body).get("message", "tag invalid"))

    def refusal(self, caller: Caller, action: str, arn: str) -> str | None:
        scope = caller.scope
        with _within(scope):
            principal = iam_evaluator.resolve_principal(caller.access_key_id, scope.account)
            if isinstance(principal, iam_evaluator.AuthError):
                return "Your authorization token has expired. Reauthenticate and try again."
            if principal.policies is None:  # root's
                return None
            context = iam_evaluator.EvalContext(
                principal_arn=principal.arn,
                principal_type=principal.type,
                principal_account=principal.account,
                action=action,
                resource_arn=arn,
                region=scope.region,
                principal_keys=principal.keys,
            )
            result = iam_evaluator.evaluate(context, principal.policies, *principal.limits)
            of_repository = ecr.repository_policy_for_arn(arn)
            if of_repository is not None:
                result = iam_evaluator.combine_resource_policy(
                    result, context, *of_repository, limits=principal.limits
                )
        if result.decision == "Allow":
            return None
        return f"User: {principal.arn} is not authorized to perform: {action} on resource: {arn}"


def install(tokens: Tokens, blobs: Blobs, registry: str) -> None:
    """From here on ECR's answers are of the registry at `registry` (host:port). Once in a process."""
    plug = _Plug(tokens, blobs, registry)
    plug.original_request = ecr.handle_request
    plug.original_put = ecr._put_image
    plug.original_describe = ecr._describe_images
    plug.original_delete = ecr._delete_repository
    plug.original_resource_arn = iam_actions.extract_resource_arn
    ecr.handle_request = plug.handle_request
    ecr._put_image = plug.put_image
    ecr._describe_images = plug.describe_images
    ecr._delete_repository = plug.delete_repository
    ecr._repo_uri = plug.repository_uri
    ecr._get_download_url_for_layer = plug.download_url
    ecr._batch_check_layer_availability = plug.check_layers
    iam_actions.extract_resource_arn = plug.resource_arn


class _Plug:
    """MiniStack's functions, with the registry's in front."""

    original_request: Callable[..., Any]
    original_put: Operation
    original_describe: Operation
    original_delete: Operation
    original_resource_arn: Callable[..., str]

    def __init__(self, tokens: Tokens, blobs: Blobs, registry: str) -> None:
        self._tokens = tokens
        self._blobs = blobs
        self._registry = registry

    async def handle_request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
    ) -> Answer:
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        if action == "GetAuthorizationToken":
            return self._token(router.extract_access_key_id(headers, query))
        if action in NOT_HERE:
            return _error(
                "InvalidParameterException", f"{action} is not supported by the local AWS: docker push"
            )
        answer: Answer = await self.original_request(method, path, headers, body, query)
        return answer

    def repository_uri(self, name: str) -> str:
        return f"{self._registry}/{name}"

    def put_image(self, data: Fields) -> Answer:
        """Like the original, which leaves a tag that has moved in the name of the image that had it."""
        answer = self.original_put(data)
        for image in ecr._images.get(data.get("repositoryName", ""), []):
            tags = image["imageTags"]
            if image["imageId"].get("imageTag") not in tags:
                image["imageId"] = {"imageDigest": image["imageDigest"]}
                if tags:
                    image["imageId"]["imageTag"] = tags[0]
        return answer

    def describe_images(self, data: Fields) -> Answer:
        """Like the original, with the sizes of images, and an error for one that is not there."""
        name = data.get("repositoryName", "")
        missing = [each for each in data.get("imageIds") or [] if ecr._find_image(name, each) is None]
        if missing and name in ecr._repositories:
            return _error(
                "ImageNotFoundException",
                f"The image with imageId {json.dumps(missing[0])} does not exist within the repository with "
                f"name '{name}' in the registry with id '{responses.get_account_id()}'",
            )
        status, headers, body = self.original_describe(data)
        answer = json.loads(body)
        for detail in answer.get("imageDetails", []):
            image = ecr._find_image(name, {"imageDigest": detail["imageDigest"]})
            detail["imageSizeInBytes"] = _size_bytes(image)
        return status, headers, json.dumps(answer).encode()

    def delete_repository(self, data: Fields) -> Answer:
        answer = self.original_delete(data)
        if answer[0] == 200:
            self._blobs.remove(_current_scope(), data["repositoryName"])
        return answer

    def download_url(self, data: Fields) -> Answer:
        name, digest = data.get("repositoryName", ""), data.get("layerDigest", "")
        if self._blobs.find(_current_scope(), name, digest) is None:
            return _error("LayersNotFoundException", f"The layer {digest} does not exist in '{name}'")
        url = f"http://{self._registry}/v2/{name}/blobs/{digest}"
        return _json({"downloadUrl": url, "layerDigest": digest})

    def check_layers(self, data: Fields) -> Answer:
        layers = [
            self._layer(data.get("repositoryName", ""), digest) for digest in data.get("layerDigests", [])
        ]
        return _json({"layers": layers, "failures": []})

    def resource_arn(
        self, service: str, method: str, path: str, headers: Any, body: bytes, *more: Any
    ) -> str:
        """Like the original, which takes a request that names its repository in a list for one about all."""
        if service == "ecr":
            fields = _fields(body)
            names = fields.get("repositoryNames")
            if isinstance(names, list) and len(names) == 1:
                return Scope(account=more[2], region=more[1]).arn(str(names[0]))
            if "resourceArn" in fields:
                return str(fields["resourceArn"])
        return self.original_resource_arn(service, method, path, headers, body, *more)

    def _token(self, access_key_id: str) -> Answer:
        token, expires_s = self._tokens.give(Caller(access_key_id, _current_scope()))
        data = {
            "authorizationToken": token,
            "expiresAt": expires_s,
            "proxyEndpoint": f"http://{self._registry}",
        }
        return _json({"authorizationData": [data]})

    def _layer(self, name: str, digest: str) -> Fields:
        path = self._blobs.find(_current_scope(), name, digest)
        if path is None:
            return {"layerDigest": digest, "layerAvailability": "UNAVAILABLE"}
        return {
            "layerDigest": digest,
            "layerAvailability": "AVAILABLE",
            "layerSize": path.stat().st_size,
        }


def _within(scope: Scope) -> AbstractContextManager[None]:
    within: AbstractContextManager[None] = responses.request_scope(scope.account, scope.region)
    return within


def _current_scope() -> Scope:
    return Scope(responses.get_account_id(), responses.get_region())


def _size_bytes(image: Fields) -> int:
    try:
        return contents_of(Manifest(image["imageManifest"].encode(), "")).size_bytes
    except ManifestInvalid:  # put there by PutImage, which looks at nothing
        return len(image["imageManifest"])


def _fields(body: bytes) -> Fields:
    try:
        fields = json.loads(body or b"{}")
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _json(document: Fields) -> Answer:
    answer: Answer = responses.json_response(document)
    return answer


def _error(code: str, message: str) -> Answer:
    answer: Answer = responses.error_response_json(code, message, 400)
    return answer
