"""The registry's API and ECR's answers about it: boto3 and plain HTTP, no engine."""

from __future__ import annotations

import json
import urllib.request

import pytest
from botocore.exceptions import ClientError

from tests.support.local_aws_fixtures import LocalAwsUnderTest
from tests.support.registry import (
    PULL,
    PUSH,
    TOKEN,
    RegistryCaller,
    RepositoryUnderTest,
    allowed,
    create_repository,
    digest_of,
)
from tests.support.roles import session_with

MIB = 1024 * 1024


@pytest.fixture
def repository(local_aws: LocalAwsUnderTest) -> RepositoryUnderTest:
    return create_repository(local_aws)


@pytest.fixture
def caller(repository: RepositoryUnderTest) -> RegistryCaller:
    """The account's root at the registry."""
    return repository.caller()


def refused(raised: pytest.ExceptionInfo[ClientError]) -> str:
    return str(raised.value.response["Error"]["Code"])


def test_repository_is_where_an_engine_reaches_it(repository: RepositoryUnderTest) -> None:
    """Its URI and the token's endpoint are the emulator's own address."""
    host = f"127.0.0.1:{repository.aws.port}"

    data = repository.ecr().get_authorization_token()["authorizationData"][0]

    assert (f"{host}/{repository.name}", f"http://{host}") == (repository.uri, data["proxyEndpoint"])


