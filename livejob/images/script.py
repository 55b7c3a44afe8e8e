"""The shell text that a container job runs, in a developer's engine and in a build alike.

For any POSIX shell (dash, bash, busybox) in an image with `cat` and `wc`. Knows nothing of who runs it:
that is the daemon, or CodeBuild with the project's build specification.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from livejob.wire.limits import PAYLOAD_VARIABLE_BYTES

PAYLOAD_FILE = "payload.json"
"""Its name in the directory $CODEBUILD_SRC_DIR."""

# $(...) drops the ends of lines at its end, so a letter is put after them and taken off again.
_PAYLOAD = f"""\
export LIVEJOB_PAYLOAD_FILE="$CODEBUILD_SRC_DIR/{PAYLOAD_FILE}"
unset LIVEJOB_PAYLOAD SST_PAYLOAD
[ -r "$LIVEJOB_PAYLOAD_FILE" ] || {{ echo "livejob: cannot read $LIVEJOB_PAYLOAD_FILE" >&2; exit 1; }}
if [ "$(wc -c < "$LIVEJOB_PAYLOAD_FILE")" -le {PAYLOAD_VARIABLE_BYTES} ]; then
    LIVEJOB_PAYLOAD="$(cat "$LIVEJOB_PAYLOAD_FILE" && printf x)"
    export LIVEJOB_PAYLOAD="${{LIVEJOB_PAYLOAD%x}}"
    export SST_PAYLOAD="$LIVEJOB_PAYLOAD"
fi
"""


def container_script(command: Sequence[str]) -> str:
    """What a shell runs for a job with that `container.cmd`; its exit code is the command's.

    Several words are a program and its arguments, passed on as they are. One word alone is a line of
    shell: `["npm run build && node x.js"]`. The payload's file is always in LIVEJOB_PAYLOAD_FILE, and
    the payload itself in LIVEJOB_PAYLOAD and SST_PAYLOAD when it fits into a variable.
    """
    line = command[0] if len(command) == 1 else shlex.join(command)
    return f"{_PAYLOAD}{line}\n"
