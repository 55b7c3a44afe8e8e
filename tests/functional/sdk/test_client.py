"""Starting runs, over the real boto3 and HTTP."""

import pytest

from livejob.errors import (
    AccessRefused,
    AwsError,
    AwsUnreachable,
    InvokerRefused,
    NoSession,
    PayloadInvalid,
    PayloadTooLarge,
    SettingsInvalid,
    UnknownJob,
)
from livejob.sdk import Client, Job
from livejob.wire.limits import DOCUMENT_BYTES, PAYLOAD_BYTES
from tests.support.lambda_api import HttpError
from tests.support.sdk_fixtures import APP, JOB, RUN_ID, STAGE, Caller, started


@pytest.mark.parametrize("payload", [{"width": 300}, 0, False, "", None, [], "Müller 🌍"])
def test_run_hands_the_payload_to_the_invoker(caller: Caller, payload: object) -> None:
    """A payload reaches the invoker as it is, falsy ones too."""
    caller.job_answers(started())

    run = caller.client.run(JOB, payload)

    assert (RUN_ID, JOB) == (run.id, run.job)
    assert [{"action": "run", "payload": payload}] == caller.api.asked


def test_key_travels_with_the_payload(caller: Caller) -> None:
    """An idempotency key is part of the request."""
    caller.job_answers(started())

    caller.client.run(JOB, 1, key='order "1"')

    assert [{"action": "run", "payload": 1, "key": 'order "1"'}] == caller.api.asked


def test_invoker_is_looked_up_once(caller: Caller) -> None:
    """The parameter with the invoker's name is read at the first call only."""
    caller.job_answers(started())

    caller.client.run(JOB)
    caller.client.run(JOB)

    assert [f"/livejob/{APP}/{STAGE}/jobs/{JOB}/invoker"] == caller.api.looked_up


def test_environment_saves_the_look_up(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """With LIVEJOB_INVOKER_<job> set, the caller needs no permission but to invoke."""
    caller.api.functions["named-elsewhere"] = lambda request: started()
    monkeypatch.setenv("LIVEJOB_INVOKER_Resize", "named-elsewhere")

    run = caller.client.run(JOB)

    assert RUN_ID == run.id
    assert [] == caller.api.looked_up


@pytest.mark.parametrize(
    ("payload", "error", "words"),
    [
        ({"when": {1, 2}}, PayloadInvalid, "payload.when is of type set"),
        (float("nan"), PayloadInvalid, "payload is nan"),
        ("x" * DOCUMENT_BYTES, PayloadTooLarge, f"{DOCUMENT_BYTES + 2} bytes"),
    ],
)
def test_payload_that_cannot_travel_is_refused_before_anything_is_sent(
    caller: Caller, payload: object, error: type[Exception], words: str
) -> None:
    """A payload is checked where it is written."""
    caller.job_answers(started())

    with pytest.raises(error, match=words):
        caller.client.run(JOB, payload)

    assert [] == caller.api.asked


def test_a_payload_that_fits_no_invocation_is_uploaded_first(caller: Caller) -> None:
    """Beyond the limit, counted in bytes of UTF-8, the payload goes to the link that the invoker gives."""
    place = {"uploadId": RUN_ID, "uploadUrl": f"{caller.api.url}/bucket/payload?signature=1"}
    caller.job_answers(started(), place, started())
    largest = "x" * (PAYLOAD_BYTES - 2)

    caller.client.run(JOB, largest)
    run = caller.client.run(JOB, largest[1:] + "é", key="order-7")

    assert RUN_ID == run.id
    assert [
        {"action": "run", "payload": largest},
        {"action": "upload", "sizeBytes": PAYLOAD_BYTES + 1},
        {"action": "run", "uploadId": RUN_ID, "key": "order-7"},
    ] == caller.api.asked
    assert f'"{largest[1:]}é"'.encode() == caller.api.files["/bucket/payload?signature=1"]


def test_unknown_job_is_named(caller: Caller) -> None:
    """A job without parameter does not exist in the stage."""
    with pytest.raises(UnknownJob, match=f"no job Resise in stage {STAGE} of {APP}") as raised:
        caller.client.run("Resise")

    assert "Check the spelling" in raised.value.remedy


def test_job_whose_invoker_is_gone_is_unknown(caller: Caller) -> None:
    """A parameter that outlived its function means the same as no parameter."""
    caller.job_answers(started())
    caller.api.functions.clear()

    with pytest.raises(UnknownJob, match="there is no function shop-mia-Resize"):
        caller.client.run(JOB)


def test_refusal_is_raised_as_the_invoker_meant_it(caller: Caller) -> None:
    """An error that livejob raised in the invoker arrives as the same error."""
    caller.job_answers(RuntimeError("LJ-502: nobody is attached | hint: Start one."))

    with pytest.raises(NoSession, match="nobody is attached") as raised:
        caller.client.run(JOB)

    assert "Start one." == raised.value.remedy


@pytest.mark.parametrize("answer", [{"status": "QUEUED"}, {"runId": 3}])
def test_answer_without_a_run_id_is_refused(caller: Caller, answer: dict[str, object]) -> None:
    """Without a run id there is no run to speak of."""
    caller.job_answers(answer)

    with pytest.raises(InvokerRefused, match="without runId"):
        caller.client.run(JOB)


def failing_invoke(status: int, code: str) -> object:
    def invoke(request: object) -> object:
        raise HttpError(status, code, "no")

    return invoke


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (403, "AccessDeniedException", AccessRefused),
        (429, "TooManyRequestsException", AwsError),
        (500, "ServiceException", AwsError),
    ],
)
def test_run_without_key_is_asked_for_once(
    caller: Caller, status: int, code: str, error: type[Exception]
) -> None:
    """The SDK does not repeat a request that may have started a run already."""
    caller.api.add_job(APP, STAGE, JOB, failing_invoke(status, code))

    with pytest.raises(error, match="lambda:InvokeFunction on function/shop-mia-Resize"):
        caller.client.run(JOB)

    assert 1 == len(caller.api.asked)


def test_run_with_key_is_asked_for_again(caller: Caller) -> None:
    """With an idempotency key, a request whose answer got lost is repeated."""
    answers = [HttpError(500, "ServiceException"), None]

    def invoke(request: object) -> object:
        error = answers.pop(0)
        if error:
            raise error
        return started()

    caller.api.add_job(APP, STAGE, JOB, invoke)

    run = caller.client.run(JOB, key="order 1")

    assert RUN_ID == run.id
    assert 2 == len(caller.api.asked)


def test_no_answer_is_told_as_such(aws_session: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody listens, the error says that AWS did not answer."""
    monkeypatch.setenv("LIVEJOB_INVOKER_Resize", "resize")
    client = Client(APP, STAGE, session=aws_session, endpoint_url="http://127.0.0.1:9")  # type: ignore[arg-type]

    with pytest.raises(AwsUnreachable):
        client.run(JOB)


def test_job_by_name_uses_the_app_and_stage_of_the_environment(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a deployed function, `Job.run` needs nothing but the job's name."""
    caller.job_answers(started())
    for name, value in {
        "LIVEJOB_APP": APP,
        "LIVEJOB_STAGE": STAGE,
        "AWS_ENDPOINT_URL": caller.api.url,
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)

    run = Job.ref(JOB).run({"width": 1})

    assert RUN_ID == run.id


def test_missing_app_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without app and stage there is no telling whose job is meant."""
    monkeypatch.delenv("LIVEJOB_APP", raising=False)

    with pytest.raises(SettingsInvalid, match="LIVEJOB_APP is not set"):
        Job.run(JOB)
