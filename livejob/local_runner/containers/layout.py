"""What a command finds: files, variables, and the shell that its end waits for. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from livejob.images.script import PAYLOAD_FILE, container_script
from livejob.local_runner.supervisor.environment import EndpointAddress, attempt_environment
from livejob.wire.worker import StartAttempt

SOURCE_DIRECTORY = "/codebuild/output/src0/src"
"""In a build its name has a number of the build's own."""

SHELL_FILE = "/codebuild/livejob/shell.sh"
SCRIPT_FILE = "/codebuild/livejob/command.sh"

ENV_SOURCE_DIRECTORY = "CODEBUILD_SRC_DIR"

# When all are told to end, this shell waits for the others, and with it the container: else the grace of a
# program would be over with the death of the shell that started it. It says nothing by itself.
_SHELL = f"""\
exec 3>&2 2>/dev/null
stopping=
trap 'stopping=1' TERM
/bin/sh {SCRIPT_FILE} 2>&3 3>&-
code=$?
while [ -n "$stopping" ] && kill -0 -1; do sleep 0.1 || sleep 1; done
exit $code
"""


def command_files(command: Sequence[str], payload: bytes) -> dict[str, bytes]:
    """Content by absolute path; SHELL_FILE is what the container runs."""
    return {
        SHELL_FILE: _SHELL.encode(),
        SCRIPT_FILE: container_script(command).encode(),
        f"{SOURCE_DIRECTORY}/{PAYLOAD_FILE}": payload,
    }


def command_environment(
    stage: Mapping[str, str], start: StartAttempt, credentials: EndpointAddress
) -> dict[str, str]:
    """All that is added to the image's own variables. `stage`: see `stage_environment`."""
    return {**attempt_environment(stage, start, credentials), ENV_SOURCE_DIRECTORY: SOURCE_DIRECTORY}
