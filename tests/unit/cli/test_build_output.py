"""The log of a build, and what of it is the job's own output."""

from __future__ import annotations

from livejob.cli.build_output import CommandOutput, HandlerOutput

AT = "[Container] 2026/11/25 10:00:00.123456"


def output_of(reader: CommandOutput | HandlerOutput, log: list[str]) -> list[str]:
    return [text for line in log for text in reader.take(line)]


def a_log(
    *output: str, rest: tuple[str, ...] = ("", f"{AT} Phase complete: BUILD State: SUCCEEDED")
) -> list[str]:
    """Of a container job: CodeBuild's own words around the output of the command."""
    return [
        f"{AT} Entering phase PRE_BUILD",
        f"{AT} Running command printf %s 'export X",
        "sh convert.sh",
        '\' > "$CODEBUILD_SRC_DIR.sh"',
        "",
        f"{AT} Phase complete: PRE_BUILD State: SUCCEEDED",
        f"{AT} Entering phase BUILD",
        f'{AT} Running command /bin/sh "$CODEBUILD_SRC_DIR.sh"',
        *output,
        *rest,
    ]


def test_a_commands_output_is_between_codebuilds_words():
    """As it was written, empty lines too, but for the one that CodeBuild adds."""
    reader = CommandOutput()

    lines = output_of(reader, a_log("", "größe", "", "", "[Container] mine", ""))

    assert ["", "größe", "", "", "[Container] mine", ""] == lines
    assert reader.is_complete


def test_a_command_that_fails_has_written_no_more():
    """CodeBuild's word that it did not end well is none of its output."""
    rest = (
        "",
        f"{AT} Command did not exit successfully /bin/sh exit status 3",
        f"{AT} Phase complete: BUILD State: F",
    )
    reader = CommandOutput()

    assert ["hello"] == output_of(reader, a_log("hello", rest=rest))
    assert reader.is_complete


def test_a_command_that_runs_has_not_written_all():
    """Nothing is complete before CodeBuild says so, and what is sure is shown at once."""
    reader = CommandOutput()

    assert ["hello"] == output_of(reader, a_log("hello", rest=()))
    assert not reader.is_complete


def test_a_handlers_output_is_between_its_runners_words():
    """Others' lines in between, such as CodeBuild's, are left out."""
    reader = HandlerOutput("run_1")
    log = [
        f"{AT} Running command x",
        "noise",
        "[livejob] runs attempt 1",
        "hello",
        "[livejob] run_1 SUCCEEDED",
        "more",
    ]

    assert ["hello"] == output_of(reader, log)
    assert reader.is_complete
