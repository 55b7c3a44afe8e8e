"""What an IDE's sessions are told: the root, which follows the runs, and one for each run.

Each answers the requests of one connection. The root has no threads of its own; it holds the breakpoints
for runs to come, and asks the IDE to open a session for every run that starts. An IDE does that as it does
for subprocesses: by the reverse request `startDebugging`, or by debugpy's event `debugpyAttach`.
"""

from __future__ import annotations

import itertools
from typing import Protocol

from livejob.local_runner.debug.attempt import DebuggedAttempt
from livejob.local_runner.debug.client import DebugClient
from livejob.local_runner.debug.dap import Message
from livejob.local_runner.debug.paths import LocalPaths, wrong_mapping
from livejob.local_runner.debug.settings import CONFIGURING, ClientSettings, with_uncaught

CHILD_DROPS = (
    "name",
    "request",
    "restart",
    "listen",
    "processId",
    "host",
    "port",
    "connect",
    "preLaunchTask",
    "postDebugTask",
)
"""What a run's session does not take over from the configuration of the root."""

CAPABILITIES: Message = {
    "supportsCompletionsRequest": True,
    "supportsConditionalBreakpoints": True,
    "supportsConfigurationDoneRequest": True,
    "supportsDelayedStackTraceLoading": True,
    "supportsEvaluateForHovers": True,
    "supportsExceptionInfoRequest": True,
    "supportsExceptionOptions": True,
    "supportsFunctionBreakpoints": True,
    "supportsGotoTargetsRequest": True,
    "supportsHitConditionalBreakpoints": True,
    "supportsLogPoints": True,
    "supportsModulesRequest": True,
    "supportsSetExpression": True,
    "supportsSetVariable": True,
    "supportsStepInTargetsRequest": True,
    "supportsValueFormattingOptions": True,
    "supportsClipboardContext": True,
    "exceptionBreakpointFilters": [
        {"filter": "raised", "label": "Raised Exceptions", "default": False},
        {"filter": "uncaught", "label": "Uncaught Exceptions", "default": True},
        {"filter": "userUnhandled", "label": "User Uncaught Exceptions", "default": False},
    ],
}
"""What debugpy can do, as its adapter says it; but for ending the debuggee, which is livejob's business."""


class Host(Protocol):
    """What sessions need of the server."""

    @property
    def local(self) -> LocalPaths: ...
    @property
    def is_uncaught_wanted(self) -> bool: ...
    def root_ready(self, root: RootSession) -> None: ...
    def settings_changed(self, command: str, arguments: Message) -> None: ...
    def warn(self, text: str, remedy: str) -> None: ...


