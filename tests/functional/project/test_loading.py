"""Where settings come from, and which source wins."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from livejob.errors import ProjectNotFound, SettingsInvalid
from livejob.project.loading import (
    PresentJobs,
    discover_jobs,
    find_root,
    load_settings,
    remember_stage,
    stage_of_user,
)
from livejob.project.settings import Settings, setting_rows


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return written(tmp_path, 'app = "shop"\n')


def written(root: Path, text: str) -> Path:
    (root / "livejob.toml").write_text(text)
    return root


def load(
    root: Path, flags: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    return load_settings(root, flags or {}, environ or {}, "mia")


def test_root_is_the_nearest_directory_with_the_file(root: Path) -> None:
    """Commands work in any directory below livejob.toml."""
    below = root / "src" / "deep"
    below.mkdir(parents=True)

    assert root == find_root(below)


def test_no_root_is_told(tmp_path: Path) -> None:
    """Outside of an app the error says how to make one."""
    with pytest.raises(ProjectNotFound) as caught:
        find_root(tmp_path)

    assert "Create livejob.toml" in caught.value.remedy


def test_flag_beats_environment_beats_file_beats_default(root: Path) -> None:
    """Each source wins over the ones after it, and the value tells which one it was."""
    written(root, 'app = "shop"\nengine = "docker"\n')
    environ = {"LIVEJOB_ENGINE": "process"}
    loaded = [
        load(root, {"engine": "auto"}, environ),
        load(root, {"engine": None}, environ),
        load(root),
        load(written(root, 'app = "shop"\n')),
    ]

    chosen = [(each.engine, each.origins["engine"]) for each in loaded]

    assert [
        ("auto", "--engine"),
        ("process", "LIVEJOB_ENGINE"),
        ("docker", "livejob.toml"),
        ("auto", "default"),
    ] == chosen


def test_every_setting_has_an_origin(root: Path) -> None:
    """`livejob config` can tell of each row of the table where its value comes from."""
    settings = load(root)

    assert {row.name for row in setting_rows()} == settings.origins.keys()


def test_stage_is_the_users_until_it_is_named(root: Path) -> None:
    """The first stage is named after the user and stays the same for whoever uses this directory."""
    first = load(root)
    remember_stage(first)
    second = load_settings(root, {}, {}, "somebody-else")

    assert ("mia", "your user name") == (first.stage, first.origins["stage"])
    assert ("mia", ".livejob/stage") == (second.stage, second.origins["stage"])


def test_stage_that_was_named_is_not_remembered(root: Path) -> None:
    """`--stage` is for one command."""
    remember_stage(load(root, {"stage": "preview"}))

    assert "mia" == load(root).stage


@pytest.mark.parametrize(
    ("user", "stage"),
    [("mia", "mia"), ("Mia K.", "mia-k"), ("corp\\mia", "corp-mia"), ("42", "dev"), ("", "dev")],
)
def test_stage_from_a_users_name_is_a_name(user: str, stage: str) -> None:
    """What names of resources may not hold is left out."""
    assert stage == stage_of_user(user)


def test_values_are_read_into_their_units(root: Path) -> None:
    """Durations, numbers and tables arrive as the code needs them."""
    environ = {
        "LIVEJOB_DRAIN": "1 minute",
        "LIVEJOB_LOCAL_AWS_PORT": "4711",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }

    settings = load(root, environ=environ)

    assert (60.0, 4711, "eu-west-1") == (settings.drain_s, settings.local_aws_port, settings.region)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("app = ", "is not TOML"),
        ("", "livejob.toml does not set `app`"),
        ('app = "9"', "app is '9' (livejob.toml), it must be 1 to 40 letters"),
        ('app = "shop"\nsorce = "src"', "unknown key 'sorce'; did you mean 'source'?"),
        ('app = "shop"\nzzz = 1', "unknown key 'zzz'; known are app,"),
        ('app = "shop"\nengine = "podman"', "it must be auto or docker or process"),
        ('app = "shop"\nlocal_aws_port = 0', "it must be a whole number from 1 to 65535"),
        ('app = "shop"\naccounts = { prod = 12 }', "it must be a table of stages and account ids"),
        ('app = "shop"\nsource = "gone"', "is no directory"),
        ('app = "shop"\nsource = ".."', "is outside of"),
        ('app = "shop"\njobs = 3', "jobs are written as tables"),
    ],
)
def test_wrong_file_is_told(root: Path, text: str, message: str) -> None:
    """The error names the key, what was found, and what is allowed."""
    written(root, text)

    with pytest.raises(SettingsInvalid) as caught:
        load(root)

    assert message in caught.value.message


def test_wrong_environment_variable_is_named(root: Path) -> None:
    """The person sees which variable holds the value that is not allowed."""
    with pytest.raises(SettingsInvalid) as caught:
        load(root, environ={"LIVEJOB_STAGE": "my stage"})

    assert caught.value.message.startswith("stage is 'my stage' (LIVEJOB_STAGE), it must be")


def test_jobs_of_the_app_follow_its_settings(root: Path) -> None:
    """Source directory, tables and defaults of livejob.toml reach the discovery of jobs."""
    (root / "src").mkdir()
    (root / "src" / "plain.py").write_text("def resize(payload): ...\n")
    written(root, 'app = "shop"\nsource = "src"\nconcurrency = 3\n[jobs.Resize]\nhandler = "plain.resize"\n')

    found = discover_jobs(load(root))

    assert ("plain.resize", 3) == (found.jobs["Resize"].handler, found.jobs["Resize"].concurrency)


def test_present_jobs_are_those_of_the_file_as_it_is(tmp_path: Path) -> None:
    """A table that was changed since the settings were read counts as it is; one that is broken is told."""
    file, table = tmp_path / "livejob.toml", 'app = "shop"\n[jobs.Say]\nhandler = "say.run"\ntimeout = {}\n'
    (tmp_path / "say.py").write_text("def run(payload): ...\n")
    file.write_text(table.format(60))
    jobs = PresentJobs(load(tmp_path))

    file.write_text(table.format(120))
    present = jobs.find_after(())
    file.write_text("[jobs.Say\n")
    broken = jobs.find_after(())

    assert (120, []) == (present.jobs["Say"].timeout_s, list(present.problems))
    assert {} == broken.jobs
    assert "livejob.toml" in broken.problems[0].text
