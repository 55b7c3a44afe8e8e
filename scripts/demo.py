"""The main job of livejob in one terminal page, unattended: `make demo`.

Runs the quickstart's `livejob start --local` as a person would, and calls its jobs as deployed code
would: through the Lambda API, as an IAM user that may invoke these invokers and nothing else. Exits 0
only when everything came out as it says.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import boto3

from livejob.errors import RunFailed
from livejob.sdk import Client, Run
from livejob.wire.names import StageNames

ROOT = Path(__file__).resolve().parent.parent
LIVEJOB = str(Path(sys.executable).with_name("livejob"))
APP, STAGE = "quickstart", "demo"
DEADLINE_S = 60


class Session:
    """`livejob start --local --json` in a copy of the quickstart; prints what matters of its events."""

    def __init__(self, directory: Path) -> None:
        self._process = subprocess.Popen(
            [LIVEJOB, "start", "--local", "--json", "--stage", STAGE],
            cwd=directory,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._events: list[dict[str, Any]] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_event(self, name: str, **fields: object) -> dict[str, Any]:
        """The first event of that name with these fields, now or as soon as it comes."""

        def found() -> dict[str, Any] | None:
            for event in self._events:
                if event["event"] == name and all(event.get(key) == fields[key] for key in fields):
                    return event
            return None

        with self._news:
            if not self._news.wait_for(lambda: found() or self._process.poll() is not None, DEADLINE_S):
                raise SystemExit(f"demo: no event {name} {fields} within {DEADLINE_S} s")
            event = found()
        if event is None:
            raise SystemExit(f"demo: livejob start ended with {self._process.returncode}")
        return event

    def stop(self) -> int:
        """Ctrl-C, and wait."""
        self._process.send_signal(2)
        code = self._process.wait(DEADLINE_S)
        self._reader.join(DEADLINE_S)
        return code

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            event = json.loads(line)
            if event["event"] == "RunOutput":
                say(f"    {event['job']} │ {event['line']['text']}")
            with self._news:
                self._events.append(event)
                self._news.notify_all()


def say(text: str) -> None:
    print(text, flush=True)


def step(text: str) -> None:
    say(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}")


def check(is_so: bool, what: str) -> None:
    if not is_so:
        raise SystemExit(f"demo: {what}")


def caller_session(admin: dict[str, str], account: str) -> boto3.Session:
    """An IAM user that may invoke the stage's invokers and look up their names, nothing else."""
    iam = boto3.Session(admin["AWS_ACCESS_KEY_ID"], admin["AWS_SECRET_ACCESS_KEY"]).client(
        "iam", region_name=admin["AWS_REGION"]
    )
    region = admin["AWS_REGION"]
    allowed = {
        "lambda:InvokeFunction": f"arn:aws:lambda:{region}:{account}:function:livejob-{APP}-{STAGE}-*",
        "ssm:GetParameter": f"arn:aws:ssm:{region}:{account}:parameter/livejob/{APP}/{STAGE}/jobs/*",
    }
    statements = [{"Effect": "Allow", "Action": act, "Resource": arn} for act, arn in allowed.items()]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.create_user(UserName="web-shop")
    iam.put_user_policy(UserName="web-shop", PolicyName="start-jobs", PolicyDocument=policy)
    key = iam.create_access_key(UserName="web-shop")["AccessKey"]
    return boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=region)


def environment_of_admin(directory: Path) -> dict[str, str]:
    """What `livejob local-aws env` prints for a person who wants to look into the local AWS."""
    printed = subprocess.run(
        [LIVEJOB, "local-aws", "env", "--json"], cwd=directory, check=True, capture_output=True, text=True
    ).stdout
    return dict(json.loads(printed))


def failure_of(run: Run[Any]) -> str:
    """The recorded state of a run that ends without a result, and why."""
    try:
        run.result(timeout_s=DEADLINE_S)
    except RunFailed as error:
        _, _, why = error.message.splitlines()[0].partition(" is ")
        return f"run.result() raises RunFailed: {why}"
    raise SystemExit(f"demo: {run.id} succeeded")


def report_twice(caller: boto3.Session, client: Client, session: Session, directory: Path) -> None:
    step("2. A caller invokes the deployed invoker through the Lambda API")
    name = StageNames(APP, STAGE).invoker("MonthlyReport")
    request = {"action": "run", "payload": {"month": "2026-11"}}
    say(f"    user web-shop → lambda:Invoke {name} {json.dumps(request)}")
    invoked = caller.client("lambda").invoke(FunctionName=name, Payload=json.dumps(request))
    answer = json.loads(invoked["Payload"].read())
    say(f"    ← {json.dumps(answer)}")
    run = client.get(answer["runId"], job="MonthlyReport")
    run.wait(timeout_s=DEADLINE_S)
    result = run.result()
    say(f"    run.status() {run.status()}   run.result() {json.dumps(result)}")
    check(":assumed-role/" in result["as"] and "MonthlyReport-job" in result["as"], "not the job's role")

    step("3. The handler is edited and saved; the next run has the new code")
    source = directory / "src" / "reports.py"
    source.write_text(source.read_text().replace('return "hello"', 'return "good evening"'))
    session.wait_event("SourceSaved")
    again = client.run("MonthlyReport", {"month": "2026-12"}).result(timeout_s=DEADLINE_S)
    say(f"    {json.dumps(again)}")
    check((result["greeting"], again["greeting"]) == ("hello", "good evening"), "not the new code")


def three_bad_ends(client: Client, session: Session) -> None:
    step("4. One that raises, one that is cancelled, one that takes longer than its timeout")
    failed = client.run("Divide", {"a": 1, "b": 0})
    say(f"    {failure_of(failed)}")
    cancelled = client.run("CountSheep", {"sheep": 100})
    session.wait_event("RunOutput", run_id=cancelled.id)
    cancelled.cancel()
    say(f"    {failure_of(cancelled)}")
    late = client.run("CountSheep", {"sheep": 100})
    say(f"    {failure_of(late)}")
    states = [failed.status(), cancelled.status(), late.status()]
    check(states == ["FAILED", "CANCELLED", "TIMED_OUT"], f"recorded were {states}")


def main() -> None:
    directory = Path(tempfile.mkdtemp(prefix="livejob-demo-")) / APP
    shutil.copytree(ROOT / "examples" / APP, directory, ignore=shutil.ignore_patterns(".livejob"))
    step("1. livejob start --local")
    session = Session(directory)
    try:
        ready = session.wait_event("Ready")
        where = f"{ready['app']}/{ready['stage']} in {ready['aws']}, workers in {ready['engine']}"
        say(f"    ready in {ready['took_s']:.1f} s: {where}")
        for note in ready["notes"]:
            say(f"    ! {note}")
        admin = environment_of_admin(directory)
        os.environ["AWS_ENDPOINT_URL"] = admin["AWS_ENDPOINT_URL"]
        caller = caller_session(admin, "123456789012")
        client = Client(APP, STAGE, session=caller)
        report_twice(caller, client, session, directory)
        three_bad_ends(client, session)
        step("5. livejob runs")
        subprocess.run([LIVEJOB, "runs", "--stage", STAGE], cwd=directory, check=True)
    finally:
        code = session.stop()
        shutil.rmtree(directory.parent)
    check(code == 0, f"livejob start ended with {code}")
    step("Done. Try it yourself: docs/quickstart.md")


if __name__ == "__main__":
    os.environ.pop("AWS_PROFILE", None)
    main()
