"""The source of a build: a zip in S3, or none. Makes of it what the container unpacks.

A zip is read from the disk and written to the disk, so its size does not matter. Unlike `unzip`, this
keeps to the entries' modes and makes their symbolic links, and refuses an entry that leads out of the
source's directory.

Source: AWS CodeBuild, 'Build input'; zip's external attributes as Info-ZIP writes them.
"""

from __future__ import annotations

import calendar
import io
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from livejob.local_aws.build_host.phases import PhaseFailed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

DEFAULT_BUILDSPEC = "buildspec.yml"
YAML_FILE_ERROR = "YAML_FILE_ERROR"

_FILE_MODE = 0o644
_DIRECTORY_MODE = 0o755
_BUILDSPEC_BYTES = 1024 * 1024


class Source:
    """The source of one build; NO_SOURCE is an empty one. Closing it removes it from the disk."""

    def __init__(self, file: IO[bytes] | None = None) -> None:
        """file: the zip; the source closes it.

        Raises:
            BadZipFile: it is none.
        """
        self._file = file
        self._archive = None if file is None else zipfile.ZipFile(file)

    def text(self, path: str, shown_path: str) -> str:
        """A file of the source, as text.

        Raises:
            PhaseFailed: it is not there or is no text.
        """
        try:
            if self._archive is None:
                raise KeyError(path)
            with self._archive.open(str(PurePosixPath(path))) as file:
                return file.read(_BUILDSPEC_BYTES).decode()
        except KeyError as error:
            raise PhaseFailed(YAML_FILE_ERROR, f"stat {shown_path}: no such file or directory") from error
        except ValueError as error:
            raise PhaseFailed(YAML_FILE_ERROR, f"{shown_path} is not UTF-8: {error}") from error

    def pack(self, root: str, files: Mapping[str, str]) -> IO[bytes]:
        """A tar file with the source at the directory `root`, and `files` (absolute path -> content)."""
        packed = tempfile.TemporaryFile()  # noqa: SIM115  (the caller closes it)
        try:
            with tarfile.open(fileobj=packed, mode="w") as tar:
                self._write(tar, root, files)
        except BaseException:
            packed.close()
            raise
        packed.seek(0)
        return packed

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _write(self, tar: tarfile.TarFile, root: str, files: Mapping[str, str]) -> None:
        tar.addfile(_directory(root))
        for path, content in files.items():
            data = content.encode()
            tar.addfile(_entry(path, 0o755, len(data)), io.BytesIO(data))
        if self._archive is not None:
            self._copy(self._archive, root, tar)

    def _copy(self, archive: zipfile.ZipFile, root: str, tar: tarfile.TarFile) -> None:
        for info in archive.infolist():
            path = f"{root}/{_inside(info.filename)}"
            mode = info.external_attr >> 16
            if info.is_dir():
                tar.addfile(_directory(path))
                continue
            entry = _entry(path, stat.S_IMODE(mode) or _FILE_MODE, info.file_size)
            entry.mtime = calendar.timegm((*info.date_time, 0, 0, 0))
            if stat.S_ISLNK(mode):
                entry.type, entry.linkname, entry.size = tarfile.SYMTYPE, archive.read(info).decode(), 0
                tar.addfile(entry)
            else:
                with archive.open(info) as file:
                    tar.addfile(entry, file)


def download(s3: S3Client, location: str, version: str) -> Source:
    """The zip at `bucket/key`, in `version` if that is not "".

    Raises:
        PhaseFailed: it is not there, the role may not read it, or it is no zip.
    """
    bucket, _, key = location.removeprefix("arn:aws:s3:::").partition("/")
    file = tempfile.TemporaryFile()  # noqa: SIM115  (the source closes it)
    try:
        s3.download_fileobj(bucket, key, file, ExtraArgs={"VersionId": version} if version else None)
        return Source(file)
    except ClientError as error:
        file.close()
        details = error.response["Error"]
        raise PhaseFailed(
            "CLIENT_ERROR",
            f"{details.get('Code')}: {details.get('Message')} for primary source and source version "
            f"arn:aws:s3:::{bucket}/{key}",
        ) from error
    except (BotoCoreError, zipfile.BadZipFile) as error:
        file.close()
        raise PhaseFailed("CLIENT_ERROR", f"arn:aws:s3:::{bucket}/{key}: {error}") from error


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise PhaseFailed("CLIENT_ERROR", f"the source's entry {name!r} leads out of its directory")
    return str(path)


def _entry(path: str, mode: int, size_bytes: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path.lstrip("/"))
    entry.mode, entry.size = mode, size_bytes
    return entry


def _directory(path: str) -> tarfile.TarInfo:
    entry = _entry(path, _DIRECTORY_MODE, 0)
    entry.type = tarfile.DIRTYPE
    return entry
