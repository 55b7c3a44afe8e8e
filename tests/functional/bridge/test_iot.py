"""The IoT bridge where memory has no counterpart: credentials, refusals, outages, what is left behind."""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import boto3
import pytest

from livejob.aws import Keys
from livejob.bridge.doorbell import IotDoorbell
from livejob.bridge.endpoint import IotEndpoint, find_iot_endpoint
from livejob.bridge.iot import IotTransport
from livejob.bridge.transport import Connected, Disconnected, Received
from livejob.errors import AccessRefused, BridgeRefused, CredentialsMissing
from livejob.wire.messages import Ping
from tests.support.bridge_fixtures import NAMES, IotBridge, listening
from tests.support.local_aws_fixtures import LocalAwsUnderTest
from tests.support.runs import a_session_id

SECRET = "wJalrXUtnFEMI-planted-secret-EXAMPLEKEY"


async def test_wrong_keys_are_an_error(iot_bridge: IotBridge):
    """Keys that the broker never accepted end the transport, with what to check and without the secret."""
    iot_bridge.keys = Keys(iot_bridge.keys.access_key_id, SECRET)
    async with listening(iot_bridge.open_transport(a_session_id())) as listener:
        await listener.hear(Disconnected)
        with pytest.raises(BridgeRefused, match="refused the signed handshake") as refused:
            await listener.hear(Connected)

    assert "credentials" in refused.value.remedy
    assert SECRET not in f"{refused.value!r} {refused.value.remedy} {refused.value.context}"


async def test_a_client_that_may_not_connect_is_an_error(iot_bridge: IotBridge):
    """A policy that does not allow this client ends the transport at once."""
    transport = IotTransport(iot_bridge.endpoint, lambda: iot_bridge.keys, "livejob/shop/dev/s", "stranger")
    async with listening(transport) as listener:
        with pytest.raises(BridgeRefused, match="client stranger"):
            await listener.hear(Connected)


async def test_keys_are_asked_for_at_every_connection(iot_bridge: IotBridge):
    """Keys that go bad are told once while the transport tries on, and good ones connect it again."""
    session = a_session_id()
    good = iot_bridge.keys
    async with listening(iot_bridge.open_transport(session)) as listener:
        await listener.hear(Connected)
        iot_bridge.keys = replace(good, secret_access_key=SECRET)
        iot_bridge.relay.cut()
        cut = await listener.hear(Disconnected)
        refused = await listener.hear(Disconnected)
        iot_bridge.keys = good
        connected = await listener.hear(Connected)

    assert "refused" not in cut.reason
    assert "refused the signed handshake" in refused.reason
    assert Connected(is_again=True) == connected


async def test_session_keys_connect(iot_bridge: IotBridge):
    """Temporary keys, with their token outside of the signature, are accepted."""
    iot_bridge.keys = keys_of_an_assumed_role(iot_bridge.aws)
    session = a_session_id()
    async with listening(iot_bridge.open_transport(session)) as listener:
        await listener.hear(Connected)
        await asyncio.to_thread(iot_bridge.doorbell.ring, session, Ping("3f9a"))

        assert Received(Ping("3f9a")) == await listener.hear(Received)


async def test_keys_that_cannot_be_had_are_told(iot_bridge: IotBridge):
    """When a login has run out, that is what is said; after a new login the bridge is up again."""
    logged_in = asyncio.Event()

    def keys() -> Keys:
        if not logged_in.is_set():
            raise CredentialsMissing("the login of profile mia has expired")
        return iot_bridge.keys

    session = a_session_id()
    logged_in.set()
    transport = IotTransport(iot_bridge.endpoint, keys, NAMES.session_topic(session), session)
    async with listening(transport) as listener:
        await listener.hear(Connected)
        logged_in.clear()
        iot_bridge.relay.cut()
        await listener.hear(Disconnected)
        expired = await listener.hear(Disconnected)
        logged_in.set()

        assert Disconnected("the login of profile mia has expired") == expired
        assert Connected(is_again=True) == await listener.hear(Connected)


async def test_a_long_outage_is_told_once(iot_bridge: IotBridge):
    """However many attempts fail, the outage is one piece of news."""
    session = a_session_id()
    async with listening(iot_bridge.open_transport(session)) as listener:
        await listener.hear(Connected)
        attempts_before = iot_bridge.relay.accepted_count
        iot_bridge.relay.go_down()
        await listener.hear(Disconnected)
        await asyncio.to_thread(iot_bridge.relay.wait_accepted, attempts_before + 3)
        iot_bridge.relay.come_up()

        assert Connected(is_again=True) == await listener.hear(Connected)


async def test_a_broker_out_of_reach_is_told(iot_bridge: IotBridge):
    """Before the first connection too, it is said that there is none, and it comes by itself."""
    iot_bridge.relay.go_down()
    async with listening(iot_bridge.open_transport(a_session_id())) as listener:
        down = await listener.hear(Disconnected)
        iot_bridge.relay.come_up()
        connected = await listener.hear(Connected)

    assert iot_bridge.endpoint.host in down.reason
    assert Connected(is_again=False) == connected


