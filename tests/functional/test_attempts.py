"""Attempts in a real worker of every engine: what goes in, what comes out, and every way to end."""

from __future__ import annotations

import hashlib
import signal

import pytest

from livejob.wire.limits import DOCUMENT_BYTES
from livejob.wire.outcome import FailureType
from livejob.wire.worker import Notice, Output, Started
from tests.support.attempts import HANDLERS, STAGE, WorkerDriver, open_worker, worker_spec
from tests.support.engine_fixtures import EngineUnderTest

BROKEN = HANDLERS.parent / "broken"


class TestPayloadAndResult:
    async def test_a_result_comes_back(self, worker: WorkerDriver):
        """A handler's return value is the attempt's result."""
        attempt = await worker.run("hello.handler", {"name": "Mia"})

        assert {"greeting": "Hello, Mia"} == attempt.result
        assert 0 == attempt.exit_code

    async def test_values_stay_what_they_are(self, worker: WorkerDriver):
        """Falsy and unusual values are the same in the handler and in the result."""
        values = [0, False, "", None, [], {}, "ä\n\u2028😀", 1e300, {"a": [None]}]

        results = [(await worker.run("values.echo", value)).result for value in values]

        assert [repr(value) for value in values] == [repr(result) for result in results]

    async def test_all_kinds_of_handlers(self, worker: WorkerDriver):
        """Sync, async, decorated and callable handlers get the parameters that they take."""
        expected = {
            "values.nothing": "called without a payload",
            "values.returns_none": None,
            "values.optional_second": 3,
            "values.optional_context": "Test",
            "values.shout": "hey!",
            "decorated.defined": {"defined": "hey"},
            "decorated.wrapped": "Test",
            "decorated.wrapped_async": "hey",
            "decorated.partial": "heyhey",
            "coroutines.echo": "hey",
            "nested/reports-2024/monthly.handler": "Report of hey",
            "nested.shared.title": "Report of hey",
        }

        results = {handler: (await worker.run(handler, "hey")).result for handler in expected}

        assert expected == results

    async def test_the_context_names_the_run(self, worker: WorkerDriver):
        """The context has the fields of the attempt and a short text for logs."""
        await worker.begin("values.context_fields", attempt=2, deadline_ms=1_900_000_000_000)
        fields = await worker.finish()
        texts = await worker.run("values.context_as_text")

        assert {
            "run_id": fields.ended.run_id,
            "attempt": 2,
            "job": "Test",
            "app": "shop",
            "stage": STAGE,
            "deadline_ms": 1_900_000_000_000,
        } == fields.result
        assert f"Test {texts.ended.run_id} attempt 1" == texts.result[0]
        assert "clock" not in texts.result[1]
        assert [True, False] == texts.result[2:]

    async def test_a_large_payload_and_result(self, worker: WorkerDriver):
        """Six megabytes pass both ways."""
        payload = "0123456789abcdef" * (6 * 1024 * 1024 // 16)

        attempt = await worker.run("values.echo", payload)

        assert payload == attempt.result

    async def test_a_result_that_is_no_json(self, worker: WorkerDriver):
        """A result that JSON cannot hold fails the attempt and names the place in it."""
        expected = {
            "results.has_a_set": "result.rows[2].tags is of type set, which JSON does not have",
            "results.is_not_a_number": "result.mean is nan, which JSON does not have",
            "results.is_an_object": "result is of type Order, which JSON does not have",
        }

        failures = {handler: (await worker.run(handler)).failure for handler in expected}

        assert {FailureType.RESULT_NOT_SERIALIZABLE} == {failure.type for failure in failures.values()}
        assert expected == {handler: failure.message for handler, failure in failures.items()}

    async def test_a_result_that_is_too_large(self, worker: WorkerDriver):
        """A result beyond the limit fails the attempt and says both sizes."""
        attempt = await worker.run("results.is_large", DOCUMENT_BYTES)

        assert ("fail", FailureType.RESULT_TOO_LARGE) == (attempt.input, attempt.failure.type)
        assert "the result has 134217730 bytes, 128 MiB are the most" == attempt.failure.message


class TestFailures:
    async def test_an_exception(self, worker: WorkerDriver):
        """What a handler raises is the failure, its trace beginning at the handler."""
        attempt = await worker.run("failures.raises")

        assert ("fail", "OutOfStock", "no more of 7") == (
            attempt.input,
            attempt.failure.type,
            attempt.failure.message,
        )
        first, second, *_ = attempt.failure.trace.splitlines()
        assert "Traceback (most recent call last):" == first
        assert second.endswith('/failures.py", line 16, in raises')
        assert 1 == attempt.exit_code

    async def test_an_exception_in_an_async_handler(self, worker: WorkerDriver):
        """Frames of the event loop are not in the trace."""
        attempt = await worker.run("coroutines.raises")

        assert ("LookupError", "nothing there") == (attempt.failure.type, attempt.failure.message)
        assert "asyncio" not in attempt.failure.trace
        assert 1 == attempt.failure.trace.count('File "')

    async def test_causes_are_kept(self, worker: WorkerDriver):
        """The trace has the cause before the exception, as Python prints it, without livejob's frames."""
        attempt = await worker.run("failures.raises_from_a_cause")

        cause, _, error = attempt.failure.trace.partition("direct cause of the following exception")
        assert "JSONDecodeError" in cause
        assert "OutOfStock: cannot read the stock" in error
        assert "livejob" not in attempt.failure.trace.replace(str(HANDLERS), "")

    async def test_groups_are_kept(self, worker: WorkerDriver):
        """Every exception of a group is in the trace."""
        attempt = await worker.run("failures.raises_a_group")

        assert "ExceptionGroup" == attempt.failure.type
        assert "OutOfStock: first" in attempt.failure.trace
        assert "ValueError: second" in attempt.failure.trace

    async def test_odd_exceptions(self, worker: WorkerDriver):
        """No exception is too odd to be told."""
        expected = {
            "failures.raises_unspeakable": ("Unspeakable", "<the text of this"),
            "failures.raises_keyboard_interrupt": ("KeyboardInterrupt", ""),
            "failures.raises_with_odd_text": ("ValueError", "file \\udcff\\udcfe"),
            "failures.recurses": ("RecursionError", "maximum recursion"),
        }

        failures = {handler: (await worker.run(handler)).failure for handler in expected}

        assert expected == {
            handler: (failure.type, failure.message[:17]) for handler, failure in failures.items()
        }

    async def test_the_worker_goes_on_after_a_failure(self, worker: WorkerDriver):
        """A failed attempt leaves the worker as good as before."""
        await worker.run("failures.raises")
        attempt = await worker.run("values.echo", 1)

        assert 1 == attempt.result


class TestHandlersThatCannotBeHad:
    async def test_not_found(self, worker: WorkerDriver):
        """A missing file or function is told with what was looked for, the nearest names, and what to do."""
        for handler, message in (
            ("helo.handler", "no file helo.py in "),
            ("helo.handler", "did you mean hello.py?"),
            ("nested/report/monthly.handler", "did you mean nested/reports-2024/monthly.py"),
            ("hello.handle", "no function handle in "),
            ("hello.handle", "did you mean handler?"),
            ("values.not_a_function", "is of type dict, not a function"),
            ("handler", "no file"),
            ("", "no file"),
        ):
            attempt = await worker.run(handler)

            assert ("fail", FailureType.HANDLER_NOT_FOUND) == (attempt.input, attempt.failure.type)
            assert message in attempt.failure.message
            assert attempt.failure.remedy

    async def test_an_import_error(self, worker: WorkerDriver):
        """An exception at import is told with a trace of the user's files only."""
        attempt = await worker.run("import_fails.handler")

        assert ("fail", FailureType.HANDLER_IMPORT_FAILED) == (attempt.input, attempt.failure.type)
        assert "the import of import_fails failed: KeyError: 'limit'" == attempt.failure.message
        assert 2 == attempt.failure.trace.count('File "')
        assert 'LIMIT = SETTINGS["limit"]' in attempt.failure.trace

    async def test_an_exit_at_import(self, worker: WorkerDriver):
        """sys.exit at import is an exit, with its code."""
        attempt = await worker.run("import_exits.handler")

        assert FailureType.HANDLER_EXITED == attempt.failure.type
        assert 3 == attempt.exit_code

    @pytest.mark.parametrize("handler", ["syntax.handler", "imports_syntax.handler"])
    async def test_a_syntax_error(self, engine: EngineUnderTest, handler: str):
        """A syntax error, also of an imported file, is told with file, line and caret."""
        async with open_worker(engine.engine, worker_spec(BROKEN, image=engine.image)) as worker:
            attempt = await worker.run(handler)

        assert ("fail", FailureType.HANDLER_SYNTAX_ERROR) == (attempt.input, attempt.failure.type)
        place, line, caret, error = attempt.failure.trace.splitlines()
        assert place.endswith('/syntax.py", line 5')
        assert 'total = sum(payload["numbers"]' == line.strip()
        assert "^" == caret.strip()
        assert "SyntaxError: '(' was never closed" == error


class TestEndsWithoutAResult:
    async def test_sys_exit(self, worker: WorkerDriver):
        """sys.exit is a failure with that exit code, also with 0: nothing was returned."""
        for payload, exit_code, said in (
            (3, 3, "3"),
            (0, 0, "0"),
            (None, 0, "0"),
            ("no stock", 1, "no stock"),
        ):
            attempt = await worker.run("ends.sys_exit", payload)

            assert ("fail", FailureType.HANDLER_EXITED) == (attempt.input, attempt.failure.type)
            assert f"the handler called sys.exit({said}) instead of returning" == attempt.failure.message
            assert exit_code == attempt.exit_code

    async def test_os_exit(self, worker: WorkerDriver):
        """A process that ends without a word is told by its exit code."""
        attempt = await worker.run("ends.os_exit", 7)

        assert ("fail", FailureType.HANDLER_EXITED, 7) == (
            attempt.input,
            attempt.failure.type,
            attempt.exit_code,
        )
        assert "exit code 7" in attempt.failure.message

    async def test_a_crash(self, worker: WorkerDriver):
        """A segmentation fault is told by its signal; stderr shows where Python was."""
        attempt = await worker.run("ends.crashes")

        assert ("fail", FailureType.HANDLER_KILLED) == (attempt.input, attempt.failure.type)
        assert -signal.SIGSEGV == attempt.exit_code
        assert "SIGSEGV" in attempt.failure.message
        assert b"in crashes" in attempt.stderr

    async def test_a_signal_of_somebody_else(self, worker: WorkerDriver):
        """A signal that livejob did not send kills, and is named."""
        for name in ("SIGKILL", "SIGTERM"):
            attempt = await worker.run("ends.kills_itself", name)

            assert ("fail", FailureType.HANDLER_KILLED) == (attempt.input, attempt.failure.type)
            assert name in attempt.failure.message

    async def test_out_of_memory(self, engine: EngineUnderTest):
        """Whoever notices it first, too much memory is always told by the same name; the worker goes on."""
        spec = worker_spec(HANDLERS, image=engine.image, memory_bytes=256 * 1024 * 1024)
        async with open_worker(engine.engine, spec) as worker:
            attempt = await worker.run("memory_hog.takes", 600 * 1024 * 1024)
            after = await worker.run("memory_hog.takes", 100 * 1024 * 1024)

        assert ("fail", FailureType.OUT_OF_MEMORY) == (attempt.input, attempt.failure.type)
        assert "memory" in attempt.failure.remedy
        assert 100 * 1024 * 1024 == after.result
        assert after.ended.peak_bytes > 100 * 1024 * 1024

    async def test_a_crash_after_the_return(self, worker: WorkerDriver):
        """A handler that has returned has succeeded, whatever its process does at its end."""
        attempt = await worker.run("ends.returns_and_crashes")

        assert "returned" == attempt.result
        assert 9 == attempt.exit_code

    async def test_threads_are_waited_for(self, worker: WorkerDriver):
        """A process ends as every Python program does: after its threads."""
        attempt = await worker.run("ends.returns_before_its_thread")

        assert "returned" == attempt.result
        assert b"the thread has finished\n" == attempt.stdout


class TestOutput:
    async def test_streams_are_told_apart(self, worker: WorkerDriver):
        """stdout, stderr and the log arrive whole, on their streams, between Started and Ended."""
        attempt = await worker.run("output.greets", "hey")

        assert b"to stdout: hey\n" == attempt.stdout
        assert b"to stderr: hey\nto the log\n" == attempt.stderr
        assert isinstance(attempt.messages[0], Started)

    async def test_a_print_is_one_frame(self, worker: WorkerDriver):
        """One print is one write, whatever its number of arguments."""
        attempt = await worker.run("output.greets", "hey")

        frames = [each for each in attempt.messages if isinstance(each, Output) and each.stream == "stdout"]
        assert [b"to stdout: hey\n"] == [frame.body for frame in frames]

    async def test_ten_megabytes_without_a_newline(self, worker: WorkerDriver):
        """Output of any length arrives byte for byte."""
        attempt = await worker.run("output.writes_without_newline", 10_000_000)

        assert attempt.input == "succeed"
        expected = b"0123456789abcdef" * 625_000
        assert (len(expected), _digest(expected)) == (len(attempt.stdout), _digest(attempt.stdout))

    async def test_bytes_that_are_no_text(self, worker: WorkerDriver):
        """Bytes that are not UTF-8 arrive as they are."""
        attempt = await worker.run("output.writes_bytes", [0, 255, 254, 13, 10, 192])

        assert bytes([0, 255, 254, 13, 10, 192]) == attempt.stdout

    async def test_text_that_cannot_be_encoded(self, worker: WorkerDriver):
        """Printing a file name that is no text does not end a job, and gives back its bytes."""
        attempt = await worker.run("output.prints_surrogates")

        assert b"file \xff.csv\n" == attempt.stdout

    async def test_progress_without_newlines(self, worker: WorkerDriver):
        """A carriage return shows at once, even before a sudden end."""
        attempt = await worker.run("output.shows_progress")

        assert b"50 %\r100 %\r" == attempt.stdout

    async def test_output_of_subprocesses(self, worker: WorkerDriver):
        """What a subprocess writes is the attempt's output too."""
        attempt = await worker.run("output.writes_from_a_subprocess")

        assert b"from a subprocess\n" == attempt.stdout


class TestWhatIsLeftBehind:
    @pytest.mark.parametrize("handler", ["children.leaves_one", "children.leaves_a_session"])
    async def test_processes_are_ended(self, worker: WorkerDriver, handler: str):
        """A process that outlives its attempt is ended before Ended, and told."""
        attempt = await worker.run(handler)
        after = await worker.run("children.is_alive", attempt.result)

        assert [Notice("killed what the attempt had left behind: sleep (1 in all)", {"count": "1"})] == (
            attempt.notices
        )
        assert after.result is False

    async def test_they_are_ended_after_a_sudden_end(self, worker: WorkerDriver):
        """os._exit does not spare them, and they cannot hold up the end by their stdout."""
        attempt = await worker.run("children.leaves_and_exits")
        after = await worker.run("children.is_alive", int(attempt.stdout))

        assert FailureType.HANDLER_EXITED == attempt.failure.type
        assert after.result is False

    async def test_many_processes(self, worker: WorkerDriver):
        """Processes that multiplied, each in a session of its own, are ended to the last one."""
        attempt = await worker.run("children.forks_many", 5)
        after = await worker.run("values.echo", 1)

        assert "returned" == attempt.result
        assert [{"count": "31"}] == [notice.fields for notice in attempt.notices]
        assert [] == after.notices

    @pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
    async def test_a_process_pool(self, worker: WorkerDriver, method: str):
        """multiprocessing works in a handler, and leaves nothing behind."""
        attempt = await worker.run("children.uses_a_pool", method)

        assert [2, 4, 6] == attempt.result


class TestStops:
    async def test_cancel(self, worker: WorkerDriver):
        """A cancelled handler is interrupted where it is, cleans up, and the trace shows where it was."""
        await worker.begin("stops.sleeps")
        await worker.wait_output(b"ready")
        await worker.stop("cancel")
        attempt = await worker.finish()

        assert ("cancel", FailureType.CANCELLED) == (attempt.input, attempt.failure.type)
        assert b"ready\ncleaned up\n" == attempt.stdout
        assert "in sleeps" in attempt.failure.trace
        assert "livejob.runner.context.JobCancelled" in attempt.failure.trace
        assert "runner/stop.py" not in attempt.failure.trace

    async def test_a_loop_of_its_own(self, worker: WorkerDriver):
        """A sync handler that runs an event loop has its tasks cancelled, and cleans up."""
        await worker.begin("stops.runs_a_loop")
        await worker.wait_output(b"ready")
        await worker.stop("cancel")
        attempt = await worker.finish()

        assert ("cancel", b"ready\ncleaned up\n") == (attempt.input, attempt.stdout)

    async def test_timeout(self, worker: WorkerDriver):
        """A handler that is out of time gets JobTimedOut."""
        await worker.begin("stops.tells_the_reason")
        await worker.wait_output(b"ready")
        await worker.stop("timeout")
        attempt = await worker.finish()

        assert ("time_out", FailureType.TIMED_OUT) == (attempt.input, attempt.failure.type)
        assert b"ready\ntimed out True\n" == attempt.stdout

    async def test_shutdown(self, worker: WorkerDriver):
        """A handler whose session ends is cancelled, and has failed by that."""
        await worker.begin("stops.tells_the_reason")
        await worker.wait_output(b"ready")
        await worker.stop("shutdown")
        attempt = await worker.finish()

        assert ("fail", FailureType.SESSION_STOPPED) == (attempt.input, attempt.failure.type)
        assert b"ready\ncancelled True\n" == attempt.stdout

    @pytest.mark.parametrize(
        "handler", ["coroutines.sleeps", "stops.takes_everything", "slow_import.handler"]
    )
    async def test_wherever_it_is(self, worker: WorkerDriver, handler: str):
        """Async handlers, loops that catch every Exception, and imports are interrupted too."""
        await worker.begin(handler)
        await worker.wait_output(b"ready")
        await worker.stop("cancel")
        attempt = await worker.finish()

        assert ("cancel", FailureType.CANCELLED) == (attempt.input, attempt.failure.type)
        assert b"went on" not in attempt.stdout

    @pytest.mark.parametrize("handler", ["stops.returns_anyway", "coroutines.cleans_up_slowly"])
    async def test_a_handler_that_returns_anyway(self, worker: WorkerDriver, handler: str):
        """A handler that was told to stop and returns has been stopped all the same."""
        await worker.begin(handler)
        await worker.wait_output(b"ready")
        await worker.stop("cancel")
        attempt = await worker.finish()

        assert "cancel" == attempt.input

    async def test_a_second_request_does_not_disturb_the_clean_up(self, worker: WorkerDriver):
        """Only the first request interrupts, and its reason counts."""
        await worker.begin("stops.cleans_up_slowly")
        await worker.wait_output(b"ready")
        await worker.stop("cancel")
        await worker.wait_output(b"cleaning")
        await worker.stop("timeout")
        attempt = await worker.finish()

        assert "cancel" == attempt.input
        assert b"ready\ncleaning\ncleaned up\n" == attempt.stdout

    async def test_a_clean_up_that_fails(self, worker: WorkerDriver):
        """What goes wrong while a handler cleans up is told, and changes nothing."""
        await worker.begin("stops.fails_to_clean_up")
        await worker.wait_output(b"ready")
        await worker.stop("cancel")
        attempt = await worker.finish()

        assert "cancel" == attempt.input
        assert attempt.failure.message.endswith("its clean-up failed: OSError: the disk is full")

    async def test_a_handler_that_ignores_it(self, worker: WorkerDriver):
        """A handler that does not end within its grace is killed."""
        await worker.begin("stops.ignores")
        await worker.wait_output(b"ready")
        await worker.stop("timeout", grace_s=0.05)
        attempt = await worker.finish()

        assert ("time_out", -signal.SIGKILL) == (attempt.input, attempt.exit_code)
        assert attempt.failure.message.endswith("it did not end within its grace and was killed")

    async def test_a_subprocess_ends_too(self, worker: WorkerDriver):
        """The request reaches the whole process group, so a handler does not wait for its subprocess."""
        await worker.begin("stops.waits_for_a_subprocess")
        await worker.wait_output(b"ready")
        await worker.stop("cancel")
        attempt = await worker.finish()

        assert "cancel" == attempt.input
        assert [] == attempt.notices

    async def test_a_forked_process_can_be_terminated(self, worker: WorkerDriver):
        """A process that a handler forks dies of SIGTERM as it would elsewhere."""
        attempt = await worker.run("stops.waits_for_a_fork")

        assert -signal.SIGTERM == attempt.result

    @pytest.mark.parametrize("handler", ["ends.leaves_a_thread_for_ever", "coroutines.leaves_a_thread"])
    async def test_too_late(self, worker: WorkerDriver, handler: str):
        """A handler that has returned stays a success, though its process has to be stopped."""
        await worker.begin(handler)
        await worker.wait_output(b"lingering")
        await worker.stop("timeout")
        attempt = await worker.finish()

        assert "returned" == attempt.result

    async def test_an_attempt_that_has_ended(self, worker: WorkerDriver):
        """A request to stop what has ended changes nothing."""
        await worker.run("values.echo", 1)
        await worker.stop("cancel", grace_s=0.0)
        attempt = await worker.run("values.echo", 2)

        assert 2 == attempt.result

    async def test_at_once(self, worker: WorkerDriver):
        """A request that comes before the handler has begun is not lost."""
        await worker.begin("stops.sleeps")
        await worker.stop("cancel")
        attempt = await worker.finish()

        assert "cancel" == attempt.input


class TestSurroundings:
    async def test_the_environment_is_the_jobs(self, worker: WorkerDriver):
        """The job's variables and the run's names are there; other credentials are not."""
        keys = {"AWS_ACCESS_KEY_ID": "AKIA1", "AWS_SECRET_ACCESS_KEY": "s", "AWS_PROFILE": "me"}
        attempt = await worker.run("surroundings.environment", environment={"COLOUR": "blue", **keys})

        found = attempt.result
        assert "blue" == found["COLOUR"]
        assert [attempt.ended.run_id, "1", "Test", "shop", STAGE] == [
            found[f"LIVEJOB_{name}"] for name in ("RUN_ID", "ATTEMPT", "JOB", "APP", "STAGE")
        ]
        assert set() == keys.keys() & found.keys()
        assert "/dev/null" == found["AWS_SHARED_CREDENTIALS_FILE"]

    async def test_one_attempts_environment_is_not_the_nexts(self, worker: WorkerDriver):
        """Variables of an attempt end with it."""
        await worker.run("values.nothing", environment={"COLOUR": "blue"})
        attempt = await worker.run("surroundings.environment")

        assert "COLOUR" not in attempt.result

    async def test_the_place(self, worker: WorkerDriver):
        """The task root is the working directory and first on the module search path."""
        attempt = await worker.run("surroundings.place")

        assert {attempt.result["root"]} == set(attempt.result.values())

    async def test_descriptors(self, worker: WorkerDriver):
        """An attempt has its standard streams and its report; nothing of the supervisor's."""
        attempt = await worker.run("surroundings.descriptors")

        # The fifth is that of the listing itself.
        assert [0, 1, 2] == attempt.result[:3]
        assert 5 == len(attempt.result)

    async def test_a_session_of_its_own(self, worker: WorkerDriver):
        """An attempt leads its session and process group; its stdin is empty."""
        attempt = await worker.run("surroundings.session")
        stdin = await worker.run("surroundings.stdin")

        assert 1 == len(set(attempt.result.values()))
        assert "" == stdin.result

    async def test_chance(self, worker: WorkerDriver):
        """Random numbers differ from attempt to attempt, though all are forked from one process."""
        first = await worker.run("surroundings.chance")
        second = await worker.run("surroundings.chance")

        assert first.result != second.result


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
