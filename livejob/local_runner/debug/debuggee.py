"""The daemon's side of the talk with one attempt's debugger: sans-IO, bytes in and bytes out.

Follows what the attempt does (its threads, whether it is stopped and where), so that a session that comes
late can be told. Knows nothing of IDEs and connections.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from livejob.local_runner.debug.dap import DapReader, Message, encode
from livejob.local_runner.debug.settings import CONFIGURING, Key, key_of
from livejob.wire.worker import DEBUGGER_OPENS

GOING_ON = ("continue", "next", "stepIn", "stepOut", "disconnect")
"""Requests whose answer can come too late, because the attempt has ended over them."""

Answer = Callable[[Message], None]
"""Gets the response to a request."""


class Observer(Protocol):
    """Who is told what the attempt does."""

    def on_event(self, event: Message) -> None:
        """An event that an IDE may want."""
        ...

    def on_stopped(self, path: str, line: int) -> None:
        """All its threads stand still; first with "" and 0, then with the place (the IDE's path)."""
        ...

    def on_continued(self) -> None: ...


@dataclass(slots=True)
class _Set:
    """What was set for one key: the answer, or who waits for it."""

    arguments: Message
    body: Message | None = None
    waiting: list[Answer] = field(default_factory=list)


class Debuggee:
    """One attempt's debugger. `send` takes bytes for it."""

    def __init__(self, send: Callable[[bytes], None], observer: Observer) -> None:
        self._send = send
        self._observer = observer
        self._reader = DapReader()
        self._number = 0
        self._answers: dict[int, tuple[str, Answer]] = {}
        self._set: dict[Key, _Set] = {}
        self._was_opened = False
        self.is_attached = False
        self.stopped: Message | None = None
        self.process: Message | None = None
        self.threads: dict[int, Message] = {}

    def attach(self, arguments: Message, settings: list[tuple[str, Message]]) -> None:
        """Open it if it is not open, and configure it; nothing is waited for in between."""
        if not self._was_opened:
            self._was_opened = True
            self._send(DEBUGGER_OPENS)
        self.is_attached = True
        self._set.clear()
        self.request("initialize", {"clientID": "livejob", "adapterID": "debugpy"}, _ignore)
        self.request("attach", arguments, _ignore)
        for command, each in settings:
            self.configure(command, each, _ignore)
        self.request("configurationDone", {}, _ignore)

    def configure(self, command: str, arguments: Message, answer: Answer) -> None:
        """Set breakpoints or filters; if they are set so already, only answer.

        (Set again, they would be away for a moment in which the attempt can run past them.)
        """
        key = key_of(command, arguments)
        present = self._set.get(key)
        if present is not None and _is_same(present.arguments, arguments):
            if present.body is None:
                present.waiting.append(answer)
            else:
                answer({"success": True, "body": present.body})
            return
        entry = self._set[key] = _Set(arguments, waiting=[answer])

        def keep(response: Message) -> None:
            if response.get("success"):
                entry.body = response.get("body") or {}
            else:
                self._set.pop(key, None)
            for each in entry.waiting:
                each(response)

        self.request(command, arguments, keep)

    def request(self, command: str, arguments: Message, answer: Answer) -> None:
        """Ask for anything."""
        assert command not in CONFIGURING or key_of(command, arguments) in self._set
        self._number += 1
        self._answers[self._number] = (command, answer)
        message = {"seq": self._number, "type": "request", "command": command, "arguments": arguments}
        self._send(encode(message))

    def detach(self) -> None:
        """Let it run: nothing stops it any more, until `attach`."""
        if self.is_attached:
            self.is_attached = False
            self.request("disconnect", {"terminateDebuggee": False}, _ignore)
            self._continued()

    def close(self) -> None:
        """It has ended: answer what it cannot answer any more. That it went on, it did."""
        self.is_attached = False
        pending, self._answers = self._answers, {}
        for command, answer in pending.values():
            if command in GOING_ON:
                answer({"success": True, "body": {"allThreadsContinued": True}})
            else:
                answer({"success": False, "message": "the run has ended"})

    def take(self, data: bytes) -> None:
        """Bytes that it sent.

        Raises:
            DapError: they are no messages.
        """
        for message in self._reader.feed(data):
            if message["type"] == "response":
                _, answer = self._answers.pop(int(message.get("request_seq") or 0), ("", _ignore))
                answer(message)
            elif message["type"] == "event":
                self._follow(message)

    def _follow(self, event: Message) -> None:
        body = event.get("body") or {}
        match event.get("event"):
            case "initialized" | "terminated" | "exited":
                return  # the daemon says these itself
            case "process":
                self.process = body
            case "thread" if body.get("reason") == "started":
                self.threads[body["threadId"]] = body
            case "thread":
                self.threads.pop(body["threadId"], None)
            case "stopped":
                self._stopped(body)
            case "continued":
                self._continued()
        self._observer.on_event(event)

    def _stopped(self, body: Message) -> None:
        self.stopped = body
        self._observer.on_stopped("", 0)
        self.request("stackTrace", {"threadId": body.get("threadId"), "levels": 1}, self._found_place)

    def _found_place(self, response: Message) -> None:
        frames = (response.get("body") or {}).get("stackFrames") or []
        if self.stopped is not None and frames:
            self._observer.on_stopped(frames[0].get("source", {}).get("path", ""), frames[0].get("line", 0))

    def _continued(self) -> None:
        if self.stopped is not None:
            self.stopped = None
            self._observer.on_continued()


def _is_same(before: Message, after: Message) -> bool:
    names = ("breakpoints", "filters", "filterOptions", "exceptionOptions")
    return all(before.get(name) == after.get(name) for name in names)


def _ignore(response: Message) -> None:
    pass
