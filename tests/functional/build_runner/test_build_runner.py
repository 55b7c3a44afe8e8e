"""The build runner as a real process against the local AWS, with the permissions of its job's role alone."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from livejob.wire.ids import RunId
from livejob.wire.limits import INLINE_DOCUMENT_BYTES
from livejob.wire.names import build_log
from livejob.wire.outcome import FailureType
from livejob.wire.states import Input, State
from tests.support.attempts import HANDLERS
from tests.support.build_fixtures import BUNDLE, JOB, BuildsUnderTest
from tests.support.runs import a_change


class TestSuccess:
    def test_a_run_succeeds(self, builds: BuildsUnderTest):
        """The build claims its run, calls the handler with its payload, and records the result."""
        build = builds.start("hello.handler", {"name": "Mia"})

        run = build.wait_ended()

        assert 0 == build.process.returncode, build.said()
        assert State.SUCCEEDED == run.state
        assert {"greeting": "Hello, Mia"} == build.result()
        [attempt] = run.attempts
        assert ("codebuild", build.id, State.SUCCEEDED, 0) == (
            attempt.backend,
            attempt.owner,
            attempt.state,
            attempt.exit_code,
        )
        assert attempt.submitted_ms is not None
        assert attempt.submitted_ms <= attempt.claimed_ms <= (attempt.started_ms or 0) <= (run.ended_ms or 0)
        stream = build.id.partition(":")[2]
        assert build_log("us-east-1", build.id, stream) == run.log
        assert BUNDLE == run.bundle

    def test_large_documents_go_by_the_bucket(self, builds: BuildsUnderTest):
        """A payload and a result beyond what a record holds are the same at the other end."""
        payload = "größe \u2028 😀 " * (INLINE_DOCUMENT_BYTES // 8)
        build = builds.start("values.echo", payload)

        run = build.wait_ended()

        assert f"payloads/{run.id}.json" == run.payload.key
        assert run.result is not None
        assert f"results/{run.id}.json" == run.result.key
        assert payload == build.result()

    @pytest.mark.parametrize("payload", [0, None])
    def test_falsy_values_stay_what_they_are(self, builds: BuildsUnderTest, payload: object):
        """A payload that Python takes for false is no other value to the handler."""
        build = builds.start("values.echo", payload)

        build.wait_ended()

        assert repr(payload) == repr(build.result())

    def test_the_context_names_the_run(self, builds: BuildsUnderTest):
        """The handler is told what it is told in development."""
        build = builds.start("values.context_fields", timeout_s=900)

        run = build.wait_ended()

        fields = build.result()
        assert run.attempts[0].started_ms is not None
        assert abs(fields.pop("deadline_ms") - run.attempts[0].claimed_ms - 900_000) < 60_000
        names = build.stage.names
        assert {"run_id": run.id, "attempt": 1, "job": JOB, "app": names.app, "stage": names.stage} == fields

    def test_the_handler_finds_the_same_surroundings_as_in_development(self, builds: BuildsUnderTest):
        """The handler's variables are the job's; what the runner needs for itself is not among them."""
        environment = builds.start("surroundings.environment")
        place = builds.start("surroundings.place")
        for build in (environment, place):
            build.wait_ended()

        variables = environment.result()
        assert {"LIVEJOB_RUN_ID": environment.run_id, "LIVEJOB_ATTEMPT": "1", "LIVEJOB_JOB": JOB}.items() <= (
            variables.items()
        )
        assert not {"LIVEJOB_TABLE", "LIVEJOB_BUCKET", "LIVEJOB_HANDLER", "LIVEJOB_BUNDLE"} & variables.keys()
        root = str(HANDLERS)
        assert {"cwd": root, "root": root, "path": root} == place.result()

    def test_output_goes_to_the_builds_own(self, builds: BuildsUnderTest):
        """What the handler prints is in the build's output as it comes."""
        build = builds.start("stops.sleeps")

        build.wait_output("ready")

        assert build.process.poll() is None


