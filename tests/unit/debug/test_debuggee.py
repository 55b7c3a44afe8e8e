"""The daemon's side of the talk with one attempt's debugger."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from livejob.local_runner.debug.dap import DapReader, Message, encode
from livejob.local_runner.debug.debuggee import Debuggee
from livejob.wire.worker import DEBUGGER_OPENS

BREAKPOINTS: Message = {"source": {"path": "/app/jobs.py"}, "breakpoints": [{"line": 3}]}


@dataclass
class Peer:
    """A debugger that is written by hand, and who observes what the attempt does."""

    sent: bytearray = field(default_factory=bytearray)
    heard: list[str] = field(default_factory=list)
    _reader: DapReader = field(default_factory=DapReader)

    def send(self, data: bytes) -> None:
        self.sent += data

    def asked(self) -> list[Message]:
        """The requests since the last call, without the byte that opens the debugger."""
        data = bytes(self.sent).removeprefix(DEBUGGER_OPENS)
        self.sent.clear()
        return list(self._reader.feed(data))

    def on_event(self, event: Message) -> None:
        self.heard.append(str(event["event"]))

    def on_stopped(self, path: str, line: int) -> None:
        self.heard.append(f"stopped at {path}:{line}")

    def on_continued(self) -> None:
        self.heard.append("continued")


def answer(request: Message, **body: Any) -> bytes:
    return encode({"type": "response", "request_seq": request["seq"], "success": True, "body": body})


def event(name: str, **body: Any) -> bytes:
    return encode({"type": "event", "event": name, "body": body})


def commands(requests: Iterable[Message]) -> list[str]:
    return [request["command"] for request in requests]


def attached() -> tuple[Debuggee, Peer]:
    peer = Peer()
    debuggee = Debuggee(peer.send, peer)
    debuggee.attach({}, [("setBreakpoints", BREAKPOINTS)])
    return debuggee, peer


def test_all_is_sent_before_anything_is_answered() -> None:
    """A debugger is opened and configured in one go: the attempt waits for no round trip."""
    _, peer = attached()

    assert peer.sent.startswith(DEBUGGER_OPENS)
    assert ["initialize", "attach", "setBreakpoints", "configurationDone"] == commands(peer.asked())


def test_breakpoints_that_are_set_are_not_set_again() -> None:
    """The same breakpoints again are answered from what the debugger said the first time."""
    debuggee, peer = attached()
    request = next(each for each in peer.asked() if each["command"] == "setBreakpoints")
    answers: list[Message] = []
    debuggee.configure("setBreakpoints", BREAKPOINTS, answers.append)
    debuggee.take(answer(request, breakpoints=[{"verified": True}]))

    debuggee.configure("setBreakpoints", {**BREAKPOINTS, "sourceModified": False}, answers.append)

    assert [] == peer.asked()
    assert [{"breakpoints": [{"verified": True}]}] * 2 == [each["body"] for each in answers]


def test_other_breakpoints_are_set() -> None:
    """Breakpoints that differ go to the debugger."""
    debuggee, peer = attached()
    peer.asked()

    debuggee.configure("setBreakpoints", {**BREAKPOINTS, "breakpoints": []}, lambda _: None)

    assert ["setBreakpoints"] == commands(peer.asked())


def test_a_stop_is_known_at_once_and_its_place_soon() -> None:
    """A stop is told before its place is known; then the place is."""
    debuggee, peer = attached()
    peer.asked()

    debuggee.take(event("stopped", threadId=1, reason="breakpoint"))
    [asked] = peer.asked()
    debuggee.take(answer(asked, stackFrames=[{"source": {"path": "/app/jobs.py"}, "line": 3}]))
    debuggee.take(event("continued", threadId=1))

    assert ["stopped at :0", "stopped", "stopped at /app/jobs.py:3", "continued", "continued"] == peer.heard


def test_a_detached_attempt_goes_on() -> None:
    """Detaching lets the attempt go on at once, and can be done twice."""
    debuggee, peer = attached()
    debuggee.take(event("stopped", threadId=1, reason="breakpoint"))
    peer.asked()

    debuggee.detach()
    debuggee.detach()

    assert ["disconnect"] == commands(peer.asked())
    assert "continued" == peer.heard[-1]


def test_an_ended_attempt_answers_what_is_open() -> None:
    """When the attempt ends over a request, going on has succeeded and all else has failed."""
    debuggee, _ = attached()
    answers: list[Message] = []
    debuggee.request("continue", {"threadId": 1}, answers.append)
    debuggee.request("evaluate", {"expression": "1"}, answers.append)

    debuggee.close()

    assert [True, False] == [each["success"] for each in answers]
