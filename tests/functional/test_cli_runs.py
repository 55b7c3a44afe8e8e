"""Commands that look at runs: `runs`, `show`, `logs`, `cancel`."""

import json
from pathlib import Path

import pytest

from livejob.local_runner.logs import RunLogs
from livejob.runs.model import Document, Run
from livejob.wire.outcome import Failure
from livejob.wire.states import Input
from tests.support.cli_fixtures import JOB, AppUnderTest
from tests.support.runs import a_change, a_run, at, let


def an_ended_run(app: AppUnderTest, **fields: object) -> Run:
    """A run that was created at T0, took 84 ms, and succeeded."""
    run = app.runs.create(a_run(JOB, **fields))
    return let(
        app.runs,
        run,
        a_change(Input.CLAIM, at(1)),
        a_change(Input.RUN, at(1)),
        a_change(Input.SUCCEED, at(1.084), result=Document(2, inline=b"42")),
    )


def test_runs_lists_the_latest_of_all_jobs_first(app: AppUnderTest) -> None:
    """One line per run, the newest first, whatever its job."""
    older = an_ended_run(app)
    newer = app.runs.create(a_run("MonthlyReport", created_ms=at(5)))

    told = app.livejob("runs")

    head, first, second = told.out.splitlines()
    assert ["RUN", "JOB", "STATE", "ATTEMPT", "AGE", "DURATION", "BACKEND"] == head.split()
    assert [newer.id, "MonthlyReport", "QUEUED", "-"] == first.split()[:4]
    assert [older.id, JOB, "SUCCEEDED", "1"] == second.split()[:4]
    assert ["84", "ms", "live"] == second.split()[-3:]


def test_runs_shows_what_is_noted_of_a_run(app: AppUnderTest) -> None:
    """A run that a debugger holds is RUNNING, and its line says where it is paused."""
    run = app.runs.create(a_run(JOB))
    note = a_change(Input.HEARTBEAT, at(2), note="paused at jobs.py:3")
    let(app.runs, run, a_change(Input.CLAIM, at(1)), a_change(Input.RUN, at(1)), note)

    told, shown, as_json = app.livejob("runs"), app.livejob("show", run.id), app.livejob("runs", "--json")

    assert "RUNNING" in told.out
    assert told.out.rstrip().endswith("paused at jobs.py:3")
    assert "note      paused at jobs.py:3" in shown.out
    assert ["paused at jobs.py:3"] == [each["note"] for each in as_json.json]


def test_runs_as_json_is_one_array(app: AppUnderTest) -> None:
    """A program gets the records, the newest first, at most --limit."""
    for number in range(3):
        app.runs.create(a_run(JOB, created_ms=at(number)))

    told = app.livejob("runs", "--job", JOB, "--limit", "2", "--json")

    assert [at(2), at(1)] == [run["created_ms"] for run in told.json]


def test_no_runs_is_no_error(app: AppUnderTest) -> None:
    """An empty list is said on stderr; stdout has nothing, or an empty array."""
    told, as_json = app.livejob("runs"), app.livejob("runs", "--json")

    assert (0, "", "No runs of any job in stage dev.\n") == (told.code, told.out, told.err)
    assert [] == as_json.json


def test_show_tells_the_whole_record(app: AppUnderTest) -> None:
    """Payload, result, attempts and times of one run."""
    run = an_ended_run(app, payload=Document(12, inline='{"a": "ü"}'.encode()), key="order 1")

    told = app.livejob("show", run.id)

    assert f"{run.id}  {JOB}  SUCCEEDED" == told.out.splitlines()[0]
    assert "(84 ms)" in told.out
    assert "key       order 1\n" in told.out
    assert "attempt 1 SUCCEEDED on live" in told.out
    assert 'payload   {"a": "ü"}\nresult    42\n' in told.out


def test_show_as_json_has_payload_and_result(app: AppUnderTest) -> None:
    """Documents that lie in the bucket are in it too."""
    stored = app.stage.open_documents().store("payloads", a_run().id, json.dumps("x" * 70_000).encode())
    run = an_ended_run(app, payload=stored)

    told = app.livejob("show", run.id, "--json")

    assert ("x" * 70_000, 42) == (told.json["payload"], told.json["result"])
    assert [("SUCCEEDED", 1)] == [(each["state"], each["number"]) for each in told.json["attempts"]]


def test_show_tells_why_a_run_failed(app: AppUnderTest) -> None:
    """The handler's traceback and the remedy are in it."""
    run = let(
        app.runs,
        app.runs.create(a_run(JOB)),
        a_change(Input.FAIL, failure=Failure("KeyError", "'width'", "Traceback\n  x", "Send a width.")),
    )

    told = app.livejob("show", run.id)

    assert "KeyError: 'width'\n  Traceback\n    x\nhint: Send a width.\n" in told.out


