"""The ECR repository in which the images of a stage's container jobs are. Blocks.

Outside of the stage's stack, because the images have to be there before the projects that run in them.
A tag is the digest of what its image is made from, so tags are never moved. Knows neither Docker nor
how images are made (`images` does).
"""

from __future__ import annotations

import base64
from collections.abc import Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from livejob.aws import translated
from livejob.clock import EpochMs
from livejob.deploy.resources import StageContext
from livejob.images.port import RegistryLogin

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_ecr.type_defs import ImageDetailTypeDef

_DELETED_AT_ONCE = 100
"""Source: ECR API, BatchDeleteImage, imageIds."""


class EcrRepository:
    """The repository of one stage. Every method may raise AwsError."""

    def __init__(self, ecr: ECRClient, context: StageContext) -> None:
        self._ecr = ecr
        self._context = context

    @property
    def name(self) -> str:
        return self._context.names.repository

    @property
    def arn(self) -> str:
        return self._context.arn("ecr", f"repository/{self.name}")

    def ensure(self) -> None:
        """Make it, if it is not there."""
        with translated("ecr:CreateRepository", self.arn):
            try:
                self._ecr.create_repository(
                    repositoryName=self.name,
                    imageTagMutability="IMMUTABLE",
                    tags=[{"Key": key, "Value": value} for key, value in self._context.tags.items()],
                )
            except self._ecr.exceptions.RepositoryAlreadyExistsException:
                return

    def has(self, tag: str) -> bool:
        """Whether it has an image of that tag; False where there is no repository."""
        with translated("ecr:BatchGetImage", self.arn):
            try:
                answer = self._ecr.batch_get_image(repositoryName=self.name, imageIds=[{"imageTag": tag}])
            except self._ecr.exceptions.RepositoryNotFoundException:
                return False
        return bool(answer["images"])

    def login(self) -> RegistryLogin:
        """How to push to it, for some hours, and under which host."""
        with translated("ecr:GetAuthorizationToken", "*"):
            [data] = self._ecr.get_authorization_token()["authorizationData"]
        username, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
        return RegistryLogin(urlsplit(data["proxyEndpoint"]).netloc, username, password)

    def remove_unused(self, used: Collection[str], pushed_before_ms: EpochMs) -> int:
        """Remove the images without a tag of `used` that were pushed before; how many. A run that waits for
        a machine still needs the image of an earlier deployment, so leave it the time for that."""
        with translated("ecr:DescribeImages", self.arn):
            pages = self._ecr.get_paginator("describe_images").paginate(repositoryName=self.name)
            images = [image for page in pages for image in page["imageDetails"]]
        before = datetime.fromtimestamp(pushed_before_ms / 1000, UTC)
        unused = [image["imageDigest"] for image in images if _is_unused(image, used, before)]
        for start in range(0, len(unused), _DELETED_AT_ONCE):
            ids = [{"imageDigest": digest} for digest in unused[start : start + _DELETED_AT_ONCE]]
            with translated("ecr:BatchDeleteImage", self.arn):
                self._ecr.batch_delete_image(repositoryName=self.name, imageIds=ids)  # type: ignore[arg-type]
        return len(unused)

    def delete(self) -> None:
        """Delete it with its images. No error when it is not there."""
        with translated("ecr:DeleteRepository", self.arn):
            try:
                self._ecr.delete_repository(repositoryName=self.name, force=True)
            except self._ecr.exceptions.RepositoryNotFoundException:
                return


def _is_unused(image: ImageDetailTypeDef, used: Collection[str], before: datetime) -> bool:
    return image["imagePushedAt"] < before and not set(image.get("imageTags", [])) & set(used)
