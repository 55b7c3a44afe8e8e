"""The stub as it is deployed: its zip, executed by the emulator under a role with its permissions alone."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from pathlib import Path
from urllib.request import urlopen

import livejob
from livejob.deploy.code_zip import code_zip, import_closure
from livejob.deploy.permissions import stub_statements
from livejob.wire.ids import RunId
from livejob.wire.limits import INLINE_DOCUMENT_BYTES, PAYLOAD_BYTES
from livejob.wire.messages import Cancel, Start
from livejob.wire.names import StageNames
from livejob.wire.states import Input, State
from tests.support.runs import a_change, let
from tests.support.stub_fixtures import JOB, PLANTED_SECRET, STUB, DeployedStub, attached_daemon

ROOT = Path(livejob.__file__).parent.parent


async def test_a_run_reaches_the_attached_session(queueing_stub: DeployedStub):
    """From the Lambda API over record and bridge to a session that takes the run, and back."""
    async with attached_daemon(queueing_stub) as heard:
        invocation = await asyncio.to_thread(queueing_stub.invoke, {"action": "run", "payload": {"width": 1}})

    answer = invocation.document
    run = queueing_stub.stage.open_runs().get(RunId(answer["runId"]))
    assert not invocation.is_error
    assert {"jobId": run.id, "runId": run.id, "status": "CLAIMED", "backend": "live"} == answer
    assert [Start(run.id, JOB)] == heard
    assert b'{"width":1}' == run.payload.inline


async def test_a_cancel_reaches_who_has_the_run(queueing_stub: DeployedStub):
    """Whoever took the run hears that it is to end, and the record says it too."""
    async with attached_daemon(queueing_stub) as heard:
        started = await asyncio.to_thread(queueing_stub.invoke, {"action": "run"})
        run_id = RunId(started.document["jobId"])
        cancelled = await asyncio.to_thread(queueing_stub.invoke, {"action": "cancel", "jobId": run_id})
        async with asyncio.timeout(10):
            while Cancel(run_id) not in heard:
                await asyncio.sleep(0.005)

    assert {"runId": run_id, "status": "CLAIMED"} == cancelled.document
    assert queueing_stub.stage.open_runs().get(run_id).cancel_asked


def test_a_run_waits_without_a_session(queueing_stub: DeployedStub):
    """With nobody attached the run is recorded as waiting, and can be cancelled at once."""
    started = queueing_stub.invoke({"action": "run", "payload": 0}).document
    cancelled = queueing_stub.invoke({"action": "cancel", "runId": started["runId"]}).document
    status = queueing_stub.invoke({"action": "status", "runId": started["runId"]}).document

    assert ("QUEUED", None) == (started["status"], started["backend"])
    assert "CANCELLED" == cancelled["status"] == status["status"]


def test_a_key_in_use_gives_its_run(queueing_stub: DeployedStub):
    """Two calls with one key are one run."""
    first, second = (queueing_stub.invoke({"action": "run", "key": "order-7"}).document for _ in range(2))

    assert first == second


def test_a_run_that_must_not_wait_is_a_function_error(failing_stub: DeployedStub):
    """With the policy to fail the invocation itself fails, with the reason, and so does the record."""
    invocation = failing_stub.invoke({"action": "run"})

    [run] = failing_stub.stage.open_runs().recent_runs(JOB, 10)
    assert invocation.is_error
    assert (
        f"LJ-502: {run.id} was not started: no session that takes Resize is attached | hint: Start one with "
        '`livejob start --stage dev`, or set when_disconnected="queue".'
    ) == invocation.document["errorMessage"]
    assert State.FAILED == run.state


def test_a_wrong_request_is_a_function_error(queueing_stub: DeployedStub):
    """A caller that does not look at the answer cannot take a refusal for success."""
    invocation = queueing_stub.invoke({"action": "sing"})

    assert invocation.is_error
    assert invocation.document["errorMessage"].startswith("LJ-203: the action is 'sing'")


def test_the_largest_payload_arrives(queueing_stub: DeployedStub):
    """A payload at its limit is in the bucket, where the developer's session reads it."""
    payload = "x" * (PAYLOAD_BYTES - 2)

    answer = queueing_stub.invoke({"action": "run", "payload": payload}).document

    run = queueing_stub.stage.open_runs().get(RunId(answer["runId"]))
    assert f"payloads/{run.id}.json" == run.payload.key
    assert f'"{payload}"'.encode() == queueing_stub.stage.open_documents().load(run.payload)


