"""The build runner as a real process against the local AWS, with the permissions of its job's role alone."""

from __future__ import annotations

import pytest

from livejob.wire.limits import INLINE_DOCUMENT_BYTES
from livejob.wire.names import build_log
from livejob.wire.states import State
from tests.support.build_fixtures import BUNDLE, JOB, BuildsUnderTest


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

    @pytest.mark.parametrize("payload", [0, False, "", None, [], {}])
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
