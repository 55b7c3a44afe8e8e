"""Every error that a person can meet, with its code and the command that mends it.

A leaf: imports the standard library alone, as the runner does. Adapters translate boto3, docker and OS
errors into these, with `from`.

    LivejobError
    ├── ProjectError        LJ-1xx  the app: settings, job specs, names
    ├── PayloadError        LJ-2xx  what a caller sent or a handler returned
    ├── RunError            LJ-3xx  a run that cannot do what is asked, or that ended badly
    ├── EngineError         LJ-4xx  containers, images, workers
    ├── SessionError        LJ-5xx  attached daemons and the bridge
    ├── LocalAwsError       LJ-6xx  the emulator
    ├── DeployError         LJ-7xx  stacks
    ├── AwsError            LJ-8xx  what AWS refused
    └── Bug                 LJ-9xx  a fault of livejob itself
"""

from __future__ import annotations

from typing import ClassVar


class LivejobError(Exception):
    """Base of all: a sentence that says what happened and why, a stable code, and a remedy.

    `remedy` is a class-level template; keyword arguments given at the raise fill it and stay
    readable in `context`. A remedy that cannot be filled is a programming error and raises.
    """

    code: ClassVar[str] = "LJ-000"
    remedy_template: ClassVar[str] = ""

    def __init__(self, message: str, *, remedy: str | None = None, **context: object) -> None:
        super().__init__(message)
        self.message = message
        self.context = context
        self.remedy = remedy if remedy is not None else self.remedy_template.format(**context)


class ProjectError(LivejobError):
    """The app's settings or job definitions cannot be used."""

    code = "LJ-100"


class ProjectNotFound(ProjectError):
    """No livejob.toml in this directory or above it."""

    code = "LJ-101"
    remedy_template = 'Create livejob.toml with `app = "my-app"`, or change to the app\'s directory.'


class SettingsInvalid(ProjectError):
    """livejob.toml, a flag or an environment variable holds a value that is not allowed."""

    code = "LJ-102"
    remedy_template = "Correct it and run the command again; docs/settings.md lists every setting."


class JobSpecInvalid(ProjectError):
    """A job's definition cannot be read or is out of its limits."""

    code = "LJ-103"
    remedy_template = "Correct the @job(...) or the [jobs.*] table at the place named above."


class UnknownJob(ProjectError):
    """No job of that name in this app and stage."""

    code = "LJ-104"
    remedy_template = "Known jobs: {known}. A new one exists in a stage after `livejob start` or a deploy."


class NoJobs(ProjectError):
    """The app defines no job."""

    code = "LJ-105"
    remedy_template = "Decorate a function with @job(...) under `{source}`, or add a [jobs.Name] table."


class DependenciesUnusable(ProjectError):
    """The packages that the app asks for cannot be had."""

    code = "LJ-106"
    remedy_template = "Correct the requirements, or the access to the package index, and try again."


class PayloadError(LivejobError):
    """A payload or a result cannot travel."""

    code = "LJ-200"


class PayloadInvalid(PayloadError):
    """The payload is not (or cannot be made into) a JSON document, or not what the job's annotation says."""

    code = "LJ-201"
    remedy_template = "Send one JSON value (RFC 8259; no NaN, no Infinity, no bytes)."


class PayloadTooLarge(PayloadError):
    """The payload is larger than the way it has to travel allows."""

    code = "LJ-202"
    remedy_template = "Put the data into S3 and send its key; at most {limit_bytes} bytes travel this way."


class RequestInvalid(PayloadError):
    """What was sent to an invoker is no request, or one with a wrong field."""

    code = "LJ-203"
    remedy_template = 'Send an object with "action": "run", "upload", "cancel" or "status", and its fields.'


class ResultInvalid(PayloadError):
    """A run's result is not what the return annotation of its job says."""

    code = "LJ-204"
    remedy_template = (
        "Correct the handler or its annotation. `livejob show {run_id}` shows the result, and "
        "`Job.get({run_id!r}, job={job!r}).result()` gives it as plain JSON."
    )


class RunError(LivejobError):
    """A run cannot do what was asked, or did not end well."""

    code = "LJ-300"


class RunNotFound(RunError):
    """No run of that id in this app and stage."""

    code = "LJ-301"
    remedy_template = "`livejob runs` lists the runs of the stage; old ones are deleted after their TTL."


