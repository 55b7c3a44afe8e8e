"""What the props of a `Job` may be, and the words in which it refuses them. Needs no CDK."""

from dataclasses import replace
from pathlib import Path

import pytest
from livejob_infra.props import ContainerProps, JobProps, job_spec

from livejob.errors import JobSpecInvalid
from livejob.project.specs import Container
from livejob.wire.limits import GIB


@pytest.fixture
def props(tmp_path: Path) -> JobProps:
    """The least that a job is given: a handler whose file is there."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src/job.py").write_text("def main(payload): ...\n")
    return JobProps("src/job.main", src_path=str(tmp_path))


def refusal(props: JobProps) -> JobSpecInvalid:
    with pytest.raises(JobSpecInvalid) as caught:
        job_spec("MyJob", props)
    return caught.value


def test_defaults_are_those_of_sst(props: JobProps) -> None:
    """Three gigabytes on x86_64, and eight hours."""
    spec = job_spec("MyJob", props)

    assert ("MyJob", "src/job.main") == (spec.name, spec.handler)
    assert ("x86_64", 3 * GIB, 8 * 3600) == (spec.architecture, spec.memory_bytes, spec.timeout_s)


@pytest.mark.parametrize(
    ("architecture", "size", "memory_gib"),
    [
        ("x86_64", "3 GB", 3),
        ("x86_64", "7GB", 7),
        ("x86_64", "15 GB", 15),
        ("x86_64", "70 GB", 70),
        ("x86_64", "145 GB", 145),
        ("arm_64", "3 GB", 3),
        ("arm_64", "8 GB", 8),
        ("arm_64", "15 GB", 15),
        ("arm_64", "96 GB", 96),
    ],
)
def test_memory_sizes_are_those_of_the_machines(
    props: JobProps, architecture: str, size: str, memory_gib: int
) -> None:
    """Each machine of CodeBuild can be asked for by its size, with or without a space."""
    spec = job_spec("MyJob", replace(props, architecture=architecture, memory_size=size))

    assert memory_gib * GIB == spec.memory_bytes


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5 minutes", 300), ("30 minutes", 1800), ("1 hour", 3600), ("36 hours", 129_600), ("1 day", 86_400)],
)
def test_timeout_is_written_in_words(props: JobProps, text: str, seconds: int) -> None:
    """Both ends of what CodeBuild allows can be written."""
    assert seconds == job_spec("MyJob", replace(props, timeout=text)).timeout_s


@pytest.mark.parametrize(("word", "days"), [(None, 14), ("one_week", 7), ("ten_years", 3653)])
def test_log_retention_is_a_word(props: JobProps, word: str | None, days: int) -> None:
    """SST's words for how long logs are kept; two weeks when nothing is said."""
    assert days == job_spec("MyJob", replace(props, log_retention=word)).log_days


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"memory_size": "5 GB"}, "Invalid memory size value for the MyJob Job."),
        ({"memory_size": "lots"}, "Invalid memory size value for the MyJob Job."),
        (
            {"architecture": "arm_64", "memory_size": "7 GB"},
            'ARM architecture only supports "3 GB", "4 GB", "8 GB", "15 GB", "16 GB", "64 GB" and "96 GB" '
            "memory sizes for the MyJob Job.",
        ),
        ({"timeout": "299 seconds"}, "Invalid timeout value for the MyJob Job."),
        ({"timeout": "37 hours"}, "Invalid timeout value for the MyJob Job."),
        ({"timeout": "3 weeks"}, "Invalid timeout value for the MyJob Job."),
        ({"runtime": "container"}, "No commands defined for the MyJob Job."),
        ({"runtime": "container", "container": {"cmd": []}}, "No commands defined for the MyJob Job."),
        (
            {"runtime": "container", "container": {"cmd": ["sh"], "dockerfile": "D"}},
            "The container of the MyJob Job has no 'dockerfile'.",
        ),
        ({"container": {"cmd": ["sh"]}}, "The MyJob Job has `container` and is no container job."),
        ({"architecture": "arm64"}, "Invalid architecture value for the MyJob Job: 'arm64'."),
        ({"log_retention": "1_week"}, "Invalid log retention value for the MyJob Job: '1_week'."),
        ({"copy_files": [{"from": "a", "to": "/etc/a"}]}, 'Copy destination path "/etc/a" must be relative'),
        ({"handler": "main"}, "No handler defined for the \"MyJob\" Job: 'main' names no function."),
    ],
)
def test_refusal_has_the_words_of_sst_and_a_remedy(
    props: JobProps, change: dict[str, object], message: str
) -> None:
    """Whoever comes from SST knows the message; the remedy is also in the traceback, all a CDK app shows."""
    error = refusal(replace(props, **change))

    assert message == error.message
    assert [f"hint: {error.remedy}"] == error.__notes__
    assert error.remedy


def test_handler_without_a_file_cannot_be_built(props: JobProps) -> None:
    """A handler is looked for when the app is synthesized, not when the job first runs."""
    error = refusal(replace(props, handler="src/gone.main"))

    assert error.message.startswith('Failed to build job "src/gone.main"\nThere is no ')
    assert error.message.endswith("src/gone.py.")


def test_file_to_copy_must_be_there(props: JobProps) -> None:
    """What cannot be copied is found at synthesis."""
    error = refusal(replace(props, copy_files=[{"from": "gone.txt"}]))

    assert 'Failed to build job "src/job.main"\nThere is no gone.txt to copy in ' in error.message


@pytest.fixture
def container_props(props: JobProps) -> JobProps:
    """The least that a container job is given: a command, and a directory with a Dockerfile."""
    Path(props.src_path, "src/Dockerfile").write_text("FROM scratch\n")
    return replace(props, handler="src", runtime="container", container={"cmd": ["python3", "s.py"]})


def test_container_job_is_a_command_in_a_directory(container_props: JobProps) -> None:
    """It has what `[jobs.Name]` of livejob.toml gives one, and SST's defaults."""
    spec = job_spec("MyJob", replace(container_props, timeout="30 minutes"))

    assert (Container(("python3", "s.py")), "src") == (spec.container, spec.handler)
    assert ("container", 1800, 3 * GIB) == (spec.runtime, spec.timeout_s, spec.memory_bytes)


def test_dockerfile_must_be_there(container_props: JobProps) -> None:
    """It is looked for when the app is synthesized, in the handler's directory and under its own name."""
    container: ContainerProps = {"cmd": ["sh"], "file": "Other.Dockerfile"}

    error = refusal(replace(container_props, container=container))

    assert error.message.startswith('Failed to build job "src"\nThere is no ')
    assert error.message.endswith("src/Other.Dockerfile.")


def test_container_job_copies_its_files_itself(container_props: JobProps) -> None:
    """What is in an image, its Dockerfile says."""
    error = refusal(replace(container_props, copy_files=[{"from": "a"}]))

    assert "The MyJob Job has `copy_files` and is a container job." == error.message


@pytest.mark.parametrize("name", ["LIVEJOB_APP", "AWS_REGION", "NOT A NAME"])
def test_environment_is_the_authors_alone(props: JobProps, name: str) -> None:
    """What AWS and livejob set cannot be set by a job."""
    assert "environment is" in refusal(replace(props, environment={name: "x"})).message
