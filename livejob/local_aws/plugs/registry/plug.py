"""Wires the registry's parts together and puts them into the running emulator. Loaded with the first need."""

from __future__ import annotations

from pathlib import Path

from livejob.clock import SystemClock
from livejob.local_aws.plugs.registry.blobs import Blobs
from livejob.local_aws.plugs.registry.emulator import Account, install
from livejob.local_aws.plugs.registry.registry import Registry
from livejob.local_aws.plugs.registry.tokens import Tokens


class RegistryPlug:
    """The registry in this emulator."""

    def __init__(self, registry: str, directory: Path) -> None:
        account, blobs, tokens = Account(), Blobs(directory), Tokens(SystemClock())
        self.registry = Registry(blobs, tokens, account, account, f"http://{registry}")
        install(tokens, blobs, registry)
