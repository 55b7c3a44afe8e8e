"""CodeBuild's builds really run: plain boto3 against the local AWS, commands in a container."""

from __future__ import annotations

import json
import os
import uuid

import pytest

from tests.support.codebuild import (
    LOGS,
    buildspec,
    context_of,
    create_project,
    create_role,
    statuses,
    zip_of,
)
from tests.support.engine_fixtures import DockerUnderTest
from tests.support.local_aws_fixtures import LocalAwsUnderTest

GIB = 1024**3


@pytest.fixture
def image(docker: DockerUnderTest) -> str:
    return docker.image


def test_commands_run_and_the_record_tells_all(local_aws: LocalAwsUnderTest, image: str) -> None:
    """A build passes through CodeBuild's phases in order and its output is in CloudWatch Logs."""
    project = create_project(local_aws, image, buildspec("echo hello"))

    build = project.run()

    assert "SUCCEEDED" == build["buildStatus"]
    assert [
        "SUBMITTED",
        "QUEUED",
        "PROVISIONING",
        "DOWNLOAD_SOURCE",
        "INSTALL",
        "PRE_BUILD",
        "BUILD",
        "POST_BUILD",
        "UPLOAD_ARTIFACTS",
        "FINALIZING",
        "COMPLETED",
    ] == [phase["phaseType"] for phase in build["phases"]]
    assert {"SUCCEEDED"} == set(statuses(build).values())
    assert ["hello"] == project.output(build)
    assert f"/aws/codebuild/{project.name}" == build["logs"]["groupName"]
    assert build["id"] == f"{project.name}:{build['logs']['streamName']}"
    assert build["logs"]["streamName"] in build["logs"]["deepLink"]
    assert [build["id"]] == project.client().list_builds_for_project(projectName=project.name)["ids"]


def test_log_reads_as_codebuilds(local_aws: LocalAwsUnderTest, image: str) -> None:
    """The build's own lines are those that people know from CodeBuild's console."""
    project = create_project(local_aws, image, buildspec("exit 3"))

    log = project.log(project.run())

    said = [line.split(" ", 3)[3] for line in log if line.startswith("[Container] ")]
    assert "Running command exit 3" in said
    assert "Command did not exit successfully exit 3 exit status 3" in said
    assert "Phase complete: BUILD State: FAILED" in said
    assert (
        "Phase context status code: COMMAND_EXECUTION_ERROR Message: "
        "Error while executing command: exit 3. Reason: exit status 3"
    ) in said


def test_state_is_kept_between_commands_and_phases(local_aws: LocalAwsUnderTest, image: str) -> None:
    """A variable, exported or not, and the directory hold for the commands and phases that follow."""
    phases = {
        "install": {"commands": ["cd /tmp", "export A='it is'", 'B="$A 2\nlines"']},
        "build": {"commands": ['echo "$PWD|$A|$B"']},
    }
    project = create_project(local_aws, image, buildspec(phases=phases))

    build = project.run()

    assert ["/tmp|it is|it is 2", "lines"] == project.output(build)[-2:]


def test_exit_0_ends_its_command_alone(local_aws: LocalAwsUnderTest, image: str) -> None:
    """`exit 0` does not keep the next command from running, nor does `set -e` reach it."""
    project = create_project(local_aws, image, buildspec("set -e; echo one; exit 0", "false || echo two"))

    build = project.run()

    assert ("SUCCEEDED", ["one", "two"]) == (build["buildStatus"], project.output(build))


def test_failed_build_phase_goes_on_to_post_build(local_aws: LocalAwsUnderTest, image: str) -> None:
    """After a failed command the rest of its phase is left out; POST_BUILD runs and knows of it."""
    phases = {
        "build": {"commands": ["exit 7", "echo never"], "finally": ["echo cleaning up"]},
        "post_build": {"commands": ["echo succeeding=$CODEBUILD_BUILD_SUCCEEDING"]},
    }
    project = create_project(local_aws, image, buildspec(phases=phases))

    build = project.run()

    assert "FAILED" == build["buildStatus"]
    assert ["cleaning up", "succeeding=0"] == project.output(build)
    assert ("FAILED", "SUCCEEDED") == (statuses(build)["BUILD"], statuses(build)["POST_BUILD"])
    assert (
        "COMMAND_EXECUTION_ERROR",
        "Error while executing command: exit 7. Reason: exit status 7",
    ) == context_of(build, "BUILD")


