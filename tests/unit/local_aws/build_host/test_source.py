"""What becomes of a source's zip."""

from __future__ import annotations

import io
import tarfile
import zipfile

import pytest

from livejob.local_aws.build_host.phases import PhaseFailed
from livejob.local_aws.build_host.source import Source
from tests.support.codebuild import zip_of


def source_of(data: bytes) -> Source:
    return Source(io.BytesIO(data))


def test_files_keep_their_modes_and_times() -> None:
    """An executable stays one, and nothing is of 1970."""
    source = source_of(zip_of({"run.sh": "x", "a/b.txt": "y"}, executable=["run.sh"]))

    with source.pack("/src", {"/tmp/agent": "z"}) as file, tarfile.open(fileobj=file) as tar:
        modes = {member.name: oct(member.mode) for member in tar if member.isfile()}
        moment = tar.getmember("src/run.sh").mtime
        content = tar.extractfile("src/a/b.txt")
        assert content is not None

        assert {"tmp/agent": "0o755", "src/run.sh": "0o755", "src/a/b.txt": "0o644"} == modes
        assert 1767323046 == moment
        assert b"y" == content.read()


def test_symbolic_link_stays_one() -> None:
    """Info-ZIP stores a link's target as the content."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "target")

    with source_of(data.getvalue()).pack("/src", {}) as file, tarfile.open(fileobj=file) as tar:
        member = tar.getmember("src/link")

    assert (tarfile.SYMTYPE, "target", 0) == (member.type, member.linkname, member.size)


@pytest.mark.parametrize("name", ["../outside", "/outside", "a/../../outside"])
def test_entry_that_leads_out_is_refused(name: str) -> None:
    """A zip cannot write beside the source's directory."""
    source = source_of(zip_of({name: "x"}))

    with pytest.raises(PhaseFailed, match="leads out of its directory"):
        source.pack("/src", {})


def test_missing_buildspec_is_told_with_its_path() -> None:
    """As CodeBuild says it."""
    with pytest.raises(PhaseFailed) as caught:
        source_of(zip_of({"a": "x"})).text("buildspec.yml", "/src/buildspec.yml")

    result = caught.value.result
    assert ("YAML_FILE_ERROR", "stat /src/buildspec.yml: no such file or directory") == (
        result.code,
        result.message,
    )
