"""Where the account's IoT broker is.

Knows boto3's iot client and whether a custom endpoint is set, as AWS_ENDPOINT_URL sets it; what that
endpoint is, it does not ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from livejob.aws import translated

if TYPE_CHECKING:
    from mypy_boto3_iot.client import IoTClient


@dataclass(frozen=True, slots=True)
class IotEndpoint:
    """How to reach a broker for MQTT over WebSocket.

    host:    whom to ask for: the Host header of the handshake, which is signed.
    address: where to connect to; the same name, unless a custom endpoint stands for it.
    region:  for which the handshake is signed.
    """

    host: str
    address: str
    port: int
    is_tls: bool
    region: str


def find_iot_endpoint(iot: IoTClient, endpoint_url: str | None = None) -> IotEndpoint:
    """Ask AWS for the account's broker; with `endpoint_url`, connect there in its place. Blocks.

    Raises:
        AwsError: the question was not answered, e.g. AccessRefused for `iot:DescribeEndpoint`.
    """
    with translated("iot:DescribeEndpoint", "*"):
        host = iot.describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"]
    region = iot.meta.region_name
    if endpoint_url is None:
        return IotEndpoint(host, host, 443, True, region)
    url = urlsplit(endpoint_url)
    is_tls = url.scheme == "https"
    return IotEndpoint(host, url.hostname or "", url.port or (443 if is_tls else 80), is_tls, region)
