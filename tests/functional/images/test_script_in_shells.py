"""The script of a container job, run by the shells that images have."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from livejob.images.script import container_script
from livejob.wire.limits import PAYLOAD_VARIABLE_BYTES

SHELLS = {"dash": ["dash"], "bash": ["bash"], "bash as sh": ["bash", "--posix"], "busybox": ["busybox", "sh"]}

SHOW = 'printf "<%s>" "${LIVEJOB_PAYLOAD-unset}" "${SST_PAYLOAD-unset}"'


@pytest.fixture(params=SHELLS, ids=str)
def shell(request: pytest.FixtureRequest) -> list[str]:
    words = SHELLS[request.param]
    if shutil.which(words[0]) is None:
        pytest.skip(f"no {words[0]} on this machine")
    return words


def run(
    shell: list[str], directory: Path, command: list[str], payload: bytes | None
) -> subprocess.CompletedProcess[bytes]:
    if payload is not None:
        (directory / "payload.json").write_bytes(payload)
    return subprocess.run(
        [*shell, "-c", container_script(command)],
        cwd=directory,
        env={"PATH": "/usr/bin:/bin", "CODEBUILD_SRC_DIR": str(directory), "SST_PAYLOAD": "an earlier one"},
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize(
    "payload",
    [
        b"null",
        b"0",
        b'""',
        b'{"number": 9}',
        b'{\n"a": 1\n}\n\n',
        '"$(touch x) `touch x` \\" \' \\\\ \u00fc \U0001f600"'.encode(),
        b'"x"',
        json.dumps("y" * (PAYLOAD_VARIABLE_BYTES - 2)).encode(),
    ],
    ids=lambda payload: repr(payload[:20]),
)
def test_payload_reaches_the_command_byte_for_byte(shell: list[str], tmp_path: Path, payload: bytes) -> None:
    """Both variables and the file hold what the caller sent, ends of lines at the end too."""
    done = run(shell, tmp_path, [f'{SHOW}; cat "$LIVEJOB_PAYLOAD_FILE"'], payload)

    assert (b"", b"<%s><%s>%s" % (payload, payload, payload)) == (done.stderr, done.stdout)


def test_large_payload_is_in_the_file_alone(shell: list[str], tmp_path: Path) -> None:
    """What does not fit into a variable leaves none, not even one of somebody else."""
    payload = json.dumps("y" * PAYLOAD_VARIABLE_BYTES).encode()

    done = run(shell, tmp_path, [f'{SHOW}; wc -c < "$LIVEJOB_PAYLOAD_FILE"'], payload)

    assert b"<unset><unset>%d\n" % len(payload) == done.stdout


def test_exit_code_is_the_commands(shell: list[str], tmp_path: Path) -> None:
    """Whoever runs the script sees how the command ended."""
    done = run(shell, tmp_path, ["sh", "-c", "exit 3"], b"null")

    assert (3, b"") == (done.returncode, done.stderr)


def test_words_arrive_as_they_are(shell: list[str], tmp_path: Path) -> None:
    """No shell touches the arguments of a command."""
    words = ["two words", "$HOME", "it's", "*", "", "\n", '"']

    done = run(shell, tmp_path, ["printf", "<%s>", *words], b"null")

    assert "".join(f"<{word}>" for word in words).encode() == done.stdout


def test_command_does_not_run_without_its_payload(shell: list[str], tmp_path: Path) -> None:
    """A payload that is missing ends the script with a word about it."""
    done = run(shell, tmp_path, ["echo", "ran"], None)

    assert (1, b"") == (done.returncode, done.stdout)
    assert f"livejob: cannot read {tmp_path}/payload.json\n" == done.stderr.decode()