class RootSession:
    """Follows the runs. `settings` are what each run gets; whole once it `is_ready`."""

    def __init__(self, client: DebugClient, initialize: Message, attach: Message, host: Host) -> None:
        self.client = client
        self.name = str(initialize.get("clientName") or initialize.get("clientID") or "a debugger")
        self.settings = ClientSettings(attach["arguments"])
        self.is_ready = False
        self._can_start = bool(initialize.get("supportsStartDebuggingRequest"))
        self._attach = attach
        self._host = host
        self._numbers = itertools.count(1)
        self._told: set[str] = set()

    def begin(self) -> None:
        wrong = wrong_mapping(self._host.local, self.settings.attach.get("pathMappings"))
        if wrong is not None:
            self._say_wrong(f"the debugger maps {wrong['localRoot']} to {wrong['remoteRoot']}")
        self.client.event("initialized")

    def handle(self, request: Message) -> bool:
        """Answer one request; False when the session is over."""
        arguments = request.get("arguments") or {}
        match request.get("command"):
            case str(command) if command in CONFIGURING:
                self.settings.want(command, arguments, self._host.local)
                self._host.settings_changed(command, arguments)
                self.client.respond(request, {"breakpoints": self._breakpoints(arguments)})
            case "configurationDone":
                self.client.respond(request)
                self.client.respond(self._attach)
                self.is_ready = True
                self._host.root_ready(self)
            case "threads":
                self.client.respond(request, {"threads": []})
            case "disconnect" | "terminate":
                self.client.respond(request)
                return False
            case "evaluate":
                self.client.refuse(request, "No run is selected: choose one in the call stack.")
            case command:
                self.client.refuse(request, f"{command}: only a run's own session can do that.")
        return True

    def offer(self, attempt: DebuggedAttempt, port: int) -> None:
        """Have the IDE open a session for a run."""
        configuration = {
            **{name: value for name, value in self.settings.attach.items() if name not in CHILD_DROPS},
            "name": attempt.title,
            "connect": {"host": "127.0.0.1", "port": port},
            "subProcessId": attempt.number,
        }
        if self._can_start:
            self.client.request("startDebugging", {"request": "attach", "configuration": configuration})
        else:
            self.client.event("debugpyAttach", {**configuration, "request": "attach"})

    def _breakpoints(self, arguments: Message) -> list[Message]:
        path = str((arguments.get("source") or {}).get("path", ""))
        asked = arguments.get("breakpoints") or [{"line": line} for line in arguments.get("lines", ())]
        meant = self._host.local.meant_file(path) if path and asked else None
        message = f"Not a file of this app, whose source is {self._host.local.source}"
        if meant is not None:
            self._say_wrong(f"a breakpoint is in {path}, and runs execute {meant}")
        return [
            {
                "id": next(self._numbers),
                "verified": meant is None,
                **({"line": each["line"]} if "line" in each else {}),
                **({"message": message} if meant is not None else {}),
            }
            for each in asked
        ]

    def _say_wrong(self, what: str) -> None:
        if what in self._told:
            return
        self._told.add(what)
        remedy = f"Open {self._host.local.source} in the editor, or map it: `livejob debug init` writes how."
        self._host.warn(f"{what}: breakpoints there are never met", remedy)
        self.client.event("output", {"category": "important", "output": f"livejob: {what}. {remedy}\n"})


class AttemptSession:
    """Shows one run, and passes on what the IDE asks of it."""

    def __init__(self, client: DebugClient, attach: Message, attempt: DebuggedAttempt, host: Host) -> None:
        self.client = client
        self.attempt = attempt
        self._attach = attach
        self._host = host
        self._is_shown = False

    def begin(self) -> None:
        self.attempt.take_over(self)
        self.client.event("initialized")

    def handle(self, request: Message) -> bool:
        """Answer one request; False when the session is over."""
        command, arguments = str(request.get("command")), dict(request.get("arguments") or {})
        match command:
            case "configurationDone":
                self.client.respond(request)
                self.client.respond(self._attach)
                self._show()
                return True
            case "disconnect" | "terminate":
                self.client.respond(request)
                return False
            case "continue" | "pause":
                # debugpy stops and continues all threads of a process together.
                arguments["threadId"] = "*"
        if command in CONFIGURING:
            wanted = with_uncaught(command, arguments, self._host.is_uncaught_wanted)
            self.attempt.debuggee.configure(command, wanted, lambda r: self.client.forward(request, r))
        else:
            self.attempt.debuggee.request(command, arguments, lambda r: self.client.forward(request, r))
        return True

    def on_event(self, event: Message) -> None:
        if self._is_shown:
            self.client.event(event["event"], event.get("body"))

    def on_end(self) -> None:
        if self._is_shown:
            self.client.event("exited", {"exitCode": 0})
        self.client.event("terminated")
        self.client.close()

    def _show(self) -> None:
        """Tell what has happened before the IDE came."""
        self._is_shown = True
        debuggee = self.attempt.debuggee
        if debuggee.process is not None:
            self.client.event("process", {**debuggee.process, "name": self.attempt.title})
        for thread in debuggee.threads.values():
            self.client.event("thread", thread)
        if debuggee.stopped is not None:
            self.client.event("stopped", debuggee.stopped)
