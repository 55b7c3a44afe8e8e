"""What an attempt writes: frames become lines, in the run's log file, for the reporter and the debugger."""

from __future__ import annotations

from livejob.clock import Clock
from livejob.local_runner.debugging import AttemptDebugging
from livejob.local_runner.events import Reporter, RunOutput, Warned
from livejob.local_runner.logs import LineSplitter, LogLine, RunLog, Stream
from livejob.local_runner.worker_link import AttemptMessage
from livejob.runs.model import Run
from livejob.wire.worker import DebuggerBytes, Notice, Output, Started


class AttemptOutput:
    """Turns the frames of one attempt into lines, in the log file and for the reporter."""

    def __init__(
        self, run: Run, log: RunLog, clock: Clock, reporter: Reporter, debugging: AttemptDebugging
    ) -> None:
        self._run = run
        self._debugging = debugging
        self._log = log
        self._clock = clock
        self._reporter = reporter
        self._splitters: dict[Stream, LineSplitter] = {"stdout": LineSplitter(), "stderr": LineSplitter()}

    def take(self, message: AttemptMessage) -> None:
        match message:
            case Output(stream=stream, body=body):
                self._write(stream, list(self._splitters[stream].feed(body)))
            case Notice(text=text):
                self._reporter.report(Warned(f"{self._run.id}: {text}", about=self._run.id))
            case Started():
                self._debugging.begin()
            case DebuggerBytes(body=body):
                self._debugging.take(body)

    def close(self) -> None:
        for stream, splitter in self._splitters.items():
            self._write(stream, list(splitter.finish()))
        self._log.close()

    def _write(self, stream: Stream, pieces: list[tuple[str, str]]) -> None:
        if not pieces:
            return
        now_ms, attempt = self._clock.now_ms(), self._run.attempt_number
        lines = [LogLine(now_ms, attempt, stream, text, end) for text, end in pieces]
        self._log.write(lines)
        for line in lines:
            self._reporter.report(RunOutput(self._run.id, self._run.job, line))
            self._debugging.output(stream, line.text + line.end)