class TestFailure:
    @pytest.mark.parametrize(
        ("handler", "payload", "failure", "exit_code"),
        [
            ("missing.handler", None, FailureType.HANDLER_NOT_FOUND, 1),
            ("import_fails.handler", None, FailureType.HANDLER_IMPORT_FAILED, 1),
            ("ends.sys_exit", 3, FailureType.HANDLER_EXITED, 3),
            ("ends.os_exit", 5, FailureType.HANDLER_EXITED, 5),
            ("ends.kills_itself", "SIGKILL", FailureType.HANDLER_KILLED, -9),
            ("ends.crashes", None, FailureType.HANDLER_KILLED, -11),
        ],
    )
    def test_every_end_has_its_name(
        self, builds: BuildsUnderTest, handler: str, payload: object, failure: str, exit_code: int
    ):
        """However the handler's process ends, the run fails with a named reason and the build with it."""
        build = builds.start(handler, payload)

        run = build.wait_ended()

        assert 1 == build.process.returncode
        assert State.FAILED == run.state
        assert run.failure is not None
        assert (failure, exit_code) == (run.failure.type, run.attempts[0].exit_code)

    def test_a_job_that_takes_too_long_is_stopped(self, builds: BuildsUnderTest):
        """The timeout is the job's own, and the handler gets to clean up."""
        build = builds.start("stops.sleeps", timeout_s=1)

        run = build.wait_ended()

        assert State.TIMED_OUT == run.state
        assert run.failure is not None
        assert "it ran longer than its timeout of 1 s" == run.failure.message
        assert "cleaned up" in build.output()

    def test_a_missing_payload_is_said(self, builds: BuildsUnderTest):
        """A run whose payload is gone fails before the handler is called."""
        gone = builds.queue("x" * INLINE_DOCUMENT_BYTES)
        aws = builds.stage.aws
        client = aws.root.client("s3", endpoint_url=aws.endpoint_url)
        client.delete_object(Bucket=builds.stage.bucket, Key=str(gone.payload.key))

        build = builds.build(gone, "hello.handler")
        ended = build.wait_ended()

        assert State.FAILED == ended.state
        assert ended.failure is not None
        assert "its payload cannot be read" in ended.failure.message


class TestCancel:
    def test_a_cancel_reaches_the_handler(self, builds: BuildsUnderTest):
        """The wish in the record ends the handler, which gets to clean up; the run is CANCELLED."""
        build = builds.start("stops.tells_the_reason")
        build.wait_output("ready")
        build.stage.open_runs().apply(build.run_id, a_change(Input.ASK_CANCEL))

        run = build.wait_ended()

        assert State.CANCELLED == run.state
        assert "cancelled True" in build.output()
        assert 1 == build.process.returncode

    def test_a_stopped_build_says_so(self, builds: BuildsUnderTest):
        """A SIGTERM that no cancel explains is a failure by its own name."""
        build = builds.start("stops.sleeps")
        build.wait_output("ready")
        build.process.send_signal(signal.SIGTERM)

        run = build.wait_ended()

        assert State.FAILED == run.state
        assert run.failure is not None
        assert FailureType.BUILD_STOPPED == run.failure.type
        assert "cleaned up" in build.output()

    def test_a_stop_after_a_cancel_is_a_cancel(self, builds: BuildsUnderTest):
        """StopBuild as a backstop does not hide why the run ends."""
        build = builds.start("stops.sleeps")
        build.wait_output("ready")
        build.stage.open_runs().apply(build.run_id, a_change(Input.ASK_CANCEL))
        build.process.send_signal(signal.SIGTERM)

        assert State.CANCELLED == build.wait_ended().state

    def test_a_handler_does_not_outlive_its_runner(self, builds: BuildsUnderTest):
        """When the runner itself is killed, the handler goes too; the record is for the reconciler."""
        build = builds.start("stops.prints_its_pid")
        build.wait_output("ready")
        pid = int(build.output().split()[-1])

        build.process.kill()

        build.wait(lambda: not Path(f"/proc/{pid}").exists())
        assert State.RUNNING == build.wait_ended().state

    def test_nothing_of_the_handler_is_left(self, builds: BuildsUnderTest):
        """Processes that the handler started and left go with it."""
        build = builds.start("children.leaves_one")

        build.wait_ended()

        pid = build.result()
        assert not Path(f"/proc/{pid}").exists()


