"""The agent's program and the stream that comes back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from livejob.local_aws.build_host.agent import AgentStream, Line, Mark, agent_program
from livejob.local_aws.build_host.buildspec import Buildspec, PhaseSpec

MARK = b"\x1enonce "


def test_program_numbers_commands_through_all_phases() -> None:
    """Each command is a file of its own; the calls say what runs, what follows a failure, what is last."""
    spec = Buildspec(
        phases={
            "INSTALL": PhaseSpec(("a",), on_failure="CONTINUE"),
            "BUILD": PhaseSpec(("b", "c"), ("d",)),
        }
    )

    program = agent_program(spec, {"A": "it's", "PWD": "/src"}, "nonce")

    assert {1: "a", 2: "b", 3: "c", 4: "d"} == program.commands
    script = program.files["/codebuild/output/tmp/agent.sh"]
    assert 'phase INSTALL continue "1" "" &&\nphase PRE_BUILD abort "" ""' in script
    assert 'phase BUILD continue "2 3" "4" &&\nphase POST_BUILD abort "" ""' in script
    assert "@" not in script.replace("$@", "")
    assert "export A='it'\"'\"'s'\nexport PWD=/src\n" == program.files["/codebuild/output/tmp/env.sh"]


def test_command_is_on_the_fourth_line_of_its_script() -> None:
    """A shell's error messages then name the line that they name in CodeBuild."""
    program = agent_program(Buildspec(phases={"BUILD": PhaseSpec(("x\ny",))}), {}, "nonce")

    lines = program.files["/codebuild/output/tmp/1/script.sh"].splitlines()

    assert ["x", "y"] == lines[3:]


def test_lines_and_marks_are_told_apart() -> None:
    """A mark counts also behind output that has no end of line of its own."""
    stream = AgentStream("nonce", 100)

    events = list(stream.feed(b"one\r\n\ntwo" + MARK + b"exit 1 3\n" + MARK + b"end\n\x1eother end\n"))

    assert [
        Line(b"one"),
        Line(b""),
        Line(b"two"),
        Mark("exit", ("1", "3")),
        Mark("end", ()),
        Line(b"\x1eother end"),
    ] == events


def test_long_line_is_cut() -> None:
    """A line without an end does not wait for one for ever."""
    stream = AgentStream("nonce", 4)

    assert [Line(b"abcd"), Line(b"efgh")] == list(stream.feed(b"abcdefghi"))
    assert [Line(b"ij")] == list(stream.feed(b"j\n"))


def test_rest_comes_at_the_end() -> None:
    """The last line needs no end."""
    stream = AgentStream("nonce", 100)

    assert [] == list(stream.feed(b"rest"))
    assert [Line(b"rest")] == list(stream.end())
    assert [] == list(stream.end())


@given(st.lists(st.sampled_from([b"a", b"\n", MARK + b"leave BUILD 0\n", b"\r\n", b"\xff"])), st.data())
def test_pieces_make_no_difference(parts: list[bytes], data: st.DataObject) -> None:
    """However the engine cuts the stream, the same comes out."""
    whole = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)))))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    at_once, in_pieces = AgentStream("nonce", 1000), AgentStream("nonce", 1000)

    expected = [*at_once.feed(whole), *at_once.end()]
    found = [event for piece in pieces for event in in_pieces.feed(piece)]

    assert expected == [*found, *in_pieces.end()]
