"""Payloads and results: in the run's record when small, in the stage's S3 bucket when not.

Knows the bucket by its name and boto3 by its client. Called by the stub, the daemon (through its thread
gateway) and the SDK's way of reading results.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from livejob.aws import error_code, translated
from livejob.runs.model import Document
from livejob.wire.ids import RunId
from livejob.wire.limits import INLINE_DOCUMENT_BYTES
from livejob.wire.names import DocumentKind, document_key

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


CONTENT_TYPE = "application/json"
"""Signed with an upload: whoever uploads has to send it."""


class S3Documents:
    """The documents of one stage, large ones in its bucket."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def store(self, kind: DocumentKind, run_id: RunId, data: bytes) -> Document:
        if len(data) <= INLINE_DOCUMENT_BYTES:
            return Document(len(data), inline=data)
        key = document_key(kind, run_id)
        with translated("s3:PutObject", f"{self._bucket}/{key}"):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType=CONTENT_TYPE)
        return Document(len(data), key=key)

    def load(self, document: Document) -> bytes:
        if document.inline is not None:
            return document.inline
        key = str(document.key)
        with translated("s3:GetObject", f"{self._bucket}/{key}"):
            return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()

    def find(self, kind: DocumentKind, run_id: RunId) -> Document | None:
        from botocore.exceptions import ClientError

        key = document_key(kind, run_id)
        with translated("s3:GetObject", f"{self._bucket}/{key}"):
            try:
                answer = self._client.head_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                # An answer to HEAD has no body, so its code is the status alone. Who may not list the
                # bucket hears 403 for what is not there.
                if error_code(error) in ("404", "403", "NoSuchKey"):
                    return None
                raise
        return Document(answer["ContentLength"], key=key)

    def upload_url(self, kind: DocumentKind, run_id: RunId, size_bytes: int, ttl_s: int) -> str:
        key = document_key(kind, run_id)
        with translated("s3:PutObject", f"{self._bucket}/{key}"):
            return self._client.generate_presigned_url(
                "put_object",
                Params={
                    "Bucket": self._bucket,
                    "Key": key,
                    "ContentLength": size_bytes,
                    "ContentType": CONTENT_TYPE,
                },
                ExpiresIn=ttl_s,
            )

    def presigned_url(self, document: Document, ttl_s: int) -> str:
        if document.key is None:
            raise ValueError("an inline document has no URL")
        with translated("s3:GetObject", f"{self._bucket}/{document.key}"):
            return self._client.generate_presigned_url(
                "get_object",
                Params={"Bucket": self._bucket, "Key": document.key},
                ExpiresIn=ttl_s,
            )
