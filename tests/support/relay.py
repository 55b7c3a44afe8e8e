"""A network between the code under test and the emulator, with the troubles that networks have."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator


class Relay:
    """Passes TCP connections on to `127.0.0.1:target_port`; made by `open_relay`.

    Understands nothing of what it passes on: it cuts, refuses and swallows.
    """

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._threads: list[threading.Thread] = []
        self._mutex = threading.Lock()
        self._accepted = threading.Condition()
        self.accepted_count = 0
        self._swallows = 0
        self._is_down = False
        self._spawn(self._accept)

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def swallow_next_answer(self) -> None:
        """Close the connection on which the next answer comes, instead of passing the answer on."""
        with self._mutex:
            self._swallows += 1

    def cut(self) -> None:
        """Close every connection that is open."""
        with self._mutex:
            pairs = list(self._pairs)
        for pair in pairs:
            self._close(pair)

    def go_down(self) -> None:
        """Cut, and close new connections at once until `come_up`."""
        self._is_down = True
        self.cut()

    def come_up(self) -> None:
        self._is_down = False

    def wait_accepted(self, count: int) -> None:
        """Wait until so many connections have been tried, whatever became of them."""
        with self._accepted:
            assert self._accepted.wait_for(lambda: self.accepted_count >= count, timeout=20)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            with self._accepted:
                self.accepted_count += 1
                self._accepted.notify_all()
            if self._is_down:
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self._target_port))
            for each in (near, far):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._mutex:
                self._pairs.add((near, far))
            self._spawn(self._pump, near, far, (near, far), False)
            self._spawn(self._pump, far, near, (near, far), True)

    def _pump(
        self,
        source: socket.socket,
        sink: socket.socket,
        pair: tuple[socket.socket, socket.socket],
        is_answer: bool,
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if is_answer and self._swallowed():
                    break
                sink.sendall(data)
        self._close(pair)

    def _swallowed(self) -> bool:
        with self._mutex:
            if self._swallows == 0:
                return False
            self._swallows -= 1
            return True

    def _close(self, pair: tuple[socket.socket, socket.socket]) -> None:
        with self._mutex:
            self._pairs.discard(pair)
        for each in pair:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _spawn(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()


@contextlib.contextmanager
def open_relay(target_port: int) -> Iterator[Relay]:
    """A relay for the length of the block."""
    relay = Relay(target_port)
    try:
        yield relay
    finally:
        relay.close()
