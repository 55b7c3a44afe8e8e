"""What Docker says while it builds, from both of its builders."""

from livejob.images.build_output import Failure, failure_of, is_engine_away, readable

BUILDKIT_FAILURE = """\
#5 [2/2] RUN false
#5 ERROR: process "/bin/sh -c false" did not complete: exit code: 1
------
 > [2/2] RUN false:
------
Dockerfile.job:4
--------------------
   2 |     # comment
   3 |
   4 | >>> RUN false
   5 |
--------------------
ERROR: failed to build: failed to solve: process "/bin/sh -c false" did not complete: exit code: 1
""".splitlines()


def test_buildkit_names_the_line() -> None:
    """BuildKit shows the place above an extract of the Dockerfile."""
    expected = Failure('process "/bin/sh -c false" did not complete: exit code: 1', 4)

    assert expected == failure_of(BUILDKIT_FAILURE, "")


def test_older_builder_counts_the_steps() -> None:
    """The number of the last step is that of an instruction, over comments and continued lines."""
    dockerfile = "ARG X\n\n# comment\nFROM base\nRUN one \\\n  # inside\n\n  two\nRUN three\n"
    said = [
        "Step 1/4 : ARG X",
        "Step 2/4 : FROM base",
        "Step 3/4 : RUN one two",
        "Step 4/4 : RUN three",
        "failed",
    ]

    lines = [failure_of([*said[:count], "failed"], dockerfile).line for count in range(1, 5)]

    assert [1, 4, 5, 9] == lines


def test_error_of_the_parser_has_its_line() -> None:
    """Both builders say where they do not understand a Dockerfile."""
    old = "Error response from daemon: dockerfile parse error line 3: unknown instruction: RUNN"
    new = (
        "failed to solve with frontend dockerfile.v0: failed to create LLB definition: "
        "dockerfile parse error on line 3: unknown instruction: RUNN"
    )

    assert [3, 3] == [failure_of([line], "FROM x\nRUN y\nRUNN z").line for line in (old, new)]
    assert "dockerfile parse error line 3: unknown instruction: RUNN" == failure_of([old], "").reason
    assert "dockerfile parse error on line 3: unknown instruction: RUNN" == failure_of([new], "").reason


def test_failure_before_the_first_step_has_no_line() -> None:
    """What is not in the Dockerfile has no place there."""
    expected = Failure("no space left on device", None)

    assert expected == failure_of(["Error response from daemon: no space left on device"], "FROM x")


def test_lines_are_for_people() -> None:
    """Colours and the client's notice about its builder are taken out."""
    said = ["\x1b[91mred\x1b[0m\n", "DEPRECATED: The legacy builder is deprecated\n", "\n", "  indented \n"]

    assert ["red", None, None, "  indented"] == [readable(line) for line in said]


def test_engine_that_is_away_is_known_by_the_commands_words() -> None:
    """Each version of the command has its own words for it."""
    said = [
        "Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?",
        "error during connect: Post http://x: EOF",
        "permission denied while trying to connect to the Docker daemon socket at unix:///x",
        "failed to connect to the docker API at unix:///x; check if the path is correct",
        "The command '/bin/sh -c false' returned a non-zero code: 1",
    ]

    assert [True, True, True, True, False] == [is_engine_away([line]) for line in said]
