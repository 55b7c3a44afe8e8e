"""`livejob run`, from the command line to the record and back."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from livejob.runs.model import Run
from livejob.wire.outcome import Failure
from livejob.wire.states import Input
from tests.support.cli_fixtures import JOB, AppUnderTest
from tests.support.runs import a_change, at

CLAIM, RUN = a_change(Input.CLAIM), a_change(Input.RUN)


def ends_with(app: AppUnderTest, what: Input, **fields: object) -> Callable[[Run], object]:
    """Claim the run, run it, and end it at once."""

    def end(run: Run) -> None:
        for change in (CLAIM, RUN, a_change(what, at(1.5), **fields)):
            app.runs.apply(run.id, change)

    return end


def held_until(app: AppUnderTest, lease_until_ms: int) -> Callable[[Run], object]:
    """Claim the run and run it, without an end."""

    def hold(run: Run) -> None:
        for what in (Input.CLAIM, Input.RUN):
            app.runs.apply(run.id, a_change(what, lease_until_ms=lease_until_ms))

    return hold


def succeeds_with(app: AppUnderTest, result: object) -> Callable[[Run], object]:
    def end(run: Run) -> None:
        document = app.stage.open_documents().store("results", run.id, json.dumps(result).encode())
        ends_with(app, Input.SUCCEED, result=document)(run)

    return end


def test_result_is_all_that_goes_to_stdout(app: AppUnderTest) -> None:
    """The result can be piped; what is said to a person is on stderr."""
    app.job_does(succeeds_with(app, {"key": "Müller"}))

    told = app.livejob("run", JOB, "--payload", '{"width": 300}')

    assert (0, '{\n  "key": "Müller"\n}\n') == (told.code, told.out)
    assert "SUCCEEDED in 1.5 s" in told.err
    assert {"width": 300} == app.api.asked[0]["payload"]


def test_large_result_is_read_from_the_bucket(app: AppUnderTest) -> None:
    """A result of any size is printed."""
    app.job_does(succeeds_with(app, "x" * 100_000))

    told = app.livejob("run", JOB)

    assert "x" * 100_000 == told.json


@pytest.mark.parametrize(
    ("what", "state", "code"),
    [
        (Input.FAIL, "FAILED", 10),
        (Input.TIME_OUT, "TIMED_OUT", 11),
        (Input.CANCEL, "CANCELLED", 12),
    ],
)
def test_exit_code_tells_how_the_run_ended(app: AppUnderTest, what: Input, state: str, code: int) -> None:
    """A run that did not succeed has no result, its reason on stderr, and an exit code of its own."""
    failure = Failure("ValueError", "no such width", "Traceback\n  line 3", "Choose another.")
    app.job_does(ends_with(app, what, failure=failure))

    told = app.livejob("run", JOB)

    assert (code, "") == (told.code, told.out)
    assert [
        state in told.err,
        "ValueError: no such width\n  Traceback\n    line 3\nhint: Choose another." in told.err,
    ]


def test_json_prints_the_whole_record(app: AppUnderTest) -> None:
    """With --json, stdout is one object, whatever the run came to."""
    app.job_does(succeeds_with(app, None))

    told = app.livejob("run", JOB, "--json")

    assert ("SUCCEEDED", JOB, 1, None) == tuple(
        told.json[name] for name in ("state", "job", "attempt", "result")
    )


def test_output_is_shown_while_the_run_goes_on(app: AppUnderTest) -> None:
    """The lines that a daemon on this machine writes come through."""

    def does(run: Run) -> None:
        app.write_output(run.id, "first", "second")
        succeeds_with(app, 1)(run)

    app.job_does(does)

    told = app.livejob("run", JOB)

    assert "first\nsecond\n" in told.err


def test_detach_prints_the_id_alone(app: AppUnderTest) -> None:
    """With --detach, nothing is waited for."""
    app.job_does(lambda run: None)

    told = app.livejob("run", JOB, "--detach")

    [run] = app.runs.recent_runs(JOB, 2)
    assert (0, f"{run.id}\n", "") == (told.code, told.out, told.err)


def test_queued_run_says_who_would_take_it(app: AppUnderTest) -> None:
    """When nobody has the run, the person learns what to do; --timeout ends the following."""
    app.job_does(lambda run: None)

    told = app.livejob("run", JOB, "--timeout", "0.1s")

    assert 1 == told.code
    assert "nobody has it yet; `livejob start --stage dev` would take it" in told.err
    assert "error: LJ-304" in told.err


def test_silence_of_the_session_is_told(app: AppUnderTest) -> None:
    """When the session that has the run gives no sign of life, the person learns it."""
    app.job_does(held_until(app, lease_until_ms=at(30)))

    told = app.livejob("run", JOB, "--timeout", "0.1s")

    assert "runs on live\n! no sign of life from ses_a, which has the run; waiting for it\n" in told.err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (
            ["--payload", '{"a": }'],
            2,
            '--payload is not JSON: Expecting value, line 1, column 7\n  {"a": }\n        ^',
        ),
        (["--payload", "NaN"], 2, "--payload holds NaN, which JSON does not have"),
        (["--payload-file", "absent.json"], 2, "absent.json cannot be read: No such file or directory"),
        (["--payload", "1", "-"], 2, "give the payload once"),
        (["--timeout", "soon"], 2, "'soon' is no duration"),
        (["--nonsense"], 2, "No such option"),
    ],
)
def test_bad_input_sends_nothing(app: AppUnderTest, arguments: list[str], code: int, words: str) -> None:
    """What cannot be understood is told with its place, and no run is started."""
    app.job_does(lambda run: None)

    told = app.livejob("run", JOB, *arguments)

    assert (code, "") == (told.code, told.out)
    assert words in told.err
    assert "hint: " in told.err
    assert [] == app.api.asked


@pytest.mark.parametrize(
    ("job", "hint"),
    [
        ("Resise", "hint: Did you mean Resize?"),
        ("MonthlyReport", "hint: It is in the source; `livejob start --stage dev` deploys it."),
        ("Xyz", "hint: The source has MonthlyReport, Resize."),
    ],
)
def test_unknown_job_gets_a_hint_from_the_source(app: AppUnderTest, job: str, hint: str) -> None:
    """The jobs in the source help where a name is wrong or not deployed."""
    told = app.livejob("run", job)

    assert 3 == told.code
    assert "error: LJ-104" in told.err
    assert hint in told.err


def test_refusal_of_the_invoker_is_told(app: AppUnderTest) -> None:
    """What the invoker says is what the person reads."""

    def refuses(run: Run) -> None:
        raise RuntimeError("LJ-502: nobody is attached | hint: Start one.")

    app.job_does(refuses)

    told = app.livejob("run", JOB)

    assert (4, "error: LJ-502 nobody is attached\nhint: Start one.\n") == (told.code, told.err)


def test_payload_comes_from_stdin_and_ctrl_c_lets_the_run_go_on(app: AppUnderTest) -> None:
    """`-` reads standard input; an interrupt ends the following, not the run."""
    app.job_does(held_until(app, lease_until_ms=at(10**9)))
    process = subprocess.Popen(
        [sys.executable, "-m", "livejob", "run", JOB, "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stderr is not None
    process.stdin.write('{"width": 7}')
    process.stdin.close()
    first = process.stderr.readline()

    process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    code = process.wait()
    process.stderr.close()
    assert process.stdout is not None
    process.stdout.close()

    [run] = app.runs.recent_runs(JOB, 2)
    assert f"▶ {run.id} runs on live\n" == first
    assert (130, True) == (code, f"The run goes on. Follow it: livejob logs -f {run.id}" in rest)
    assert {"width": 7} == app.api.asked[0]["payload"]