async def test_a_name_that_does_not_resolve_is_told(iot_bridge: IotBridge):
    """A host that does not exist is said and tried again; closing meanwhile works."""
    endpoint = replace(iot_bridge.endpoint, address="nowhere.invalid")
    transport = IotTransport(endpoint, lambda: iot_bridge.keys, "livejob/shop/dev/s", a_session_id())
    async with listening(transport) as listener:
        assert "" != (await listener.hear(Disconnected)).reason
        assert [] == await listener.rest()


async def test_nothing_is_left_behind(iot_bridge: IotBridge):
    """After closing, the transport's threads and its socket are gone."""
    await asyncio.to_thread(lambda: None)  # asyncio's own worker threads are not the transport's
    gc.collect()
    threads, sockets = threads_of_this_process(), sockets_of_this_process()
    async with listening(iot_bridge.open_transport(a_session_id())) as listener:
        await listener.hear(Connected)
        during = threads_of_this_process()

    assert len(threads) < len(during)
    await wait_until(lambda: threads_of_this_process() <= threads)
    await wait_until(lambda: len(sockets_of_this_process()) <= len(sockets))


async def test_keys_that_hang_do_not_hold_up_the_end(iot_bridge: IotBridge):
    """Closing ends the events while a login is still awaited, and nothing stays when that has ended."""
    threads = threads_of_this_process()
    is_asked, may_answer = threading.Event(), threading.Event()

    def keys() -> Keys:
        is_asked.set()
        may_answer.wait()
        return iot_bridge.keys

    transport = IotTransport(iot_bridge.endpoint, keys, "livejob/shop/dev/s", a_session_id())
    async with listening(transport) as listener:
        hearing = asyncio.create_task(listener.hear(Connected))
        await asyncio.to_thread(is_asked.wait)
        await transport.close()
        with pytest.raises(StopAsyncIteration):
            await hearing
        may_answer.set()

    await wait_until(lambda: len(threads_of_this_process() - threads) <= 1)  # asyncio's own worker thread


def test_a_refused_ring_names_its_topic(local_aws: LocalAwsUnderTest):
    """A doorbell that may not publish says on which topic."""
    iam = local_aws.root.client("iam", endpoint_url=local_aws.endpoint_url)
    iam.create_user(UserName="deaf")
    key = iam.create_access_key(UserName="deaf")["AccessKey"]
    session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=local_aws.region)
    doorbell = IotDoorbell(session.client("iot-data", endpoint_url=local_aws.endpoint_url), NAMES)

    with pytest.raises(AccessRefused, match="iot:Publish on topic/livejob/shop/dev/ses_1") as refused:
        doorbell.ring("ses_1", Ping("3f9a"))

    assert key["SecretAccessKey"] not in f"{refused.value!r} {refused.value.__cause__!r}"


def test_the_accounts_endpoint(local_aws: LocalAwsUnderTest):
    """Without a custom endpoint the broker is where AWS says, on 443 with TLS."""
    iot = local_aws.developer.client("iot", endpoint_url=local_aws.endpoint_url)

    endpoint = find_iot_endpoint(iot)

    assert IotEndpoint(endpoint.host, endpoint.host, 443, True, "us-east-1") == endpoint


@pytest.mark.parametrize(
    ("url", "address", "port", "is_tls"),
    [
        ("http://127.0.0.1:4566", "127.0.0.1", 4566, False),
        ("https://aws.example:4567/", "aws.example", 4567, True),
        ("https://aws.example", "aws.example", 443, True),
        ("http://[::1]", "::1", 80, False),
    ],
)
def test_a_custom_endpoint(local_aws: LocalAwsUnderTest, url: str, address: str, port: int, is_tls: bool):
    """With a custom endpoint it is connected to that, and asked for the account's broker."""
    iot = local_aws.developer.client("iot", endpoint_url=local_aws.endpoint_url)

    endpoint = find_iot_endpoint(iot, url)

    assert IotEndpoint(find_iot_endpoint(iot).host, address, port, is_tls, "us-east-1") == endpoint


def test_the_sending_side_needs_no_mqtt_client():
    """The doorbell and the endpoint can be imported where awscrt is not installed."""
    code = "import sys; sys.modules['awscrt'] = None; import livejob.bridge.doorbell, livejob.bridge.endpoint"

    subprocess.run([sys.executable, "-c", code], check=True)


def keys_of_an_assumed_role(aws: LocalAwsUnderTest) -> Keys:
    """Temporary keys of a job's role that may use the bridge."""
    iam = aws.root.client("iam", endpoint_url=aws.endpoint_url)
    name = NAMES.job_role("Listen")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": aws.account}}
    allow = {"Effect": "Allow", "Action": ["iot:Connect", "iot:Subscribe", "iot:Receive"], "Resource": "*"}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(policy(trust)))["Role"]
    iam.put_role_policy(RoleName=name, PolicyName="bridge", PolicyDocument=json.dumps(policy(allow)))
    sts = aws.developer.client("sts", endpoint_url=aws.endpoint_url)
    found = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="test")["Credentials"]
    return Keys(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])


def policy(statement: dict[str, object]) -> dict[str, object]:
    return {"Version": "2012-10-17", "Statement": [statement]}


def threads_of_this_process() -> set[str]:
    return {path.name for path in Path("/proc/self/task").iterdir()}


def sockets_of_this_process() -> list[str]:
    links = [path.readlink() for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    return [str(link) for link in links if str(link).startswith("socket:")]


async def wait_until(condition) -> None:
    """Wait for the condition, at most ten seconds."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)
