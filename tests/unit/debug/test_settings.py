"""What an editor wants of every run."""

from pathlib import Path

from livejob.local_runner.debug.paths import LocalPaths, WorkerPaths
from livejob.local_runner.debug.settings import ClientSettings

LOCAL = LocalPaths(Path("/home/mia/app/src"))
WORKER = WorkerPaths("/var/task", "/var/lang/lib/python3.9")


def test_the_daemon_maps_the_source() -> None:
    """A run's debugger gets the daemon's own mapping first, then the editor's."""
    settings = ClientSettings({"pathMappings": [{"localRoot": "/x", "remoteRoot": "/var/task"}]})

    arguments = settings.attach_arguments(LOCAL, WORKER)

    assert [
        {"localRoot": "/home/mia/app/src", "remoteRoot": "/var/task"},
        {"localRoot": "/x", "remoteRoot": "/var/task"},
    ] == arguments["pathMappings"]


def test_the_editor_keeps_its_options() -> None:
    """What concerns the connection stays with the daemon, output too; every other option goes to the run."""
    settings = ClientSettings(
        {
            "connect": {"port": 5678},
            "justMyCode": False,
            "redirectOutput": True,
            "debugOptions": ["RedirectOutput", "ShowReturnValue"],
        }
    )

    arguments = settings.attach_arguments(LOCAL, WORKER)
    arguments.pop("pathMappings")

    assert {
        "justMyCode": False,
        "redirectOutput": False,
        "debugOptions": ["ShowReturnValue"],
    } == arguments


def test_the_last_breakpoints_of_a_file_count() -> None:
    """Breakpoints of a file replace the earlier ones of the same file alone."""
    settings = ClientSettings()
    for path, line in (("/a.py", 1), ("/b.py", 2), ("/a.py", 3)):
        settings.want("setBreakpoints", {"source": {"path": path}, "breakpoints": [{"line": line}]}, LOCAL)

    lines = {
        arguments["source"]["path"]: arguments["breakpoints"][0]["line"]
        for _, arguments in settings.requests(is_uncaught_wanted=False)
    }

    assert {"/a.py": 3, "/b.py": 2} == lines


def test_uncaught_exceptions_can_be_wanted_by_the_session() -> None:
    """--debug-on-error adds the filter to whatever the editor asks for."""
    settings = ClientSettings()
    nothing_asked = list(settings.requests(is_uncaught_wanted=True))
    settings.want("setExceptionBreakpoints", {"filters": ["raised"]}, LOCAL)

    asked = list(settings.requests(is_uncaught_wanted=True))

    assert [("setExceptionBreakpoints", {"filters": ["uncaught"]})] == nothing_asked
    assert [("setExceptionBreakpoints", {"filters": ["raised", "uncaught"]})] == asked
