"""Finding the jobs of an app in its files."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from livejob.errors import JobSpecInvalid, NoJobs
from livejob.project.discovery import JobFinder, discover

A_JOB = """
from livejob import job

@job
def {function}(payload): ...
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An app's directory with a job in src/reports.py."""
    write(tmp_path / "src" / "reports.py", A_JOB.format(function="monthly_report"))
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text))


def test_jobs_are_found_below_the_source(app: Path) -> None:
    """Handlers are named from the source directory, places from the app's."""
    write(app / "src" / "deep" / "er" / "images.py", A_JOB.format(function="resize"))

    found = discover(app, app / "src")

    assert {
        "MonthlyReport": ("reports.monthly_report", "src/reports.py:5"),
        "Resize": ("deep/er/images.resize", "src/deep/er/images.py:5"),
    } == {name: (spec.handler, spec.defined_at) for name, spec in found.jobs.items()}
    assert [] == found.problems


@pytest.mark.parametrize(
    "directory", [".hidden", "node_modules/x", "__pycache__", "lib/site-packages/x", ".livejob/runs"]
)
def test_what_is_not_the_apps_own_is_skipped(app: Path, directory: str) -> None:
    """Hidden directories, installed packages and caches are not looked into."""
    write(app / "src" / directory / "other.py", A_JOB.format(function="other"))

    found = discover(app, app / "src")

    assert {"MonthlyReport"} == found.jobs.keys()


def test_virtual_environment_is_skipped_whatever_its_name(app: Path) -> None:
    """A directory with pyvenv.cfg is a virtual environment."""
    write(app / "src" / "env" / "pyvenv.cfg", "home = /usr/bin")
    write(app / "src" / "env" / "other.py", A_JOB.format(function="other"))

    found = discover(app, app / "src")

    assert {"MonthlyReport"} == found.jobs.keys()


def test_syntax_error_hides_no_other_file(app: Path) -> None:
    """The broken file comes back with line and caret, the other file's jobs are there."""
    write(app / "src" / "broken.py", "from livejob import job\n\nif True\n    pass\n")

    found = discover(app, app / "src")

    assert {"MonthlyReport"} == found.jobs.keys()
    assert ["src/broken.py:3: expected ':'\n    if True\n           ^"] == [
        str(each) for each in found.problems
    ]


@pytest.mark.parametrize("text", [b"# livejob\n\xff", b"# livejob\n\x00", b"# livejob\n" + b"(" * 5000])
def test_file_that_is_no_python_hides_no_other_file(app: Path, text: bytes) -> None:
    """Bytes that are no text, and text that is too deep to parse, are problems too."""
    (app / "src" / "broken.py").write_bytes(text)

    found = discover(app, app / "src")

    assert {"MonthlyReport"} == found.jobs.keys()
    assert ["src/broken.py"] == [each.text.partition(":")[0] for each in found.problems]


def test_one_bad_job_hides_no_other(app: Path) -> None:
    """An argument out of its limits costs only its own job."""
    write(app / "src" / "bad.py", "from livejob import job\n@job(timeout='never')\ndef bad(payload): ...\n")

    found = discover(app, app / "src")

    assert {"MonthlyReport"} == found.jobs.keys()
    assert found.problems[0].text.startswith("src/bad.py:3: timeout is 'never', it must be a duration")


def test_two_jobs_of_one_name_name_both_places(app: Path) -> None:
    """The second definition is the problem, and it tells where the first one is."""
    write(app / "src" / "twice.py", A_JOB.format(function="monthly_report"))

    found = discover(app, app / "src")

    assert ["src/twice.py:5: src/reports.py:5 defines a job MonthlyReport too"] == [
        each.text for each in found.problems
    ]


def test_container_job_is_a_table_with_a_directory(app: Path) -> None:
    """A container job is defined in livejob.toml: its handler is the directory of its image."""
    (app / "src" / "resize").mkdir()
    table = {"runtime": "container", "handler": "resize", "container": {"cmd": ["python3", "resize.py"]}}

    found = discover(app, app / "src", {"Resize": table, "Gone": {**table, "handler": "gone"}})

    assert ("resize", True) == (found.jobs["Resize"].handler, found.jobs["Resize"].is_container)
    assert "handler 'gone': there is no such directory" in str(found.problems[-1])


