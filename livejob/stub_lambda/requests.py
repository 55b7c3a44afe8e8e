"""What a caller may ask of an invoker, read from the event that Lambda hands over. Pure.

    {"action": "run", "payload": <any JSON>, "key": <text, optional>}
    {"action": "upload", "sizeBytes": <number>}    for a payload that does not fit into an invocation,
    {"action": "run", "uploadId": <text>, "key": <text, optional>}    once it is uploaded
    {"action": "cancel", "runId": <text>}      or "jobId", as SST's callers say
    {"action": "status", "runId": <text>}

Other fields are ignored: a newer caller may say more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from livejob.errors import PayloadInvalid, PayloadTooLarge, RequestInvalid
from livejob.wire.documents import NotJson, encode_document
from livejob.wire.ids import RunId, is_run_id
from livejob.wire.limits import DOCUMENT_BYTES, IDEMPOTENCY_KEY_BYTES, PAYLOAD_BYTES


@dataclass(frozen=True, slots=True)
class RunRequest:
    """Start a run. `payload` is UTF-8 JSON: absent it is `null`; `0`, `false` and `""` stay what they are."""

    payload: bytes
    key: str | None


@dataclass(frozen=True, slots=True)
class RunUploadedRequest:
    """Start a run whose payload was uploaded. The upload's id becomes the run's."""

    upload_id: RunId
    key: str | None


@dataclass(frozen=True, slots=True)
class UploadRequest:
    """Where may a payload of that many bytes be put?"""

    size_bytes: int


@dataclass(frozen=True, slots=True)
class CancelRequest:
    run_id: RunId


@dataclass(frozen=True, slots=True)
class StatusRequest:
    run_id: RunId


StartRequest = RunRequest | RunUploadedRequest
Request = StartRequest | UploadRequest | CancelRequest | StatusRequest


def read_request(event: object) -> Request:
    """The request in an event.

    Raises:
        RequestInvalid: there is none, or a field is of the wrong type or too long.
        PayloadInvalid, PayloadTooLarge: the payload cannot travel.
    """
    if not isinstance(event, Mapping):
        raise RequestInvalid(f"the request is {_shown(event)}, not an object")
    match event.get("action"):
        case "run" if event.get("uploadId") is not None:
            return RunUploadedRequest(_run_id(event, "uploadId"), _key(event.get("key")))
        case "upload":
            return UploadRequest(_size_bytes(event.get("sizeBytes")))
        case "run":
            return RunRequest(_payload(event.get("payload")), _key(event.get("key")))
        case "cancel":
            return CancelRequest(_run_id(event, "runId", "jobId"))
        case "status":
            return StatusRequest(_run_id(event, "runId"))
        case other:
            raise RequestInvalid(f"the action is {_shown(other)}, not run, upload, cancel or status")


def _payload(value: object) -> bytes:
    try:
        document = encode_document(value, "payload")
    except NotJson as error:
        raise PayloadInvalid(str(error)) from error
    if len(document) > PAYLOAD_BYTES:
        raise PayloadTooLarge(f"the payload has {len(document)} bytes", limit_bytes=PAYLOAD_BYTES)
    return document


def _size_bytes(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise RequestInvalid(f"sizeBytes is {_shown(value)}, not a number of bytes")
    if value > DOCUMENT_BYTES:
        raise PayloadTooLarge(f"the payload has {value} bytes", limit_bytes=DOCUMENT_BYTES)
    return value


def _key(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise RequestInvalid(f"the key is {_shown(value)}, not a text")
    # Lone surrogates are possible in JSON and not in a record.
    length_bytes = len(value.encode(errors="surrogatepass"))
    if length_bytes > IDEMPOTENCY_KEY_BYTES or not _is_unicode(value):
        raise RequestInvalid(
            f"the key has {length_bytes} bytes or is no Unicode",
            remedy=f"A key is Unicode text of at most {IDEMPOTENCY_KEY_BYTES} bytes.",
        )
    return value


def _run_id(event: Mapping[str, object], *names: str) -> RunId:
    given = {name: event[name] for name in names if event.get(name) is not None}
    if not given:
        raise RequestInvalid(f"the request has no {' or '.join(names)}")
    [value, *others] = given.values()
    if any(other != value for other in others):
        raise RequestInvalid(f"{' and '.join(given)} name different runs")
    if not isinstance(value, str) or not is_run_id(value):
        raise RequestInvalid(f"{next(iter(given))} is {_shown(value)}, not a run's id")
    return RunId(value)


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= each <= "\udfff" for each in text)


def _shown(value: object) -> str:
    return "missing" if value is None else f"{value!r:.60}"
