"""Manifests of images: what they name, and how large their image is. Pure.

Source: OCI image specification, manifest and index; Docker's image manifest version 2, schema 2.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MANIFEST_BYTES = 4 * 1024 * 1024
"""The largest one. Source: OCI distribution specification, 'Pushing manifests'."""

DEFAULT_MEDIA_TYPE = "application/vnd.docker.distribution.manifest.v2+json"


class ManifestInvalid(Exception):
    """No JSON object in UTF-8, or not of the kind that is said."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest as it was sent: every byte counts for its digest."""

    data: bytes
    media_type: str

    @property
    def digest(self) -> str:
        return f"sha256:{hashlib.sha256(self.data).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Contents:
    """What a manifest names by digest: blobs that are in the registry, and manifests of an index.

    size_bytes: of the blobs, which is the image's size as ECR tells it.
    """

    blobs: tuple[str, ...]
    manifests: tuple[str, ...]
    size_bytes: int


def contents_of(manifest: Manifest) -> Contents:
    """What the manifest names.

    Raises:
        ManifestInvalid
    """
    try:
        document = json.loads(manifest.data.decode())
        if not isinstance(document, dict):
            raise ManifestInvalid("the manifest is no JSON object")
        blobs = [*([document["config"]] if "config" in document else []), *document.get("layers", [])]
        own = [each for each in blobs if not _is_elsewhere(each)]
        return Contents(
            blobs=tuple(str(each["digest"]) for each in own),
            manifests=tuple(str(each["digest"]) for each in document.get("manifests", [])),
            size_bytes=sum(int(each["size"]) for each in own),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ManifestInvalid(f"the manifest cannot be read: {error!r}") from error


def _is_elsewhere(descriptor: Mapping[str, Any]) -> bool:
    """Layers that nobody may pass on are named with the place where they are to be had."""
    return bool(descriptor.get("urls"))