def test_table_makes_a_job_of_a_plain_function(app: Path) -> None:
    """[jobs.Name] needs no decorator and no import of livejob in the code."""
    write(app / "src" / "plain.py", "def resize(payload): ...\n")
    tables = {"Resize": {"handler": "plain.resize", "timeout": "5 minutes"}}

    found = discover(app, app / "src", tables)

    spec = found.jobs["Resize"]
    assert ("plain.resize", 300, "livejob.toml [jobs.Resize]") == (
        spec.handler,
        spec.timeout_s,
        spec.defined_at,
    )


@pytest.mark.parametrize(
    ("handler", "message"),
    [
        (None, 'handler must be "path/to/file.function"'),
        ("resize", 'handler must be "path/to/file.function"'),
        ("gone.resize", "handler 'gone.resize': there is no file gone.py in "),
        ("../outside.resize", "handler '../outside.resize': there is no file ../outside.py in "),
        ("reports.resize", "handler 'reports.resize': reports.py has no resize"),
        ("broken.resize", "broken.py:1: "),
    ],
)
def test_table_with_a_handler_that_is_not_there(app: Path, handler: str | None, message: str) -> None:
    """A missing file or function is told before any run meets it."""
    write(app / "outside.py", "def resize(payload): ...\n")
    write(app / "src" / "broken.py", "def resize(payload)\n")
    table = {} if handler is None else {"handler": handler}

    found = discover(app, app / "src", {"Resize": table})

    assert found.problems[0].text.startswith(f"livejob.toml [jobs.Resize]: {message}")


def test_defaults_fill_what_a_job_does_not_say(app: Path) -> None:
    """An argument of the job itself wins over the app's default."""
    write(app / "src" / "two.py", "from livejob import job\n@job(concurrency=2)\ndef two(payload): ...\n")

    found = discover(app, app / "src", defaults={"concurrency": 5})

    assert {"MonthlyReport": 5, "Two": 2} == {name: spec.concurrency for name, spec in found.jobs.items()}


def test_whole_app_is_required_for_a_deployment(app: Path) -> None:
    """Any problem, told in full, keeps an app from counting as whole."""
    write(app / "src" / "broken.py", "import livejob\nif True\n")

    with pytest.raises(JobSpecInvalid) as caught:
        discover(app, app / "src").require_whole(app / "src")

    assert "src/broken.py:2: expected ':'\n    if True\n           ^" == caught.value.message


def test_app_without_jobs_is_told_how_to_make_one(tmp_path: Path) -> None:
    """No job at all is an error with its remedy."""
    with pytest.raises(NoJobs) as caught:
        discover(tmp_path, tmp_path).require_whole(tmp_path)

    assert f"Decorate a function with @job(...) under `{tmp_path}`" in caught.value.remedy


@pytest.mark.parametrize(
    ("name", "text", "jobs"),
    [
        ("reports.py", A_JOB.format(function="other"), {"Other"}),
        ("reports.py", None, set()),
        ("deep/new.py", A_JOB.format(function="other"), {"MonthlyReport", "Other"}),
        ("node_modules/new.py", A_JOB.format(function="other"), {"MonthlyReport"}),
        ("notes.txt", A_JOB.format(function="other"), {"MonthlyReport"}),
    ],
    ids=["changed", "removed", "new", "not the app's own", "no Python"],
)
def test_jobs_after_a_save_are_those_of_a_new_look(
    app: Path, name: str, text: str | None, jobs: set[str]
) -> None:
    """Only what was saved is read again, and the same jobs are found as by reading everything."""
    finder = JobFinder(app, app / "src")
    finder.find()
    if text is None:
        (app / "src" / name).unlink()
    else:
        write(app / "src" / name, text)

    found = finder.find_after([name])

    assert jobs == found.jobs.keys()
    assert discover(app, app / "src") == found


def test_files_that_were_not_saved_are_not_read_again(app: Path) -> None:
    """After a save, the rest of the app is as it was remembered."""
    finder = JobFinder(app, app / "src")
    finder.find()
    write(app / "src" / "reports.py", A_JOB.format(function="unseen"))

    found = finder.find_after(["other.py"])

    assert {"MonthlyReport"} == found.jobs.keys()


def test_which_of_two_jobs_counts_does_not_hang_on_the_order_of_saves(app: Path) -> None:
    """Two jobs of one name: the first one of a walk counts, whichever file was saved last."""
    for name in ("a/x.py", "b.py", "a/b/x.py"):
        write(app / "src" / name, A_JOB.format(function="monthly_report"))
    finder = JobFinder(app, app / "src")
    first = finder.find()

    again = finder.find_after(["b.py", "reports.py", "a/x.py"])

    assert first == again