def test_end_of_an_id_names_the_run(app: AppUnderTest) -> None:
    """The last digits, as `livejob start` shows them, are enough."""
    run = an_ended_run(app)

    told = app.livejob("show", run.id[-6:])

    assert run.id in told.out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("run_" + "0" * 32, "there is no run run_0000"),
        ("0123456789", "none of the latest runs has an id that ends with 0123456789"),
        ("xyz", "'xyz' is neither a run's id nor the last digits of one"),
    ],
)
@pytest.mark.parametrize("command", ["show", "logs", "cancel"])
def test_unknown_run_is_an_error(app: AppUnderTest, command: str, text: str, words: str) -> None:
    """Each command that takes a run says when there is none."""
    told = app.livejob(command, text)

    assert (1, "") == (told.code, told.out)
    assert f"error: LJ-301 {words}" in told.err
    assert "hint: `livejob runs` lists" in told.err


def test_logs_prints_what_the_run_wrote(app: AppUnderTest) -> None:
    """Output goes to stdout as it was written."""
    run = an_ended_run(app)
    app.write_output(run.id, "one", "zwölf")

    told = app.livejob("logs", run.id)

    assert (0, "one\nzwölf\n", "") == (told.code, told.out, told.err)


def test_logs_as_json_has_one_object_for_each_line(app: AppUnderTest) -> None:
    """A program gets stream, attempt and time of each line."""
    run = an_ended_run(app)
    app.write_output(run.id, "one", "two")

    told = app.livejob("logs", run.id, "--json")

    lines = [json.loads(line) for line in told.out.splitlines()]
    assert [("one", "stdout", 1), ("two", "stdout", 1)] == [
        (line["text"], line["stream"], line["attempt"]) for line in lines
    ]


def test_logs_of_a_run_from_elsewhere_says_where(app: AppUnderTest) -> None:
    """What ran on another machine left its output there."""
    run = let(
        app.runs,
        app.runs.create(a_run(JOB)),
        a_change(Input.CLAIM, log="file://other/output.ndjson"),
        a_change(Input.CANCEL),
    )

    told = app.livejob("logs", run.id, "-f")

    assert (0, "") == (told.code, told.out)
    assert "has written nothing on this machine; its log is file://other/output.ndjson" in told.err


def test_logs_of_a_silent_run_of_this_machine_are_empty(app: AppUnderTest) -> None:
    """A run that was executed here and has written nothing is not said to be elsewhere."""
    queued = app.runs.create(a_run(JOB))
    log = RunLogs(app.root / ".livejob").address(queued.id)
    run = let(app.runs, queued, a_change(Input.CLAIM, log=log), a_change(Input.CANCEL))

    told = app.livejob("logs", run.id)

    assert (0, "", "") == (told.code, told.out, told.err)


def test_cancel_asks_the_invoker(app: AppUnderTest) -> None:
    """The end is asked for as any caller does it."""
    run = let(app.runs, app.runs.create(a_run(JOB)), a_change(Input.CLAIM), a_change(Input.RUN))

    def cancels(found: Run) -> object:
        changed = app.runs.apply(found.id, a_change(Input.ASK_CANCEL))
        return {"runId": changed.id, "status": changed.state}

    app.job_does(cancels)

    told = app.livejob("cancel", run.id)

    assert [{"action": "cancel", "runId": run.id}] == app.api.asked
    assert (0, "") == (told.code, told.out)
    assert f"{run.id} is asked to end" in told.err


def test_cancel_of_an_ended_run_changes_nothing(app: AppUnderTest) -> None:
    """An end is final, and asking for it is no error."""
    run = an_ended_run(app)

    told = app.livejob("cancel", run.id, "--json")

    assert {"id": run.id, "state": "SUCCEEDED"} == told.json
    assert (0, []) == (told.code, app.api.asked)


def test_stage_that_is_not_deployed_is_told(app: AppUnderTest) -> None:
    """A stage without a table has never been deployed."""
    told = app.livejob("runs", "--stage", "other")

    assert 4 == told.code
    assert "error: LJ-80" in told.err


def test_outside_of_an_app_there_is_nothing_to_look_at(
    app: AppUnderTest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Without livejob.toml the command says what is missing."""
    elsewhere: Path = tmp_path_factory.mktemp("elsewhere")

    told = app.livejob("runs", "--app-dir", str(elsewhere))

    assert 3 == told.code
    assert "error: LJ-101" in told.err


def test_aws_without_a_region_says_what_to_set(app: AppUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without AWS configuration and without a local AWS learns both ways on."""
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")

    told = app.livejob("runs")

    assert 4 == told.code
    assert "which region is meant" in told.err
    assert "`livejob start --local`" in told.err


def test_local_aws_that_does_not_run_is_told(app: AppUnderTest) -> None:
    """--local means the local AWS and nothing else."""
    told = app.livejob("runs", "--local")

    assert 4 == told.code
    assert "error: LJ-604 no local AWS runs" in told.err