def test_blob_comes_back_as_it_went(caller: RegistryCaller) -> None:
    """Pieces of an upload are put together; size and content are told by HEAD and GET."""
    data = bytes(range(256)) * (3 * MIB // 256)
    where = caller.begin()

    first = caller.ask("PATCH", where, data[:MIB], {"Content-Range": f"0-{MIB - 1}"})
    progress = caller.ask("GET", where)
    caller.ask("PATCH", where, data[MIB:-1], {"Content-Range": f"{MIB}-{len(data) - 2}"})
    done = caller.ask("PUT", f"{where}?digest={digest_of(data)}", data[-1:])

    head = caller.ask("HEAD", f"blobs/{digest_of(data)}")
    assert (202, f"0-{MIB - 1}") == (first.status, first.headers["range"])
    assert (204, f"0-{MIB - 1}") == (progress.status, progress.headers["range"])
    assert (201, digest_of(data)) == (done.status, done.headers["docker-content-digest"])
    assert (200, str(len(data)), b"") == (head.status, head.headers["content-length"], head.body)
    assert data == caller.ask("GET", f"blobs/{digest_of(data)}").body


def test_content_with_another_digest_is_refused(caller: RegistryCaller) -> None:
    """What is not what was said is not kept."""
    digest = digest_of(b"this")

    answer = caller.ask("PUT", f"{caller.begin()}?digest={digest}", b"that")

    assert (400, "DIGEST_INVALID") == (answer.status, answer.code)
    assert 404 == caller.ask("HEAD", f"blobs/{digest}").status


@pytest.mark.parametrize("digest", ["", "sha256:1", "sha256:" + "../" * 20, "md5:" + "0" * 32])
def test_what_is_no_digest_is_refused(caller: RegistryCaller, digest: str) -> None:
    """A name that would lead elsewhere on the disk leads nowhere."""
    answer = caller.ask("PUT", f"{caller.begin()}?digest={digest}", b"")

    assert (400, "DIGEST_INVALID") == (answer.status, answer.code)


def test_piece_that_does_not_follow_is_refused(caller: RegistryCaller) -> None:
    """A piece from elsewhere would spoil the blob."""
    where = caller.begin()
    caller.ask("PATCH", where, b"1234", {"Content-Range": "0-3"})

    answer = caller.ask("PATCH", where, b"78", {"Content-Range": "6-7"})

    assert 416 == answer.status


def test_upload_that_is_given_up_is_gone(caller: RegistryCaller) -> None:
    """After a DELETE, and for another repository, there is no such upload."""
    where = caller.begin()

    deleted = caller.ask("DELETE", where)

    assert 204 == deleted.status
    assert (404, "BLOB_UPLOAD_UNKNOWN") == ((answer := caller.ask("PATCH", where, b"x")).status, answer.code)


def test_image_is_known_to_both_apis(repository: RepositoryUnderTest, caller: RegistryCaller) -> None:
    """ECR tells digest, tags and size of what was pushed, and gives its manifest byte for byte."""
    digest = caller.push_image("v1", layer=b"x" * 1000)
    caller.push_image("v2", layer=b"x" * 1000)
    ecr = repository.ecr()

    [detail] = ecr.describe_images(repositoryName=repository.name)["imageDetails"]
    [image] = ecr.batch_get_image(repositoryName=repository.name, imageIds=[{"imageTag": "v1"}])["images"]
    pulled = caller.ask("GET", "manifests/v2")

    assert (digest, ["v1", "v2"], 1002) == (
        detail["imageDigest"],
        detail["imageTags"],
        detail["imageSizeInBytes"],
    )
    assert (200, image["imageManifest"].encode()) == (pulled.status, pulled.body)
    assert (digest, image["imageManifestMediaType"]) == (
        pulled.headers["docker-content-digest"],
        pulled.headers["content-type"],
    )
    assert ["v1", "v2"] == json.loads(caller.ask("GET", "tags/list").body)["tags"]


def test_tag_moves_to_the_newest_image(repository: RepositoryUnderTest, caller: RegistryCaller) -> None:
    """The older image stays, without the tag."""
    older = caller.push_image("v1", layer=b"older")
    newer = caller.push_image("v1", layer=b"newer")

    ids = repository.ecr().list_images(repositoryName=repository.name)["imageIds"]

    assert [{"imageDigest": older}, {"imageDigest": newer, "imageTag": "v1"}] == ids
    assert newer == caller.ask("HEAD", "manifests/v1").headers["docker-content-digest"]
    assert 200 == caller.ask("HEAD", f"manifests/{older}").status


def test_tag_put_by_the_api_is_pulled(repository: RepositoryUnderTest, caller: RegistryCaller) -> None:
    """PutImage names an image that is there once more."""
    digest = caller.push_image("v1")
    ecr = repository.ecr()
    [image] = ecr.batch_get_image(repositoryName=repository.name, imageIds=[{"imageTag": "v1"}])["images"]

    ecr.put_image(repositoryName=repository.name, imageManifest=image["imageManifest"], imageTag="live")

    assert digest == caller.ask("HEAD", "manifests/live").headers["docker-content-digest"]


def test_immutable_tag_stays(local_aws: LocalAwsUnderTest) -> None:
    """A repository whose tags are immutable takes no other image under one."""
    caller = create_repository(local_aws, imageTagMutability="IMMUTABLE").caller()
    first = caller.push_image("v1", layer=b"first")

    with pytest.raises(AssertionError, match="TAG_INVALID"):
        caller.push_image("v1", layer=b"second")

    assert first == caller.ask("HEAD", "manifests/v1").headers["docker-content-digest"]


@pytest.mark.parametrize(
    ("manifest", "status", "code"),
    [
        (b"not json", 400, "MANIFEST_INVALID"),
        (b"[]", 400, "MANIFEST_INVALID"),
        (b"\xff", 400, "MANIFEST_INVALID"),
        (
            json.dumps({"layers": [{"digest": digest_of(b"nowhere"), "size": 7}]}).encode(),
            404,
            "MANIFEST_BLOB_UNKNOWN",
        ),
        (
            json.dumps({"manifests": [{"digest": digest_of(b"nowhere")}]}).encode(),
            404,
            "MANIFEST_BLOB_UNKNOWN",
        ),
        (b" " * (5 * MIB), 413, "SIZE_INVALID"),
    ],
    ids=["text", "list", "no UTF-8", "missing layer", "missing manifest", "too large"],
)
def test_manifest_that_is_no_good_is_refused(
    caller: RegistryCaller, manifest: bytes, status: int, code: str
) -> None:
    """An image is there only when all of it is."""
    answer = caller.put_manifest("v1", manifest)

    assert (status, code) == (answer.status, answer.code)
    assert 404 == caller.ask("HEAD", "manifests/v1").status


def test_manifest_has_the_digest_that_is_said(caller: RegistryCaller) -> None:
    """A push by digest is checked like a blob's."""
    answer = caller.put_manifest(digest_of(b"other"), b"{}")

    assert (400, "DIGEST_INVALID") == (answer.status, answer.code)


def test_list_of_images_names_what_is_there(caller: RegistryCaller) -> None:
    """An image for several platforms is pushed after its parts."""
    part = caller.push_image("part")
    index = json.dumps({"schemaVersion": 2, "manifests": [{"digest": part, "size": 1}]}).encode()

    answer = caller.put_manifest("all", index)

    assert (201, index) == (answer.status, caller.ask("GET", "manifests/all").body)


@pytest.mark.parametrize("password", [None, "", "guessed"])
def test_who_shows_no_token_is_asked_for_one(repository: RepositoryUnderTest, password: str | None) -> None:
    """Every request needs a token of ECR's, and the answer says how to show it."""
    caller = RegistryCaller(repository.aws.port, repository.name, password)

    answers = [
        caller.ask("GET", "/v2/"),
        caller.ask("GET", "manifests/v1"),
        caller.ask("POST", "blobs/uploads/"),
    ]

    assert [401] * 3 == [answer.status for answer in answers]
    assert answers[0].headers["www-authenticate"].startswith('Basic realm="http://127.0.0.1:')
    assert 200 == repository.caller().ask("GET", "/v2/").status


def test_token_needs_a_permission(local_aws: LocalAwsUnderTest, repository: RepositoryUnderTest) -> None:
    """ecr:GetAuthorizationToken is needed before anything else."""
    session = session_with(local_aws, [allowed(repository, PUSH)])

    with pytest.raises(ClientError) as raised:
        repository.password(session)

    assert "AccessDeniedException" == refused(raised)


def test_token_may_what_its_owner_may(local_aws: LocalAwsUnderTest, repository: RepositoryUnderTest) -> None:
    """Who may pull from one repository can neither push to it nor pull from another."""
    repository.caller().push_image("v1")
    other = create_repository(local_aws)
    other.caller().push_image("v1")
    puller = session_with(local_aws, [TOKEN, allowed(repository, PULL)])

    own = repository.caller(puller)
    foreign = other.caller(puller)

    assert 200 == own.ask("GET", "manifests/v1").status
    pushed, pulled = own.ask("POST", "blobs/uploads/"), foreign.ask("GET", "manifests/v1")
    assert (403, "DENIED", 403, "DENIED") == (pushed.status, pushed.code, pulled.status, pulled.code)
    assert (
        f"not authorized to perform: ecr:InitiateLayerUpload on resource: {repository.arn}" in pushed.message
    )


def test_push_takes_the_permissions_of_the_manual(
    local_aws: LocalAwsUnderTest, repository: RepositoryUnderTest
) -> None:
    """The permissions that AWS names for a push are enough for one."""
    pusher = session_with(local_aws, [TOKEN, allowed(repository, PUSH)])

    digest = repository.caller(pusher).push_image("v1")

    assert digest.startswith("sha256:")


def test_policy_of_the_repository_counts(
    local_aws: LocalAwsUnderTest, repository: RepositoryUnderTest
) -> None:
    """What a repository's own policy denies is denied to who has the permission."""
    repository.caller().push_image("v1")
    puller = session_with(local_aws, [TOKEN, allowed(repository, PULL)])
    policy = {"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "ecr:BatchGetImage"}]}
    repository.ecr().set_repository_policy(
        repositoryName=repository.name, policyText=json.dumps({"Version": "2012-10-17", **policy})
    )

    answer = repository.caller(puller).ask("GET", "manifests/v1")

    assert (403, "DENIED") == (answer.status, answer.code)


def test_repository_that_is_not_there_is_told(caller: RegistryCaller) -> None:
    """A push makes no repository, as in ECR."""
    answer = caller.ask("POST", "/v2/no/such/blobs/uploads/")

    assert (404, "NAME_UNKNOWN") == (answer.status, answer.code)
    assert "'no/such' does not exist" in answer.message


def test_registry_deletes_nothing(caller: RegistryCaller) -> None:
    """As in ECR, images are deleted by ECR's own API."""
    digest = caller.push_image("v1")

    answer = caller.ask("DELETE", f"manifests/{digest}")

    assert (405, "UNSUPPORTED") == (answer.status, answer.code)


def test_deleted_repository_leaves_no_blobs(local_aws: LocalAwsUnderTest) -> None:
    """Who makes a repository of the same name again finds it empty."""
    repository = create_repository(local_aws)
    digest = repository.caller().push_blob(b"left over?")
    repository.caller().push_image("v1")
    ecr = repository.ecr()

    with pytest.raises(ClientError) as raised:
        ecr.delete_repository(repositoryName=repository.name)
    ecr.delete_repository(repositoryName=repository.name, force=True)
    ecr.create_repository(repositoryName=repository.name)

    assert "RepositoryNotEmptyException" == refused(raised)
    assert 404 == repository.caller().ask("HEAD", f"blobs/{digest}").status


def test_missing_image_is_an_error_of_describe_images(
    repository: RepositoryUnderTest, caller: RegistryCaller
) -> None:
    """As in ECR, asking for an image that is not there is answered with an error."""
    caller.push_image("v1")

    with pytest.raises(ClientError) as raised:
        repository.ecr().describe_images(repositoryName=repository.name, imageIds=[{"imageTag": "v2"}])

    assert "ImageNotFoundException" == refused(raised)


def test_layers_are_told_by_the_api(repository: RepositoryUnderTest, caller: RegistryCaller) -> None:
    """ECR knows which layers are there, and where they are to be had."""
    there, missing = caller.push_blob(b"there"), digest_of(b"missing")
    ecr = repository.ecr()

    layers = ecr.batch_check_layer_availability(
        repositoryName=repository.name, layerDigests=[there, missing]
    )["layers"]
    url = ecr.get_download_url_for_layer(repositoryName=repository.name, layerDigest=there)["downloadUrl"]

    assert ["AVAILABLE", "UNAVAILABLE"] == [layer["layerAvailability"] for layer in layers]
    assert url.endswith(f"/v2/{repository.name}/blobs/{there}")


def test_layers_are_not_pushed_by_the_api(repository: RepositoryUnderTest) -> None:
    """What the local AWS cannot do is refused and not pretended."""
    with pytest.raises(ClientError, match="docker push"):
        repository.ecr().initiate_layer_upload(repositoryName=repository.name)


def test_repository_of_a_stack_is_one_like_any_other(local_aws: LocalAwsUnderTest) -> None:
    """CloudFormation's repository has the registry's address too."""
    stacks = local_aws.root.client("cloudformation", endpoint_url=local_aws.endpoint_url)
    template = {
        "Resources": {
            "Images": {"Type": "AWS::ECR::Repository", "Properties": {"RepositoryName": "of-a-stack"}}
        },
        "Outputs": {"Uri": {"Value": {"Fn::GetAtt": ["Images", "RepositoryUri"]}}},
    }
    stacks.create_stack(StackName="registry-test", TemplateBody=json.dumps(template))
    stacks.get_waiter("stack_create_complete").wait(StackName="registry-test", WaiterConfig={"Delay": 1})

    [stack] = stacks.describe_stacks(StackName="registry-test")["Stacks"]

    assert f"127.0.0.1:{local_aws.port}/of-a-stack" == stack["Outputs"][0]["OutputValue"]


def test_one_repository_may_be_described_with_its_own_permission(
    local_aws: LocalAwsUnderTest, repository: RepositoryUnderTest
) -> None:
    """A request that names one repository is about that one."""
    session = session_with(local_aws, [allowed(repository, ("ecr:DescribeRepositories",))])

    found = repository.ecr(session).describe_repositories(repositoryNames=[repository.name])["repositories"]

    assert [repository.name] == [each["repositoryName"] for each in found]
    with pytest.raises(ClientError):
        repository.ecr(session).describe_repositories()


def test_other_services_keep_their_paths(local_aws: LocalAwsUnderTest) -> None:
    """What is not the registry's below /v2/ goes to whom it belongs."""
    email = local_aws.root.client("sesv2", endpoint_url=local_aws.endpoint_url)

    assert [] == email.list_email_identities()["EmailIdentities"]


def test_unknown_path_is_not_the_registrys(local_aws: LocalAwsUnderTest) -> None:
    """The emulator's own paths answer as before."""
    with urllib.request.urlopen(f"{local_aws.endpoint_url}/_ministack/health") as answer:
        assert 200 == answer.status