@pytest.mark.parametrize(
    ("phase", "on_failure", "ran", "status"),
    [
        ("pre_build", None, [], "FAILED"),
        ("pre_build", "CONTINUE", ["BUILD", "POST_BUILD"], "SUCCEEDED"),
        ("build", "ABORT", [], "FAILED"),
        ("post_build", None, [], "FAILED"),
    ],
)
def test_failed_phase_takes_codebuilds_way_out(
    local_aws: LocalAwsUnderTest, image: str, phase: str, on_failure: str | None, ran: list[str], status: str
) -> None:
    """What follows on a failed phase is CodeBuild's usual transition, or what on-failure says."""
    failing = {"commands": ["false"], **({"on-failure": on_failure} if on_failure else {})}
    project = create_project(local_aws, image, buildspec(phases={phase: failing}))

    build = project.run()

    names = [each["phaseType"] for each in build["phases"]]
    after = names[names.index(phase.upper()) + 1 :]
    assert ran == [name for name in after if name in ("PRE_BUILD", "BUILD", "POST_BUILD")]
    assert ["FINALIZING", "COMPLETED"] == after[-2:]
    assert status == build["buildStatus"]


def test_call_goes_before_project_before_buildspec(local_aws: LocalAwsUnderTest, image: str) -> None:
    """An environment variable takes its value from the most particular place that names it."""
    spec = buildspec('echo "$A $B $C"', env={"variables": {"A": "spec", "B": "spec", "C": "spec"}})
    variables = [{"name": "B", "value": "project"}, {"name": "C", "value": "project"}]
    project = create_project(local_aws, image, spec, environment={"environmentVariables": variables})

    build = project.run(environmentVariablesOverride=[{"name": "C", "value": "call: $HOME 'ö' \"\\\n!"}])

    assert ["spec project call: $HOME 'ö' \"\\", "!"] == project.output(build)
    assert [("B", "project"), ("C", "call: $HOME 'ö' \"\\\n!")] == [
        (each["name"], each["value"]) for each in build["environment"]["environmentVariables"]
    ]


def test_overrides_hold_for_one_build(local_aws: LocalAwsUnderTest, image: str) -> None:
    """StartBuild's overrides take the place of the project's settings, and the record shows them."""
    project = create_project(local_aws, "no/such-image:1", buildspec("exit 1"))
    role = create_role(local_aws, LOGS)

    build = project.run(
        imageOverride=image,
        buildspecOverride=buildspec("echo overridden"),
        computeTypeOverride="BUILD_GENERAL1_MEDIUM",
        timeoutInMinutesOverride=2160,
        queuedTimeoutInMinutesOverride=5,
        serviceRoleOverride=role,
        logsConfigOverride={
            "cloudWatchLogs": {"status": "ENABLED", "groupName": f"builds/{project.name}", "streamName": "a"}
        },
    )

    assert ("SUCCEEDED", ["overridden"]) == (build["buildStatus"], project.output(build))
    assert (image, "BUILD_GENERAL1_MEDIUM") == (
        build["environment"]["image"],
        build["environment"]["computeType"],
    )
    assert (2160, 5, role) == (
        build["timeoutInMinutes"],
        build["queuedTimeoutInMinutes"],
        build["serviceRole"],
    )
    assert (f"builds/{project.name}", f"a/{build['id'].rpartition(':')[2]}") == (
        build["logs"]["groupName"],
        build["logs"]["streamName"],
    )


