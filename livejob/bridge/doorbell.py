"""The bridge's sending side over IoT Core: boto3 alone, so that the stub's zip stays small.

Publishes over HTTPS, one request a message. Called by the stub, and by a session that takes over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from livejob.aws import translated
from livejob.errors import BridgeRefused
from livejob.wire.ids import SessionId
from livejob.wire.limits import BRIDGE_MESSAGE_BYTES
from livejob.wire.messages import Message, encode
from livejob.wire.names import StageNames

if TYPE_CHECKING:
    from mypy_boto3_iot_data.client import IoTDataPlaneClient


class IotDoorbell:
    """Rings sessions of one stage."""

    def __init__(self, client: IoTDataPlaneClient, names: StageNames) -> None:
        self._client = client
        self._names = names

    def ring(self, session: SessionId, message: Message) -> None:
        data = encode(message)
        if len(data) > BRIDGE_MESSAGE_BYTES:
            # IoT Core would close the connection over it, and not say why.
            raise BridgeRefused(f"a message of {len(data)} bytes; at most {BRIDGE_MESSAGE_BYTES} may cross")
        topic = self._names.session_topic(session)
        with translated("iot:Publish", f"topic/{topic}"):
            self._client.publish(topic=topic, qos=1, payload=data)