class StateConflict(RunError):
    """The run's present state does not allow this step: somebody else was faster, or it has ended."""

    code = "LJ-302"
    remedy_template = "`livejob show {run_id}` shows where the run stands."


class RunFailed(RunError):
    """The run ended, and not with a result. `state` and `failure` in the context tell how."""

    code = "LJ-303"
    remedy_template = "`livejob show {run_id}` and `livejob logs {run_id}` tell more."


class WaitTimedOut(RunError):
    """The run had not ended when the waiting time was over. The run itself goes on."""

    code = "LJ-304"
    remedy_template = "Wait longer, or `livejob cancel {run_id}`."


class InvokerRefused(RunError):
    """The job's invoker Lambda answered with an error: the run was not started."""

    code = "LJ-305"
    remedy_template = "The message above is the invoker's own; its log group has the rest."


class BuildNotStarted(RunError):
    """CodeBuild did not take the run. `failure` in the context tells why, by name."""

    code = "LJ-306"
    remedy_template = "`livejob show` tells the reason; run it again when that is mended."


class EngineError(LivejobError):
    """Containers, images or workers do not work."""

    code = "LJ-400"


class EngineUnavailable(EngineError):
    """The container engine does not answer."""

    code = "LJ-401"
    remedy_template = "Start Docker and try again, or use `--engine process` (no container)."


class ImageMissing(EngineError):
    """The worker's image is neither in the engine nor to be had from its registry."""

    code = "LJ-402"
    remedy_template = "`livejob image build` makes an equivalent from this machine's Python."


class WorkerFailed(EngineError):
    """A worker did not start, or ended without being asked."""

    code = "LJ-403"
    remedy_template = "The next run starts a new worker. If it happens again: `livejob start --debug`."


class PythonMissing(EngineError):
    """No Python of the wanted version on this machine to make an image from."""

    code = "LJ-404"
    remedy_template = (
        "Install CPython {minor} (your distribution's package, `pyenv install {minor}` or "
        "`uv python install {minor}`), or `docker pull public.ecr.aws/lambda/python:{minor}`."
    )


class ImageBuildFailed(EngineError):
    """The engine did not take the image, or a part of it cannot be read on this machine."""

    code = "LJ-405"
    remedy_template = "Mend the reason named above, or `docker pull public.ecr.aws/lambda/python:{minor}`."


class SourceUnreadable(EngineError):
    """The worker's user may not read a directory that the worker needs."""

    code = "LJ-406"
    remedy_template = "Open it with `chmod go+rx {path}`, or give it to a user: workers run as its owner."


class JobImageNotBuilt(EngineError):
    """The image of a container job cannot be made of its directory."""

    code = "LJ-407"
    remedy_template = "Mend it and start the run (or the deployment) again; `docker build` shows the same."


class RegistryRefused(EngineError):
    """A registry did not take an image, or does not answer."""

    code = "LJ-408"
    remedy_template = (
        "Check that the engine reaches {registry}, and that the credentials may push there "
        "(docs/permissions.md)."
    )


class SessionError(LivejobError):
    """The attached daemon or the bridge to it."""

    code = "LJ-500"


class SessionHeld(SessionError):
    """Another daemon of the same developer holds this stage."""

    code = "LJ-501"
    remedy_template = "Stop it there, or take over with `livejob start --takeover`."


class NoSession(SessionError):
    """No daemon is attached to the stage, and the job's policy is to fail then."""

    code = "LJ-502"
    remedy_template = 'Start one with `livejob start --stage {stage}`, or set when_disconnected="queue".'


class BridgeRefused(SessionError):
    """The broker refused the connection, a subscription or a message."""

    code = "LJ-503"
    remedy_template = "Check the IoT permissions in docs/permissions.md."


class DebugPortTaken(SessionError):
    """Another program listens on the port for debuggers."""

    code = "LJ-505"
    remedy_template = "Stop that program, or choose another port: `livejob start --debug {suggestion}`."


class DebuggerMissing(SessionError):
    """The debugger that was asked for cannot be had."""

    code = "LJ-506"
    remedy_template = "pip install 'livejob[debug]'"


