"""Who asks: the peer, or the client that a trusted proxy names."""

import ipaddress
from collections.abc import Sequence

from aiohttp import web

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Networks = Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]

CHAIN = "X-Forwarded-For"
OTHER_SIGNS = ("Forwarded", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via")
"""Further headers that a proxy leaves; none of them is read for an address."""


def client_address(request: web.Request, trusted: Networks) -> Address | None:
    """Give the address of whoever asks, None when it is not known for sure.

    A trusted proxy's X-Forwarded-For is read from its end, the part that the proxy itself wrote, past further trusted
    ones. A request that came through any other proxy is from nobody knows where, even if that proxy runs here.
    """
    peer = _address(request.transport.get_extra_info("peername")[0]) if request.transport else None
    if peer is None:
        return None
    if CHAIN not in request.headers:
        return None if any(sign in request.headers for sign in OTHER_SIGNS) else peer
    if not _within(peer, trusted):
        return None
    client = peer
    for text in reversed(",".join(request.headers.getall(CHAIN)).split(",")):
        named = _address(text)
        # Every machine has loopback addresses: what another one calls by them is not here.
        if named is None or (named.is_loopback and not client.is_loopback):
            return None
        client = named
        if not _within(client, trusted):
            break
    return client


def is_local(address: Address | None) -> bool:
    """Tell whether it is this machine that asks."""
    return address is not None and address.is_loopback


def _within(address: Address, networks: Networks) -> bool:
    return any(address in network for network in networks)


def _address(text: str) -> Address | None:
    """Read an address as peers and proxies write it, with a port or without; IPv4 within IPv6 is IPv4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