def test_a_caller_needs_one_permission(queueing_stub: DeployedStub):
    """Who may invoke the function can start a run, and read a result of any size through it."""
    caller = queueing_stub.caller()
    started = queueing_stub.invoke({"action": "run"}, caller)
    run_id = RunId(started.document["runId"])
    result = b"[" + b" " * INLINE_DOCUMENT_BYTES + b"]"
    document = queueing_stub.stage.open_documents().store("results", run_id, result)
    runs = queueing_stub.stage.open_runs()
    let(runs, runs.get(run_id), a_change(Input.CLAIM), a_change(Input.SUCCEED, result=document))

    status = queueing_stub.invoke({"action": "status", "runId": run_id}, caller).document

    assert "SUCCEEDED" == status["status"]
    assert "X-Amz-Signature=" in status["resultUrl"]
    with urlopen(status["resultUrl"]) as answer:
        assert result == answer.read()


async def test_no_secret_leaves_the_function(queueing_stub: DeployedStub):
    """What is in the function's environment, keys included, is in no record, message, answer or log."""
    stage = queueing_stub.stage
    async with attached_daemon(queueing_stub) as heard:
        started = await asyncio.to_thread(queueing_stub.invoke, {"action": "run"})
        refused = await asyncio.to_thread(queueing_stub.invoke, {"action": "sing"})
    table = stage.aws.root.client("dynamodb", endpoint_url=stage.aws.endpoint_url)

    records = table.scan(TableName=stage.names.table)["Items"]
    everything = f"{records} {heard} {started} {refused} {queueing_stub.log()}"
    assert started.document["runId"] in everything
    assert PLANTED_SECRET not in everything
    assert "ASIA" not in everything


def test_each_invocation_leaves_one_line(queueing_stub: DeployedStub):
    """The function's log has one JSON line for an invocation."""
    answer = queueing_stub.invoke({"action": "run"}).document

    [line] = [json.loads(line) for line in queueing_stub.log() if answer["runId"] in line]
    assert ("run", "QUEUED") == (line["action"], line["status"])
    assert line["ms"] > 0


def test_the_zip_is_what_the_stub_imports():
    """The zip holds the stub's modules and those it imports, and nothing that has no business there."""
    names = set(zipfile.ZipFile(io.BytesIO(code_zip(STUB, ROOT).data)).namelist())

    closure = import_closure(STUB, ROOT)
    assert {path.relative_to(ROOT).as_posix() for path in closure.values()} == names
    assert {"livejob/__init__.py", "livejob/stub_lambda/handler.py", "livejob/runs/dynamodb.py"} <= names
    rooms = {name.split(".")[1] for name in closure if "." in name}
    assert {"aws", "bridge", "clock", "errors", "runs", "stub_lambda", "wire"} == rooms
    assert (
        not {
            "livejob.bridge.iot",
            "livejob.bridge.memory",
            "livejob.runs.memory",
            "livejob.stub_lambda.backend_memory",
        }
        & closure.keys()
    )


def test_equal_code_makes_equal_zips():
    """Deploying what has not changed uploads nothing: bytes and digest are the same each time."""
    assert code_zip(STUB, ROOT) == code_zip(STUB, ROOT)


def test_the_stub_may_do_little():
    """No permission of the stub is for every action or every resource."""
    statements = stub_statements(StageNames("shop", "dev"), "123456789012", "us-east-1")

    assert not [statement for statement in statements if "*" in statement["Resource"]]
    actions = [action for statement in statements for action in statement["Action"]]
    assert not [action for action in actions if action.endswith("*")]
    assert set(actions) <= {
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
        "iot:Publish",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "s3:GetObject",
        "s3:PutObject",
    }
