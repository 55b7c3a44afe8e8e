"""INSTALL to POST_BUILD: follows what the agent in the container says, into the ledger and the log."""

from __future__ import annotations

from collections.abc import Iterator

from livejob.local_aws.build_host.agent import AgentStream, Line, Mark, Program
from livejob.local_aws.build_host.buildspec import Buildspec
from livejob.local_aws.build_host.container import Container
from livejob.local_aws.build_host.interrupts import TICK_S, Interrupts
from livejob.local_aws.build_host.logs import LINE_BYTES, BuildLog
from livejob.local_aws.build_host.phases import FAILED, PASSED, PhaseFailed, Phases, Result

COMMAND_ERROR = "COMMAND_EXECUTION_ERROR"
DEAD = "SINGLE_BUILD_CONTAINER_DEAD"
DEAD_MESSAGE = (
    "Build container found dead before completing the build. Build container died because it was out of "
    "memory, or the Docker image is not supported. ErrorCode: 500"
)


class AgentPhases:
    """Follows the agent of one build to its end."""

    def __init__(self, container: Container, program: Program, spec: Buildspec, log: BuildLog) -> None:
        self._container = container
        self._program = program
        self._spec = spec
        self._log = log
        self._stream = AgentStream(program.nonce, LINE_BYTES)
        self._reason = PASSED
        self._passed: list[str] = []
        self.is_success = True
        """False once a phase has failed that takes the build with it."""

    @property
    def has_passed_post_build(self) -> bool:
        return "POST_BUILD" in self._passed

    def follow(self, phases: Phases, interrupts: Interrupts) -> None:
        """Return when the agent says that it is done.

        Raises:
            BuildInterrupted: the build has to end first.
            PhaseFailed: the container ended without a word.
        """
        for event in self._events(interrupts):
            if isinstance(event, Line):
                self._log.write(event.text.decode(errors="replace"))
            elif event.verb == "end":
                return
            else:
                self._take(event, phases)
        raise PhaseFailed(DEAD, DEAD_MESSAGE)

    def write_rest(self, timeout_s: float) -> bool:
        """After the container was told to end: log what it still writes. True when it has ended."""
        for _ in range(max(1, round(timeout_s / TICK_S))):
            piece = self._container.output(TICK_S)
            for event in self._stream.end() if piece is None else self._stream.feed(piece):
                if isinstance(event, Line):
                    self._log.write(event.text.decode(errors="replace"))
            if piece is None:
                return True
        return False

    def _events(self, interrupts: Interrupts) -> Iterator[Line | Mark]:
        while True:
            interrupts.check()
            piece = self._container.output(TICK_S)
            if piece is None:
                yield from self._stream.end()
                return
            yield from self._stream.feed(piece)
            self._log.flush(is_urgent=False)

    def _take(self, mark: Mark, phases: Phases) -> None:
        match mark.verb, mark.arguments:
            case "enter", (name,):
                self._reason = PASSED
                self._log.say(f"Entering phase {name}")
                phases.enter(name)
            case "command", (number,):
                self._log.say(f"Running command {self._program.commands[int(number)]}")
            case "exit", (number, code):
                self._log.write("")
                self._note(self._program.commands[int(number)], int(code))
            case "leave", (name, _):
                self._leave(name, phases)

    def _note(self, command: str, code: int) -> None:
        if code != 0:
            self._log.say(f"Command did not exit successfully {command} exit status {code}")
            message = f"Error while executing command: {command}. Reason: exit status {code}"
            self._reason = Result(FAILED, COMMAND_ERROR, message)

    def _leave(self, name: str, phases: Phases) -> None:
        phases.leave(self._reason)
        say_phase_complete(self._log, name, self._reason)
        if self._reason.is_success:
            self._passed.append(name)
        elif self._spec.phase(name).on_failure != "CONTINUE":
            # Not documented; people use CONTINUE for builds that end well although a phase did not.
            self.is_success = False


def say_phase_complete(log: BuildLog, name: str, result: Result) -> None:
    """The two lines with which CodeBuild ends a phase in the log."""
    log.say(f"Phase complete: {name} State: {result.status}")
    log.say(f"Phase context status code: {result.code} Message: {result.message}")
