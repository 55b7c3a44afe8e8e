"""What a job's workers have learned is kept: by job, by what workers are made of, between sessions."""

from __future__ import annotations

from pathlib import Path

import pytest

from livejob.local_runner.preloads import JobPreloads
from livejob.wire.worker import Hello, ModulesLearned, Preload

HELLO = Hello(python="3.12.1", pid=1)


class Notes(list[str]):
    """What a person was told."""


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def preloads(tmp_path: Path, notes: Notes) -> JobPreloads:
    return open_preloads(tmp_path, notes)


def open_preloads(directory: Path, notes: Notes, made_of: str = "image") -> JobPreloads:
    return JobPreloads("Resize", directory, lambda: made_of, lambda: {"MODE": "fast"}, notes.append)


def test_the_first_worker_learns(preloads: JobPreloads):
    """One worker tries modules out; when it is gone, the next one does."""
    first, _ = preloads.news("a", HELLO, 0)
    second, _ = preloads.news("b", HELLO, 0)
    preloads.forget("a")
    third, _ = preloads.news("c", HELLO, 0)

    assert Preload([], [], {"MODE": "fast"}, is_to_learn=True) == first
    assert [False, True] == [each is not None and each.is_to_learn for each in (second, third)]


def test_others_are_told_once(preloads: JobPreloads):
    """A worker hears of what was learned since, and then nothing until there is more."""
    _, version = preloads.news("a", HELLO, 0)
    preloads.learn("a", ModulesLearned(["numpy"], {"noisy": "prints"}, is_spoilt=False))
    news, version = preloads.news("a", HELLO, version)
    again, _ = preloads.news("a", HELLO, version)

    assert Preload(["numpy"], ["noisy"], {"MODE": "fast"}, is_to_learn=True) == news
    assert again is None


def test_the_next_session_knows(preloads: JobPreloads, tmp_path: Path, notes: Notes):
    """What was learned is there in the next session, unless image, dependencies or Python are others."""
    preloads.news("a", HELLO, 0)
    preloads.learn("a", ModulesLearned(["numpy", "pandas"], {"noisy": "prints"}, is_spoilt=False))

    same, _ = open_preloads(tmp_path, notes).news("b", HELLO, 0)
    image, _ = open_preloads(tmp_path, notes, "other").news("b", HELLO, 0)
    python, _ = open_preloads(tmp_path, notes).news("b", Hello(python="3.13.0", pid=1), 0)

    modules = [each.modules if each is not None else None for each in (same, image, python)]
    assert [["numpy", "pandas"], [], []] == modules


def test_a_person_hears_once_why(preloads: JobPreloads, notes: Notes):
    """What is excluded for what it does is told, once; what cannot be imported by itself is not."""
    preloads.news("a", HELLO, 0)
    for _ in range(2):
        excluded = {"noisy": "prints", "part": "cannot be imported by itself: ImportError: x"}
        preloads.learn("a", ModulesLearned([], excluded, is_spoilt=False))

    assert ["noisy is imported anew by each run of Resize: at its import it prints"] == notes


def test_what_went_wrong_is_left_for_good(preloads: JobPreloads, tmp_path: Path, notes: Notes):
    """A worker that was spoilt ends importing ahead for its job, in later sessions too."""
    preloads.news("a", HELLO, 0)
    preloads.learn("a", ModulesLearned([], {}, is_spoilt=True))

    assert preloads.news("b", HELLO, 0)[0] is None
    assert open_preloads(tmp_path, notes).news("c", HELLO, 0)[0] is None


def test_a_file_that_is_broken_is_no_trouble(preloads: JobPreloads, tmp_path: Path, notes: Notes):
    """What cannot be read is learned again."""
    preloads.news("a", HELLO, 0)
    preloads.learn("a", ModulesLearned(["numpy"], {}, is_spoilt=False))
    [path] = tmp_path.rglob("*.json")
    path.write_text("{")

    news, _ = open_preloads(tmp_path, notes).news("b", HELLO, 0)

    assert news is not None and [] == news.modules
