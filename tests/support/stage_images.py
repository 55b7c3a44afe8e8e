"""A repository and a builder of images in memory: they remember what they were asked."""

from __future__ import annotations

from collections.abc import Collection

from livejob.clock import EpochMs
from livejob.errors import EngineUnavailable, RegistryRefused
from livejob.images.port import ImageOrder, OnLine, RegistryLogin

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


class MemoryRepository:
    """tags: with the time at which each was pushed. asked: which questions and changes came."""

    name = "livejob-shop-prod"
    arn = f"arn:aws:ecr:us-east-1:123456789012:repository/{name}"

    def __init__(self) -> None:
        self.tags: dict[str, int] = {}
        self.asked: list[str] = []

    def ensure(self) -> None:
        self.asked.append("ensure")

    def has(self, tag: str) -> bool:
        self.asked.append("has")
        return tag in self.tags

    def login(self) -> RegistryLogin:
        self.asked.append("login")
        return RegistryLogin(HOST, "AWS", "token")

    def remove_unused(self, used: Collection[str], pushed_before_ms: EpochMs) -> int:
        unused = [tag for tag, at_ms in self.tags.items() if tag not in used and at_ms < pushed_before_ms]
        for tag in unused:
            del self.tags[tag]
        return len(unused)

    def delete(self) -> None:
        self.tags.clear()


class MemoryBuilder:
    """Builds nothing and pushes into a MemoryRepository.

    has_engine: False for a machine without one.
    is_late:    somebody else has pushed the same image at the same time.
    refuses:    the registry takes nothing.
    """

    def __init__(self, repository: MemoryRepository) -> None:
        self._repository = repository
        self.built: list[ImageOrder] = []
        self.has_engine = True
        self.is_late = False
        self.refuses = False

    def build(self, order: ImageOrder, tag: str, on_line: OnLine) -> str:
        if not self.has_engine:
            raise EngineUnavailable("no engine answers")
        self.built.append(order)
        on_line("Step 1/1 : FROM scratch")
        return "sha256:0"

    def tag(self, image: str, reference: str) -> None:
        """Names nothing."""

    def push(self, reference: str, login: RegistryLogin, on_line: OnLine) -> None:
        if not self.refuses:
            self._repository.tags[reference.rpartition(":")[2]] = 0
        if self.refuses or self.is_late:
            raise RegistryRefused("tag is immutable", registry=login.registry)

    def stop(self) -> None:
        """Nothing is under way."""


class ToldOfImages:
    """What a watcher is told, in words."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def begin(self, job: str) -> None:
        self.said.append(f"begin {job}")

    def see(self, line: str) -> None:
        self.said.append(line)

    def end(self, job: str, seconds: float) -> None:
        self.said.append(f"end {job}")
