"""No test talks to the outside: only loopback and Unix sockets connect, bind and resolve."""

import ipaddress
import socket
from typing import Any

import pytest


class OutsideBlockedError(AssertionError):
    """Say which address a test tried to reach."""


def block_outside(patch: pytest.MonkeyPatch, also: frozenset[str] = frozenset()) -> None:
    """Refuse every address that is neither loopback nor a Unix socket nor named in `also`."""

    def check(host: Any) -> None:
        if host in (None, "", b"", "localhost") or host in also:
            return
        name = host.decode() if isinstance(host, bytes) else str(host)
        try:
            inside = ipaddress.ip_address(name.split("%")[0]).is_loopback
        except ValueError:
            inside = False
        if not inside:
            raise OutsideBlockedError(f"a test tried to use the network address {name!r}")

    def guarded(name: str) -> Any:
        original = getattr(socket.socket, name)

        def guard(self: socket.socket, address: Any) -> Any:
            if self.family != socket.AF_UNIX:
                if address[0] == "":
                    raise OutsideBlockedError("a test tried to use all network addresses")
                check(address[0])
            return original(self, address)

        return guard

    for name in ("connect", "connect_ex", "bind"):
        patch.setattr(socket.socket, name, guarded(name))
    resolve = socket.getaddrinfo

    def getaddrinfo(host: Any, *rest: Any, **named: Any) -> Any:
        check(host)
        return resolve(host, *rest, **named)

    patch.setattr(socket, "getaddrinfo", getaddrinfo)