def test_logs_that_are_turned_off_are_not_written(local_aws: LocalAwsUnderTest, image: str) -> None:
    """A project may do without logs; its role then needs no permission for them."""
    project = create_project(
        local_aws,
        image,
        buildspec("echo unheard"),
        serviceRole=create_role(local_aws, {"Effect": "Deny", "Action": "*", "Resource": "*"}),
        logsConfig={"cloudWatchLogs": {"status": "DISABLED"}},
    )

    build = project.run()

    assert "SUCCEEDED" == build["buildStatus"]
    assert "groupName" not in build["logs"]


def test_build_finds_codebuilds_variables(local_aws: LocalAwsUnderTest, image: str) -> None:
    """Commands run as root in the source's directory and see what CodeBuild tells them."""
    show = 'import json, os; print(json.dumps({**os.environ, "uid": os.getuid(), "cwd": os.getcwd()}))'
    project = create_project(local_aws, image, buildspec(f"python3 -c '{show}'"))

    build = project.run()

    seen = json.loads(project.output(build)[0])
    expected = {
        "AWS_DEFAULT_REGION": local_aws.region,
        "AWS_ENDPOINT_URL": local_aws.endpoint_url,
        "AWS_REGION": local_aws.region,
        "CODEBUILD_BUILD_ARN": build["arn"],
        "CODEBUILD_BUILD_ID": build["id"],
        "CODEBUILD_BUILD_IMAGE": image,
        "CODEBUILD_BUILD_NUMBER": "1",
        "CODEBUILD_BUILD_SUCCEEDING": "1",
        "CODEBUILD_INITIATOR": "root",
        "CODEBUILD_START_TIME": str(round(build["startTime"].timestamp() * 1000)),
        "HOME": "/root",
        "uid": 0,
        "cwd": seen["CODEBUILD_SRC_DIR"],
    }
    assert expected == {name: seen[name] for name in expected}
    assert seen["CODEBUILD_SRC_DIR"].startswith("/codebuild/output/src")
    assert "AWS_ACCESS_KEY_ID" not in seen
    assert "PYTEST_CURRENT_TEST" in os.environ and "PYTEST_CURRENT_TEST" not in seen


def test_container_has_its_roles_permissions_and_no_others(local_aws: LocalAwsUnderTest, image: str) -> None:
    """Code in the build finds credentials by itself: what the role may do works, all else is refused."""
    bucket = f"allowed-{uuid.uuid4().hex[:12]}"
    s3 = local_aws.root.client("s3", endpoint_url=local_aws.endpoint_url)
    s3.create_bucket(Bucket=bucket)
    code = (
        "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'], flush=True); "
        f"boto3.client('s3').put_object(Bucket='{bucket}', Key='k', Body=b'from the build'); "
        f"boto3.client('s3').delete_object(Bucket='{bucket}', Key='k')"
    )
    allowed = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    project = create_project(local_aws, image, buildspec(f'python3 -c "{code}"'), allowed)

    build = project.run()

    output = project.output(build)
    role_name = project.role.rpartition("/")[2]
    session = f"AWSCodeBuild-{build['id'].rpartition(':')[2]}"
    assert f"arn:aws:sts::{local_aws.account}:assumed-role/{role_name}/{session}" == output[0]
    assert b"from the build" == s3.get_object(Bucket=bucket, Key="k")["Body"].read()
    assert "AccessDenied" in output[-1] and "s3:DeleteObject" in output[-1]
    assert "FAILED" == build["buildStatus"]


def test_source_in_s3_is_unpacked_with_its_modes(local_aws: LocalAwsUnderTest, image: str) -> None:
    """A zip becomes the working directory, its buildspec.yml is used, an executable stays one."""
    bucket, key = f"source-{uuid.uuid4().hex[:12]}", "app/source.zip"
    s3 = local_aws.root.client("s3", endpoint_url=local_aws.endpoint_url)
    s3.create_bucket(Bucket=bucket)
    files = {
        "buildspec.yml": "version: 0.2\nphases:\n  build:\n    commands:\n      - ./run.sh\n",
        "run.sh": "#!/bin/sh\ncat data/größe.txt\n",
        "data/größe.txt": "from the zip\n",
    }
    s3.put_object(Bucket=bucket, Key=key, Body=zip_of(files, executable=["run.sh"]))
    read = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    source = {"type": "S3", "location": f"{bucket}/{key}"}
    project = create_project(local_aws, image, "", read, source=source)

    build = project.run()

    assert ("SUCCEEDED", ["from the zip"]) == (build["buildStatus"], project.output(build))