class TestClaim:
    def test_of_two_builds_for_one_attempt_one_runs(self, builds: BuildsUnderTest):
        """The second build finds the run taken and ends well without doing anything."""
        first = builds.start("stops.sleeps", timeout_s=3)
        first.wait_output("ready")

        second = builds.build(first.run(), "values.echo", attempt=1)
        second.wait_ended()

        assert 0 == second.process.returncode
        assert "nothing to do" in second.said()
        assert first.id == first.run().owner
        assert State.TIMED_OUT == first.wait_ended().state

    def test_a_cancelled_run_is_not_executed(self, builds: BuildsUnderTest):
        """A build whose run was cancelled while it got its machine does nothing."""
        run = builds.queue()
        builds.stage.open_runs().apply(run.id, a_change(Input.CANCEL))

        build = builds.build(run, "stops.sleeps")

        assert State.CANCELLED == build.wait_ended().state
        assert ("", 0) == (build.output(), build.process.returncode)

    def test_a_run_that_has_waited_too_long_is_not_executed(self, builds: BuildsUnderTest):
        """A build that begins after the time in the queue is over records that, and does no more."""
        run = builds.queue(expires_ms=1)

        build = builds.build(run, "stops.sleeps")

        ended = build.wait_ended()
        assert (State.EXPIRED, "", 0) == (ended.state, build.output(), build.process.returncode)

    def test_a_run_that_is_no_longer_the_builds_is_left_alone(self, builds: BuildsUnderTest):
        """When the record has given the run to somebody else, the handler is stopped and nothing recorded."""
        build = builds.start("stops.sleeps")
        build.wait_output("ready")
        runs = build.stage.open_runs()
        runs.apply(build.run_id, a_change(Input.REQUEUE, owner=build.id))
        runs.apply(build.run_id, a_change(Input.CLAIM, lease_until_ms=2**42, owner="ses_other"))

        run = build.wait_ended()

        assert (State.CLAIMED, "ses_other") == (run.state, run.owner)
        assert "no longer this build's" in build.said()

    def test_an_unknown_run_fails_the_build(self, builds: BuildsUnderTest):
        """A build without a run says so."""
        run = builds.queue()
        build = builds.build(replace(run, id=RunId("run_" + "0" * 32)), "hello.handler")

        build.process.wait(30)

        assert 1 == build.process.returncode
        assert "LJ-301" in build.said()


class TestRetries:
    def test_a_failed_attempt_is_tried_again(self, builds: BuildsUnderTest):
        """With attempts left the run goes back to the queue, with its failure and a pause."""
        build = builds.start("failures.raises", retries=1, backoff_s=60, queue_s=600)

        run = build.wait_ended()

        assert (State.QUEUED, None, "") == (run.state, run.owner, run.submitted_id)
        [attempt] = run.attempts
        assert attempt.failure is not None
        assert attempt.ended_ms is not None
        assert run.due_ms is not None
        assert 30_000 <= run.due_ms - attempt.ended_ms <= 60_000
        assert run.due_ms + 600_000 == run.expires_ms
        assert 1 == build.process.returncode

    def test_the_last_attempt_ends_the_run(self, builds: BuildsUnderTest):
        """The attempt after the last retry fails the run for good."""
        build = builds.start("failures.raises", retries=1, backoff_s=0)
        again = builds.build(build.wait_ended(), "failures.raises")

        run = again.wait_ended()

        assert State.FAILED == run.state
        assert [State.QUEUED, State.FAILED] == [attempt.state for attempt in run.attempts]

    def test_a_build_waits_for_the_end_of_the_pause(self, builds: BuildsUnderTest):
        """A build that begins before the pause is over, by another machine's clock, waits for it."""
        build = builds.start("failures.raises", retries=1, backoff_s=1)

        again = builds.build(build.wait_ended(), "values.echo")

        assert State.SUCCEEDED == again.wait_ended().state

    def test_what_cannot_go_better_is_not_tried_again(self, builds: BuildsUnderTest):
        """A handler that does not exist will not exist at the next attempt."""
        build = builds.start("missing.handler", retries=3)

        assert State.FAILED == build.wait_ended().state
