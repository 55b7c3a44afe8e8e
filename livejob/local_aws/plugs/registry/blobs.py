"""Blobs of images on the disk, one directory for each repository; uploads grow there piece by piece.

A blob is under its digest only when its content has it. All of it blocks. Knows neither requests nor who
may do what.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import uuid
from pathlib import Path
from urllib.parse import quote

from livejob.local_aws.plugs.registry.ports import Scope

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class DigestWrong(Exception):
    """The content has another digest than was said, or what was said is no SHA-256 digest."""


class Upload:
    """A blob that is being sent. Its pieces come one after another."""

    def __init__(self, directory: Path, path: Path) -> None:
        self.directory = directory
        self.size_bytes = 0
        self._path = path
        self._hash = hashlib.sha256()
        path.touch()

    def append(self, data: bytes) -> None:
        """Take the next piece."""
        with self._path.open("ab") as file:
            file.write(data)
        self._hash.update(data)
        self.size_bytes += len(data)

    def finish(self, digest: str) -> None:
        """Put the blob under its digest. The upload stays open when that is not its digest.

        Raises:
            DigestWrong
        """
        actual = f"sha256:{self._hash.hexdigest()}"
        if actual != digest:
            raise DigestWrong(f"the content's digest is {actual}, not {digest}")
        self._path.replace(self.directory / actual)

    def cancel(self) -> None:
        """Remove what has come so far."""
        self._path.unlink(missing_ok=True)


class Blobs:
    """The blobs of all repositories below one directory."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._uploads: dict[str, Upload] = {}

    def find(self, scope: Scope, repository: str, digest: str) -> Path | None:
        """The file of a blob; None when the repository does not have it."""
        if not _DIGEST.fullmatch(digest):
            return None
        path = self._directory(scope, repository) / digest
        return path if path.is_file() else None

    def begin(self, scope: Scope, repository: str) -> str:
        """Begin an upload; its id."""
        directory = self._directory(scope, repository)
        directory.mkdir(parents=True, exist_ok=True)
        upload_id = str(uuid.uuid4())
        self._uploads[upload_id] = Upload(directory, directory / f"upload-{upload_id}")
        return upload_id

    def upload(self, scope: Scope, repository: str, upload_id: str) -> Upload | None:
        """An upload to that repository that has not ended."""
        upload = self._uploads.get(upload_id)
        return upload if upload and upload.directory == self._directory(scope, repository) else None

    def forget(self, upload_id: str) -> None:
        """The upload has ended, well or not."""
        self._uploads.pop(upload_id, None)

    def remove(self, scope: Scope, repository: str) -> None:
        """Remove all of a repository; no error when there is nothing."""
        directory = self._directory(scope, repository)
        self._uploads = {key: each for key, each in self._uploads.items() if each.directory != directory}
        shutil.rmtree(directory, ignore_errors=True)

    def _directory(self, scope: Scope, repository: str) -> Path:
        return self._root / scope.account / scope.region / quote(repository, safe="")
