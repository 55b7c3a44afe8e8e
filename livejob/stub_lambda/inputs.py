"""What the build of a container job begins with: a zip in the stage's bucket that holds its payload.

The payload passes through in pieces: neither memory nor the function's disk has to hold it twice. Called by
`codebuild`, before each attempt.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Protocol

from livejob.aws import translated
from livejob.runs.model import Document
from livejob.wire.ids import RunId
from livejob.wire.limits import MIB
from livejob.wire.names import PAYLOAD_FILE, input_key

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

PIECE_BYTES = MIB
IN_MEMORY_BYTES = 8 * MIB
"""A larger zip is made on the disk, where a function has 512 MB."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
_FILE = 0o100644 << 16


class RunInputs(Protocol):
    """Where builds find what they begin with."""

    def put(self, run_id: RunId, payload: Document) -> str:
        """Put the payload of a run there, again if it was there already; `bucket/key` of the zip.

        Raises:
            AwsError
        """
        ...


class S3Inputs:
    """The inputs of one stage, in its bucket. open_client: called when the first one is put."""

    def __init__(self, open_client: Callable[[], S3Client], bucket: str) -> None:
        self._open_client = open_client
        self._bucket = bucket
        self._client: S3Client | None = None

    def put(self, run_id: RunId, payload: Document) -> str:
        client = self._client = self._client or self._open_client()
        key = input_key(run_id)
        with SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as packed:
            write_input(packed, payload.size_bytes, self._pieces(client, payload))
            packed.seek(0)
            with translated("s3:PutObject", f"{self._bucket}/{key}"):
                client.put_object(Bucket=self._bucket, Key=key, Body=packed)
        return f"{self._bucket}/{key}"

    def _pieces(self, client: S3Client, payload: Document) -> Iterator[bytes]:
        if payload.inline is not None:
            yield payload.inline
            return
        key = str(payload.key)
        with translated("s3:GetObject", f"{self._bucket}/{key}"):
            yield from client.get_object(Bucket=self._bucket, Key=key)["Body"].iter_chunks(PIECE_BYTES)


def write_input(target: IO[bytes], size_bytes: int, pieces: Iterator[bytes]) -> None:
    """Write the zip. Not compressed: at a function's share of a processor that takes longer than the way."""
    info = zipfile.ZipInfo(PAYLOAD_FILE, _EPOCH)
    info.external_attr = _FILE
    info.file_size = size_bytes
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive, archive.open(info, "w") as file:
        for piece in pieces:
            file.write(piece)
