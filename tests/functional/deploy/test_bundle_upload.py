"""Uploading bundles to the local AWS's S3: what travels, and that the object is the bundle."""

from __future__ import annotations

import os
import uuid
import zipfile
from pathlib import Path
from typing import Any

import pytest

from livejob.deploy.bundle import Bundle, SharedPart
from livejob.deploy.bundle_upload import PART_BYTES_MIN, upload_bundle
from livejob.deploy.zip_files import entries_bytes, write_zip
from tests.support.local_aws_fixtures import LocalAwsUnderTest


@pytest.fixture
def s3(local_aws: LocalAwsUnderTest) -> Any:
    """The developer's client."""
    return local_aws.developer.client("s3", endpoint_url=local_aws.endpoint_url)


@pytest.fixture
def bucket(local_aws: LocalAwsUnderTest) -> str:
    """A bucket that no other test has."""
    name = f"livejob-artifacts-{uuid.uuid4().hex[:12]}"
    local_aws.root.client("s3", endpoint_url=local_aws.endpoint_url).create_bucket(Bucket=name)
    return name


def a_bundle(directory: Path, code: str, packages_bytes: int) -> Bundle:
    """A bundle of packages that do not compress, and of that code."""
    packages = directory / "packages.zip"
    if not packages.exists():
        (directory / "data").write_bytes(os.urandom(packages_bytes))
        write_zip(packages, {"python/data": directory / "data"})
    (directory / "code").write_text(code)
    path = directory / f"{code}.zip"
    path.write_bytes(packages.read_bytes())
    write_zip(path, {"task/jobs.py": directory / "code"})
    return Bundle(code, path, SharedPart("p" * 64, packages, entries_bytes(packages)))


def sent_by(s3: Any) -> list[int]:
    """The sizes of the bodies that the client sends from here on."""
    sizes: list[int] = []

    def note(request: Any, **_: object) -> None:
        length = request.headers.get("Content-Length") or request.headers.get("X-Amz-Decoded-Content-Length")
        sizes.append(int(length or 0))

    s3.meta.events.register("before-send.s3", note)
    return sizes


def test_a_change_of_code_sends_the_code_alone(s3: Any, bucket: str, tmp_path: Path):
    """The packages are there from the first time; the object is the bundle all the same."""
    upload_bundle(s3, bucket, "bundles/one.zip", a_bundle(tmp_path, "one", PART_BYTES_MIN + 1000))
    sent = sent_by(s3)
    bundle = a_bundle(tmp_path, "two", 0)

    upload_bundle(s3, bucket, "bundles/two.zip", bundle)

    found = s3.get_object(Bucket=bucket, Key="bundles/two.zip")["Body"].read()
    assert bundle.path.read_bytes() == found
    assert max(sent) < 10_000
    with zipfile.ZipFile(bundle.path) as archive:
        assert ["python/data", "task/jobs.py"] == archive.namelist()


def test_small_packages_travel_with_the_bundle(s3: Any, bucket: str, tmp_path: Path):
    """S3 puts no parts together that are so small."""
    bundle = a_bundle(tmp_path, "one", 1000)

    upload_bundle(s3, bucket, "bundles/one.zip", bundle)

    found = s3.get_object(Bucket=bucket, Key="bundles/one.zip")["Body"].read()
    assert bundle.path.read_bytes() == found
    assert 0 == s3.list_objects_v2(Bucket=bucket, Prefix="packages/")["KeyCount"]
