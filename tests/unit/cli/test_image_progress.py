"""What is shown while images are built for a deployment."""

from __future__ import annotations

import json

import pytest

from livejob.cli.stage_images import ImageProgress


def watch(progress: ImageProgress) -> None:
    progress.begin("Convert")
    progress.see("Step 1/1 : FROM \x1b[31mscratch")
    progress.end("Convert", 12.3456)


def test_a_person_reads_it_on_stderr(capsys: pytest.CaptureFixture[str]):
    """Docker's own lines are between ours, without what would steer a terminal."""
    watch(ImageProgress(is_json=False))

    said = capsys.readouterr()
    assert "" == said.out
    [begun, line, done] = said.err.splitlines()
    assert "  building the image of Convert …" == begun
    assert "    Step 1/1 : FROM" in line
    assert "\x1b[31mscratch" not in line
    assert done.endswith("image of Convert  built and pushed  12.3 s")


def test_a_program_reads_json_on_stdout(capsys: pytest.CaptureFixture[str]):
    """One object for each happening."""
    watch(ImageProgress(is_json=True))

    said = capsys.readouterr()
    assert "" == said.err
    assert ["ImageBuilding", "ImageOutput", "ImagePushed"] == [
        json.loads(line)["event"] for line in said.out.splitlines()
    ]
