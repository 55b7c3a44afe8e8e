"""The bridge's receiving side over IoT Core: MQTT 5 over WebSocket, signed with SigV4.

awscrt's client holds the socket in a thread of its own, reconnects with backoff and jitter, and reports
to the asyncio loop that runs `events`. Knows nothing of runs, nor where its endpoint is.

    awscrt's thread --reports--> queue --> events()
                    --handshake to sign--> a thread (asking for the current credentials may block)
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass

from awscrt import auth, io, mqtt5
from awscrt.exceptions import AwsCrtError

from livejob.aws import Keys
from livejob.bridge.endpoint import IotEndpoint
from livejob.bridge.story import Cause, ConnectionStory, Trouble
from livejob.bridge.transport import BridgeEvent, Garbled, Received
from livejob.errors import LivejobError
from livejob.wire.messages import Unreadable, decode

KEEP_ALIVE_S = 30
"""Between pings of an idle connection; IoT Core charges for more frequent ones. Source: IoT Core pricing."""

PING_TIMEOUT_MS = 10_000
ACK_TIMEOUT_S = 10
RECONNECT_MIN_MS = 250
RECONNECT_MAX_MS = 30_000
CLOSE_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class _Up:
    """Connected and subscribed."""


@dataclass(frozen=True, slots=True)
class _Arrived:
    data: bytes


@dataclass(frozen=True, slots=True)
class _Stopped:
    """The client is at rest: nothing comes any more."""


_Report = _Up | _Arrived | _Stopped | Trouble


class IotTransport:
    """Hears one session's topic.

    keys:      gives the current credentials; asked at every attempt to connect, in a thread. May raise a
               LivejobError, which is told and tried again.
    topic:     the session's own; no wildcard.
    client_id: unique to the session: IoT Core closes an older connection of the same id.
    """

    def __init__(self, endpoint: IotEndpoint, keys: Callable[[], Keys], topic: str, client_id: str) -> None:
        self._endpoint = endpoint
        self._keys = keys
        self._topic = topic
        self._client_id = client_id
        self._connection: _Connection | None = None
        self._is_closed = False

    async def events(self) -> AsyncIterator[BridgeEvent]:
        if self._is_closed:
            return
        connection = self._connection = _Connection(self._endpoint, self._keys, self._topic, self._client_id)
        story = ConnectionStory()
        try:
            while not isinstance(report := await connection.next_report(), _Stopped):
                event = _event_of(report, story)
                if event is not None:
                    yield event
        finally:
            await connection.close()

    async def close(self) -> None:
        self._is_closed = True
        if self._connection is not None:
            await self._connection.close()


def _event_of(report: _Up | _Arrived | Trouble, story: ConnectionStory) -> BridgeEvent | None:
    match report:
        case _Up():
            return story.up()
        case Trouble():
            return story.down(report)
        case _Arrived():
            message = decode(report.data)
            return Garbled(message.reason) if isinstance(message, Unreadable) else Received(message)


class _Connection:
    """One client of awscrt with its threads, from its start to its end."""

    def __init__(self, endpoint: IotEndpoint, keys: Callable[[], Keys], topic: str, client_id: str) -> None:
        self._endpoint = endpoint
        self._keys = keys
        self._topic = topic
        self._client_id = client_id
        self._loop = asyncio.get_running_loop()
        self._reports: asyncio.Queue[_Report] = asyncio.Queue()
        self._signing_error: BaseException | None = None
        self._stopped = asyncio.Event()
        self._closing = asyncio.Lock()
        self._is_closed = False
        # An event loop of its own, so that closing leaves no thread behind.
        self._threads = io.EventLoopGroup(1)
        self._bootstrap = io.ClientBootstrap(self._threads, io.DefaultHostResolver(self._threads))
        self._client = mqtt5.Client(self._options())
        self._client.start()

    async def next_report(self) -> _Report:
        return await self._reports.get()

    async def close(self) -> None:
        """Stop the client, wait until its threads are gone. Safe to call twice."""
        async with self._closing:
            if self._is_closed:
                return
            self._is_closed = True
            self._client.stop()
            # Whoever gives the keys may hang; the client then ends by itself as soon as that returns.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), CLOSE_TIMEOUT_S)
            gone = self._threads.shutdown_event
            del self._client, self._bootstrap, self._threads
            if self._stopped.is_set():
                await asyncio.to_thread(gone.wait, CLOSE_TIMEOUT_S)
            else:
                self._reports.put_nowait(_Stopped())

    def _options(self) -> mqtt5.ClientOptions:
        endpoint = self._endpoint
        return mqtt5.ClientOptions(
            host_name=endpoint.address,
            port=endpoint.port,
            bootstrap=self._bootstrap,
            tls_ctx=io.ClientTlsContext(io.TlsContextOptions()) if endpoint.is_tls else None,
            websocket_handshake_transform=self._on_handshake,
            connect_options=mqtt5.ConnectPacket(
                client_id=self._client_id, keep_alive_interval_sec=KEEP_ALIVE_S
            ),
            session_behavior=mqtt5.ClientSessionBehaviorType.CLEAN,
            retry_jitter_mode=mqtt5.ExponentialBackoffJitterMode.FULL,
            min_reconnect_delay_ms=RECONNECT_MIN_MS,
            max_reconnect_delay_ms=RECONNECT_MAX_MS,
            ping_timeout_ms=PING_TIMEOUT_MS,
            ack_timeout_sec=ACK_TIMEOUT_S,
            on_publish_callback_fn=self._on_publish,
            on_lifecycle_event_connection_success_fn=self._on_connected,
            on_lifecycle_event_connection_failure_fn=self._on_failed,
            on_lifecycle_event_disconnection_fn=self._on_disconnected,
            on_lifecycle_event_stopped_fn=self._on_stopped,
            disable_metrics=True,
        )

    # What follows runs in threads of awscrt, but for `_sign`; each only hands over.

    def _on_handshake(self, transform_args: mqtt5.WebsocketHandshakeTransformArgs) -> None:
        threading.Thread(
            target=self._sign, args=(transform_args,), name="livejob-bridge-signing", daemon=True
        ).start()

    def _sign(self, transform_args: mqtt5.WebsocketHandshakeTransformArgs) -> None:
        try:
            keys = self._keys()
        except LivejobError as error:
            self._give_up_signing(transform_args, error)
            return
        except BaseException as error:
            self._give_up_signing(transform_args, error)
            raise
        self._signing_error = None
        request = transform_args.http_request
        request.headers.set("Host", self._endpoint.host)
        signed: Future[object] = auth.aws_sign_request(request, _signing_config(keys, self._endpoint.region))
        signed.add_done_callback(lambda done: transform_args.set_done(done.exception()))

    def _give_up_signing(
        self, transform_args: mqtt5.WebsocketHandshakeTransformArgs, error: BaseException
    ) -> None:
        # awscrt does not pass the error on to `_on_failed`.
        self._signing_error = error
        transform_args.set_done(error)

    def _on_connected(self, _: mqtt5.LifecycleConnectSuccessData) -> None:
        self._subscribe()

    def _subscribe(self) -> None:
        subscription = mqtt5.Subscription(self._topic, mqtt5.QoS.AT_LEAST_ONCE)
        answered: Future[mqtt5.SubackPacket] = self._client.subscribe(mqtt5.SubscribePacket([subscription]))
        answered.add_done_callback(self._on_subscribed)

    def _on_subscribed(self, answered: Future[mqtt5.SubackPacket]) -> None:
        error = answered.exception()
        if error is not None:
            # Without an answer in time we ask again. The end of the connection is reported on its own.
            if getattr(error, "name", "") == "AWS_ERROR_MQTT_TIMEOUT":
                self._subscribe()
            return
        [code] = answered.result().reason_codes
        if code < mqtt5.SubackReasonCode.UNSPECIFIED_ERROR:
            self._report(_Up())
        else:
            refusal = f"the broker refused the subscription to {self._topic}: {code.name}"
            self._report(Trouble(Cause.POLICY, refusal))

    def _on_publish(self, received: mqtt5.PublishReceivedData) -> None:
        self._report(_Arrived(bytes(received.publish_packet.payload or b"")))

    def _on_failed(self, failed: mqtt5.LifecycleConnectFailureData) -> None:
        self._report(self._trouble_of(failed.exception, failed.connack_packet))

    def _on_disconnected(self, ended: mqtt5.LifecycleDisconnectData) -> None:
        if ended.exception.name != "AWS_ERROR_MQTT5_USER_REQUESTED_STOP":
            self._report(self._trouble_of(ended.exception, ended.disconnect_packet))

    def _on_stopped(self, _: mqtt5.LifecycleStoppedData) -> None:
        self._report(_Stopped())
        self._loop.call_soon_threadsafe(self._stopped.set)

    def _trouble_of(
        self, error: AwsCrtError, packet: mqtt5.ConnackPacket | mqtt5.DisconnectPacket | None
    ) -> Trouble:
        if packet is not None and packet.reason_code.name == "NOT_AUTHORIZED":
            reason = packet.reason_string or f"not authorized as client {self._client_id}"
            return Trouble(Cause.POLICY, f"the broker refused the connection: {reason}")
        if self._signing_error is not None:
            return Trouble(Cause.HANDSHAKE, str(self._signing_error))
        if error.name == "AWS_ERROR_HTTP_WEBSOCKET_UPGRADE_FAILURE":
            return Trouble(Cause.HANDSHAKE, f"{self._endpoint.host} refused the signed handshake")
        return Trouble(Cause.NETWORK, f"{self._endpoint.host}: {error.message}")

    def _report(self, report: _Report) -> None:
        self._loop.call_soon_threadsafe(self._reports.put_nowait, report)


def _signing_config(keys: Keys, region: str) -> auth.AwsSigningConfig:
    return auth.AwsSigningConfig(
        algorithm=auth.AwsSigningAlgorithm.V4,
        signature_type=auth.AwsSignatureType.HTTP_REQUEST_QUERY_PARAMS,
        credentials_provider=auth.AwsCredentialsProvider.new_static(
            keys.access_key_id, keys.secret_access_key, keys.session_token
        ),
        region=region,
        service="iotdevicegateway",
        # IoT Core wants the token in the query but not in the signature.
        omit_session_token=True,
    )
