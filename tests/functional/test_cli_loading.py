"""What the command line loads before it knows what is asked of it."""

import subprocess
import sys

HEAVY = ("asyncio", "boto3", "botocore", "docker", "awscrt", "watchdog", "ministack", "livejob.cli.start")


def test_help_loads_no_command_and_nothing_heavy() -> None:
    """`livejob --help` answers at once, because it loads only itself."""
    program = (
        "import sys; from livejob.cli.main import run_command; run_command(['--help']);"
        f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "[]\n" == done.stderr
    assert "Run this stage's jobs on this machine, live." in done.stdout


def test_sdk_loads_nothing_heavy() -> None:
    """A job's module that imports the SDK waits for no AWS library."""
    program = (
        "import sys; from livejob import Context, Job, job;"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "[]\n" == done.stdout


def test_reader_that_goes_away_ends_the_command_quietly() -> None:
    """`livejob --help | head -1` says nothing of the pipe that broke."""
    process = subprocess.Popen(
        [sys.executable, "-m", "livejob", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()

    _, err = process.communicate()

    assert (1, b"") == (process.returncode, err)
