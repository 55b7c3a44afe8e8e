"""What runs in the build's container, and what it says: a shell script as process 1, and its marks.

As CodeBuild does for version 0.2, each command is a script of its own that a shell of its own reads from
its fourth line on (so that errors say `script.sh: line 4`), and the state is carried over: every variable
and the working directory. So `exit 0` ends a command and not the build, and a phase can follow on one
whose shell was killed.

The agent's marks go through the same stream as the output of the commands, so that their order is true.
A mark holds a random word, which no command prints by chance.

Source: AWS CodeBuild, 'Shells and commands in build environments', 'Build phase transitions'; logs of
real builds.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from livejob.local_aws.build_host.buildspec import PHASES, Buildspec, PhaseSpec

TMP = "/codebuild/output/tmp"
AGENT = f"{TMP}/agent.sh"
ENVIRONMENT = f"{TMP}/env.sh"
STOP = f"{TMP}/stop"

TERMINATE = f": > {STOP}; kill -TERM -1"
"""Shell command that ends what runs, within the container: no further command starts. Process 1 is not
reached by the signal; it ends when all that got it has ended."""

_MARK = b"\x1e"

# ${nonce} and the calls at the end are put in; everything else stays as it is.
_SCRIPT = """\
exec 2>&1
nonce=@NONCE@
mark() { printf '\\036%s %s\\n' "$nonce" "$*"; }
run() {
    [ -e @TMP@/stop ] && return 143
    mark command "$1"
    @SHELL@ "@TMP@/$1/script.sh"
    code=$?
    printf 'export CODEBUILD_LAST_EXIT=%s\\n' "$code" >> @TMP@/env.sh
    mark exit "$1" "$code"
    return "$code"
}
phase() {
    [ -e @TMP@/stop ] && return 1
    mark enter "$1"
    status=0
    for each in $3; do run "$each" || { status=$?; break; }; done
    for each in $4; do run "$each" || { status=$?; break; }; done
    mark leave "$1" "$status"
    [ "$status" -eq 0 ] && return 0
    printf 'export CODEBUILD_BUILD_SUCCEEDING=0\\n' >> @TMP@/env.sh
    [ "$2" = continue ]
}
@CALLS@
if [ -e @TMP@/stop ]; then
    while kill -0 -1; do sleep 0.1; done 2>/dev/null
fi
mark end
"""

_PREAMBLE = f"""\
. {ENVIRONMENT}
cd "$PWD"; trap 'exit 143' TERM
trap 'set -- $?; export -p > {ENVIRONMENT}; exit $1' EXIT; set -a
"""


@dataclass(frozen=True, slots=True)
class Program:
    """What the agent is to execute.

    files:    absolute path in the container -> content.
    commands: by the number that marks name: the text of the command.
    """

    nonce: str
    files: Mapping[str, str]
    commands: Mapping[int, str]


def agent_program(spec: Buildspec, environment: Mapping[str, str], nonce: str) -> Program:
    """The program for one build. `environment`: all variables of the build, PWD among them."""
    commands: dict[int, str] = {}
    calls = [_call(name, spec.phase(name), commands) for name in PHASES]
    script = _SCRIPT
    for slot, text in (("NONCE", nonce), ("TMP", TMP), ("SHELL", spec.shell), ("CALLS", " &&\n".join(calls))):
        script = script.replace(f"@{slot}@", text)
    files = {
        AGENT: script,
        ENVIRONMENT: "".join(f"export {name}={shlex.quote(value)}\n" for name, value in environment.items()),
        **{f"{TMP}/{number}/script.sh": f"{_PREAMBLE}{text}\n" for number, text in commands.items()},
    }
    return Program(nonce, files, commands)


def goes_on_after_failure(name: str, spec: PhaseSpec) -> bool:
    """True when another phase follows on this one although it failed."""
    return spec.on_failure == "CONTINUE" or (spec.on_failure is None and name == "BUILD")


def _call(name: str, spec: PhaseSpec, commands: dict[int, str]) -> str:
    """The call of one phase; gives its commands their numbers."""
    lists = []
    for texts in (spec.commands, spec.finally_commands):
        numbers = range(len(commands) + 1, len(commands) + 1 + len(texts))
        commands.update(zip(numbers, texts, strict=True))
        lists.append(" ".join(map(str, numbers)))
    mode = "continue" if goes_on_after_failure(name, spec) else "abort"
    return f'phase {name} {mode} "{lists[0]}" "{lists[1]}"'


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a command's output, without its end."""

    text: bytes


@dataclass(frozen=True, slots=True)
class Mark:
    """The agent itself: `verb` is enter, leave, command, exit or end."""

    verb: str
    arguments: tuple[str, ...]


class AgentStream:
    """Makes lines and marks of the container's output, as it comes in pieces. Sans-IO."""

    def __init__(self, nonce: str, line_bytes: int) -> None:
        """line_bytes: a longer line is cut into lines of this length."""
        self._mark = _MARK + nonce.encode() + b" "
        self._line_bytes = line_bytes
        self._pending = b""

    def feed(self, data: bytes) -> Iterator[Line | Mark]:
        """Take `data`; what has become whole."""
        *whole, self._pending = (self._pending + data).split(b"\n")
        for line in whole:
            yield from self._read(line)
        while len(self._pending) > self._line_bytes:
            piece, self._pending = self._pending[: self._line_bytes], self._pending[self._line_bytes :]
            yield Line(piece)

    def end(self) -> Iterator[Line | Mark]:
        """No more comes: what is left without an end of line."""
        if self._pending:
            line, self._pending = self._pending, b""
            yield from self._read(line)

    def _read(self, line: bytes) -> Iterator[Line | Mark]:
        text, mark, words = line.partition(self._mark)
        if text or not mark:
            yield from self._pieces(text.removesuffix(b"\r"))
        if mark:
            verb, *arguments = words.decode().split()
            yield Mark(verb, tuple(arguments))

    def _pieces(self, text: bytes) -> Iterator[Line]:
        for start in range(0, max(len(text), 1), self._line_bytes):
            yield Line(text[start : start + self._line_bytes])
