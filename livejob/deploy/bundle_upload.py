"""Uploads a bundle so that what it has in common with earlier ones travels once.

A bundle's zip begins with the entries of its packages' zip, byte for byte, and those are most of it. So the
packages are uploaded by themselves, once for their digest; S3 puts a bundle together out of a copy of that
part and the rest. It is the same object as by a plain upload. Called by `artifacts`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from livejob.deploy.bundle import Bundle, SharedPart

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PART_BYTES_MIN = 5 << 20
PART_BYTES_MAX = 5 << 30
"""Of every part but the last. Source: Amazon S3, 'Multipart upload limits'."""


def upload_bundle(s3: S3Client, bucket: str, key: str, bundle: Bundle) -> None:
    """Upload the bundle; its packages apart where that saves something. Raises what boto3 does."""
    shared = bundle.shared
    if shared is None or not PART_BYTES_MIN <= shared.size_bytes <= PART_BYTES_MAX:
        s3.upload_file(str(bundle.path), bucket, key)
        return
    _put_once(s3, bucket, shared)
    _put_together(s3, bucket, key, bundle.path, shared)


def packages_key(digest: str) -> str:
    """Where packages lie by themselves."""
    return f"packages/{digest}.zip"


def _put_once(s3: S3Client, bucket: str, shared: SharedPart) -> None:
    key = packages_key(shared.digest)
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
    if not listed.get("KeyCount"):
        s3.upload_file(str(shared.path), bucket, key)


def _put_together(s3: S3Client, bucket: str, key: str, path: Path, shared: SharedPart) -> None:
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    # One that is not completed is aborted after a day, by the bucket's lifecycle.
    with path.open("rb") as file:
        file.seek(shared.size_bytes)
        rest = file.read()
    copied = s3.upload_part_copy(
        Bucket=bucket,
        Key=key,
        UploadId=upload,
        PartNumber=1,
        CopySource={"Bucket": bucket, "Key": packages_key(shared.digest)},
        CopySourceRange=f"bytes=0-{shared.size_bytes - 1}",
    )
    uploaded = s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=2, Body=rest)
    parts = [copied["CopyPartResult"]["ETag"], uploaded["ETag"]]
    s3.complete_multipart_upload(
        Bucket=bucket,
        Key=key,
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": n, "ETag": tag} for n, tag in enumerate(parts, 1)]},
    )