class NoDebugSession(SessionError):
    """A run shall wait for a debugger, and no session on this machine debugs."""

    code = "LJ-507"
    remedy_template = "Start one with `livejob start --debug`, in another terminal."


class LocalAwsError(LivejobError):
    """The emulator of AWS on this machine."""

    code = "LJ-600"


class PortTaken(LocalAwsError):
    """Another program listens on the emulator's port."""

    code = "LJ-601"
    remedy_template = "Stop that program, or choose another port: LIVEJOB_LOCAL_AWS_PORT={suggestion}."


class EmulatorMissing(LocalAwsError):
    """The emulator is not installed in this environment."""

    code = "LJ-602"
    remedy_template = "pip install 'livejob[local]'"


class EmulatorDied(LocalAwsError):
    """The emulator's process ended without being asked, or never got ready."""

    code = "LJ-603"
    remedy_template = "Its log is {log}; start again with `livejob start --local`."


class LocalAwsNotRunning(LocalAwsError):
    """The local AWS of this app is asked for and does not run."""

    code = "LJ-604"
    remedy_template = "Start it: `livejob local-aws start`, or `livejob start --local`; or use --aws."


class LocalSetupFailed(LocalAwsError):
    """The app's `local_setup` script did not do its work."""

    code = "LJ-605"
    remedy_template = "Mend {script} and start again."


class DeployError(LivejobError):
    """A stack could not be changed."""

    code = "LJ-700"


class StackFailed(DeployError):
    """CloudFormation refused or rolled back the change."""

    code = "LJ-701"
    remedy_template = "Mend the reason named above and deploy again; stack: {stack}."


class StackBusy(DeployError):
    """Other deployments of the same stack are under way, and this one did not get its turn."""

    code = "LJ-702"
    remedy_template = "Wait until it has ended and run the command again; stack: {stack}."


class NameTooLong(DeployError):
    """A resource's name, made from app, stage and job, is longer than AWS allows."""

    code = "LJ-703"
    remedy_template = "Shorten the name of the app, the stage or the job."


class NameConflict(DeployError):
    """Another app and stage have the same resource names (`a-b` in `c`, `a` in `b-c`)."""

    code = "LJ-704"
    remedy_template = "Choose another name for the stage: `--stage`, or `stage` in livejob.toml."


class TooManyJobs(DeployError):
    """The stage's template would have more resources than CloudFormation takes."""

    code = "LJ-705"
    remedy_template = "Split the app in two; at most {limit} jobs fit into one stage."


class NotConfirmed(DeployError):
    """A change that has to be confirmed was not, and nobody can be asked."""

    code = "LJ-706"
    remedy_template = "Look at it with `livejob diff`, then confirm it with `--yes`."


class AwsError(LivejobError):
    """AWS refused a call."""

    code = "LJ-800"
    remedy_template = "Check region, account and permissions (docs/permissions.md)."


class CredentialsMissing(AwsError):
    """No usable AWS credentials, or they have expired."""

    code = "LJ-801"
    remedy_template = "Log in (`aws sso login`, AWS_PROFILE, ...) and run the command again."


class AccessRefused(AwsError):
    """These credentials may not do that."""

    code = "LJ-802"
    remedy_template = "Ask for the permission named above; docs/permissions.md has the whole policy."


class NotDeployed(AwsError):
    """A table, bucket or function of the stage does not exist in this account and region."""

    code = "LJ-803"
    remedy_template = "Deploy the stage first (`livejob start` does it), or check AWS_PROFILE and AWS_REGION."


class AwsUnreachable(AwsError):
    """AWS, or the endpoint that stands for it, did not answer."""

    code = "LJ-804"
    remedy_template = "Check the network, a proxy, and AWS_ENDPOINT_URL if it is set."


class CredentialsExpired(CredentialsMissing):
    """The AWS credentials were good, and have expired."""

    code = "LJ-805"
    remedy_template = "Log in again (`aws sso login`, or new keys) and run the command again."


class WrongAccount(AwsError):
    """The AWS credentials are for another account than the one in which the stage is."""

    code = "LJ-806"
    remedy_template = (
        "Use credentials of account {account} (--profile, AWS_PROFILE), or choose another --stage."
    )


class Bug(LivejobError):
    """livejob broke one of its own rules."""

    code = "LJ-900"
    remedy_template = "Please report it with the output of the same command under --debug."