def test_source_override_and_path_of_the_buildspec(local_aws: LocalAwsUnderTest, image: str) -> None:
    """A build may take another source than its project, and name the buildspec's path in it."""
    bucket = f"source-{uuid.uuid4().hex[:12]}"
    s3 = local_aws.root.client("s3", endpoint_url=local_aws.endpoint_url)
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="s.zip", Body=zip_of({"ci/spec.yml": buildspec("echo from ci")}))
    read = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    project = create_project(local_aws, image, buildspec("exit 1"), read)

    build = project.run(
        sourceTypeOverride="S3", sourceLocationOverride=f"{bucket}/s.zip", buildspecOverride="ci/spec.yml"
    )

    assert ("SUCCEEDED", ["from ci"]) == (build["buildStatus"], project.output(build))
    assert ("S3", f"{bucket}/s.zip") == (build["source"]["type"], build["source"]["location"])


def test_parameters_and_secrets_are_looked_up_and_not_shown(local_aws: LocalAwsUnderTest, image: str) -> None:
    """Variables of the looked-up types hold the values, which neither the record nor the log shows."""
    name = f"/builds/{uuid.uuid4().hex}"
    ssm = local_aws.root.client("ssm", endpoint_url=local_aws.endpoint_url)
    ssm.put_parameter(Name=name, Value="parameter-value", Type="SecureString")
    secrets = local_aws.root.client("secretsmanager", endpoint_url=local_aws.endpoint_url)
    arn = secrets.create_secret(Name=name, SecretString=json.dumps({"password": "secret-value"}))["ARN"]
    spec = buildspec(
        'echo "${#P} ${#S} ${#T}"', 'echo "$P"', env={"parameter-store": {"T": name}, "shell": "sh"}
    )
    read = [
        {"Effect": "Allow", "Action": "ssm:GetParameters", "Resource": f"arn:aws:ssm:*:*:parameter{name}"},
        {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": arn},
    ]
    project = create_project(local_aws, image, spec, *read)

    build = project.run(
        environmentVariablesOverride=[
            {"name": "P", "value": name, "type": "PARAMETER_STORE"},
            {"name": "S", "value": f"{arn}:password", "type": "SECRETS_MANAGER"},
        ]
    )

    assert ["15 12 15", "***"] == project.output(build)
    assert "parameter-value" not in json.dumps(build, default=str)


@pytest.mark.parametrize(
    ("kind", "phase", "code", "words"),
    [
        ("parameter", "DOWNLOAD_SOURCE", "Decrypted Variables Error", "parameter does not exist: /no/such"),
        ("secret", "DOWNLOAD_SOURCE", "Secrets Manager Error", "not authorized to perform"),
        ("source", "DOWNLOAD_SOURCE", "CLIENT_ERROR", "for primary source and source version arn:aws:s3:::"),
        ("buildspec", "DOWNLOAD_SOURCE", "YAML_FILE_ERROR", "found subkeys instead"),
        ("logs", "PROVISIONING", "ACCESS_DENIED", "does not allow AWS CodeBuild to create Amazon CloudWatch"),
        (
            "image",
            "PROVISIONING",
            "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE",
            "Unable to pull customer's container image. CannotPullContainerError",
        ),
    ],
)
def test_what_cannot_be_had_is_told_by_the_phase(
    local_aws: LocalAwsUnderTest, image: str, kind: str, phase: str, code: str, words: str
) -> None:
    """The phase that needs something that is missing or forbidden fails with CodeBuild's own reason."""
    may_get = {"Effect": "Allow", "Action": "ssm:GetParameters", "Resource": "*"}
    project = create_project(local_aws, image, buildspec("echo never"), may_get)
    overrides: dict[str, dict[str, object]] = {
        "parameter": {"buildspecOverride": buildspec("echo", env={"parameter-store": {"A": "/no/such"}})},
        "secret": {"buildspecOverride": buildspec("echo", env={"secrets-manager": {"A": "some"}})},
        "source": {"sourceTypeOverride": "S3", "sourceLocationOverride": "no-such-bucket/a.zip"},
        "buildspec": {"buildspecOverride": "version: 0.2\nphases: {build: {commands: [echo: never]}}"},
        "logs": {"serviceRoleOverride": create_role(local_aws, may_get)},
        "image": {"imageOverride": "registry.invalid/no/such:1"},
    }

    build = project.run(**overrides[kind])

    assert "FAILED" == build["buildStatus"]
    found_code, message = context_of(build, phase)
    assert code == found_code
    assert words in message
    assert "never" not in project.output(build)


def test_lambda_image_that_cannot_be_pulled_has_a_stand_in(local_aws: LocalAwsUnderTest, image: str) -> None:
    """Where there is no registry, the image made on this machine runs, and log and record say so."""
    wanted = image.replace("livejob/python", "public.ecr.aws/lambda/python")
    project = create_project(local_aws, wanted, buildspec("echo $CODEBUILD_BUILD_IMAGE"))

    build = project.run()

    assert ("SUCCEEDED", [image]) == (build["buildStatus"], project.output(build))
    assert f"{image} stands in for {wanted}" == context_of(build, "PROVISIONING")[1]
    assert any(f"running in {image}" in line for line in project.log(build))


@pytest.mark.parametrize(
    ("compute_type", "memory_bytes"), [("BUILD_GENERAL1_SMALL", 3 * GIB), ("BUILD_GENERAL1_LARGE", 15 * GIB)]
)
def test_memory_is_that_of_the_compute_type(
    local_aws: LocalAwsUnderTest, image: str, compute_type: str, memory_bytes: int
) -> None:
    """The container's memory is limited as on CodeBuild's machines."""
    read = "cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes"
    project = create_project(local_aws, image, buildspec(read))

    build = project.run(computeTypeOverride=compute_type)

    assert [str(memory_bytes)] == project.output(build)


def test_output_of_any_kind_becomes_lines(local_aws: LocalAwsUnderTest, image: str) -> None:
    """Bytes that are no UTF-8, a line of 600 kB, stderr, and a last line without its end are all kept."""
    code = (
        "import os; os.write(1, b'\\\\xff ok\\\\r\\\\n'); os.write(2, b'on stderr\\\\n'); "
        "os.write(1, b'x' * 600_000); os.write(1, b'\\\\nno end')"
    )
    project = create_project(local_aws, image, buildspec(f'python3 -c "{code}"', "echo next"))

    output = project.output(project.run())

    long_lines = output[2:-2]
    assert ["\ufffd ok", "on stderr"] == output[:2]
    assert 600_000 == sum(map(len, long_lines)) and {"x"} == set("".join(long_lines))
    assert ["no end", "next"] == output[-2:]


def test_many_builds_run_at_the_same_time(local_aws: LocalAwsUnderTest, image: str) -> None:
    """Builds do not wait for each other: each of four waits for a file that the others have written."""
    bucket = f"meeting-{uuid.uuid4().hex[:12]}"
    s3 = local_aws.root.client("s3", endpoint_url=local_aws.endpoint_url)
    s3.create_bucket(Bucket=bucket)
    code = (
        "import boto3, os, time\ns3 = boto3.client('s3')\n"
        f"s3.put_object(Bucket='{bucket}', Key=os.environ['CODEBUILD_BUILD_NUMBER'])\n"
        f"while s3.list_objects_v2(Bucket='{bucket}')['KeyCount'] < 4: time.sleep(0.05)\n"
    )
    may = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    project = create_project(local_aws, image, buildspec(f'python3 -c "{code}"'), may)

    builds = [project.wait_ended(each) for each in [project.start() for _ in range(4)]]

    assert ["SUCCEEDED"] * 4 == [build["buildStatus"] for build in builds]
    assert [1, 2, 3, 4] == sorted(build["buildNumber"] for build in builds)
