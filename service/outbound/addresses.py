"""Which hosts may be asked: those of the public internet, and those that the operator names.

A stranger who may choose an address must not reach what only this machine can reach (server-side request forgery): its
own ports, the network behind it, the metadata service of its cloud.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from service.errors import ReferenceRefusedError

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host, as text. Raises OSError when there are none."""

Network = IPv4Network | IPv6Network

GLOBAL_UNICAST = IPv6Network("2000::/3")
"""The one part of IPv6 from which public addresses are given out."""

TRANSLATED = IPv6Network("64:ff9b::/96")
"""NAT64: IPv4 addresses in the last 32 bits (RFC 6052)."""

REFUSED = (
    IPv6Network("2001::/23"),  # of protocols, Teredo among them
    IPv6Network("2002::/16"),  # 6to4: as Teredo, it wraps an IPv4 address that another machine unwraps
    IPv6Network("3fff::/20"),  # of documentation
    IPv4Network("192.0.0.0/24"),  # of protocols; the metadata service of a cloud is one of them
    IPv4Network("192.88.99.0/24"),  # relays of 6to4
    IPv4Network("168.63.129.16/32"),  # looks public, and is the host of a virtual machine in a cloud
)
"""Beside what Python counts as not global, which differs from version to version."""

LOOKUP_SECONDS = 10.0

_LOOKUPS = ThreadPoolExecutor(8, thread_name_prefix="lookup")
"""Of their own: a name server that never answers must not keep uploads from being written."""


@dataclass(frozen=True)
class Allowance:
    """Hosts and networks that may be asked although they are not public."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def of(cls, text: str) -> "Allowance":
        """From names and networks, separated by commas.

        >>> Allowance.of("data.intranet, 10.1.0.0/16").hosts
        frozenset({'data.intranet'})
        """
        hosts, networks = set(), []
        for entry in filter(None, (part.strip().lower() for part in text.split(","))):
            try:
                networks.append(ip_network(entry))
            except ValueError as error:
                if "/" in entry or ":" in entry or entry[-1].isdecimal():
                    raise ValueError(
                        f"{entry!r} in UNMIX_OUTBOUND_ALLOW is no host name and no network: {error}"
                    ) from None
                hosts.add(entry)
        return cls(frozenset(hosts), tuple(networks))

    def names(self, host: str) -> bool:
        return host.lower().rstrip(".") in self.hosts

    def holds(self, address: str) -> bool:
        """Whether the very address, or the IPv4 address that it stands for, lies in one of the networks."""
        found = carried(address)
        return any(found in network for network in self.networks)


@dataclass(frozen=True)
class Guard:
    """Says to which addresses a connection to a host may go."""

    allowance: Allowance
    resolve: Resolver

    async def addresses(self, host: str, port: int, *, usual_port: bool) -> list[str]:
        """The addresses of the host, every one of them checked; whoever connects takes these and asks no name server
        again. usual_port: whether the port is one that anybody may name.

        Raises ReferenceRefusedError, whose text does not tell whether a name exists that is known only inside.
        """
        try:
            async with asyncio.timeout(LOOKUP_SECONDS):
                found = list(await self.resolve(host, port))
        except (OSError, UnicodeError):  # a timeout is an OSError
            found = []
        allowed = self.allowance
        if found and (allowed.names(host) or all(map(allowed.holds, found))):
            return found
        if not found or not all(is_public(address) or allowed.holds(address) for address in found):
            raise ReferenceRefusedError(
                "the host has no public address, as far as this service can see; the operator may name it in "
                "UNMIX_OUTBOUND_ALLOW"
            )
        if not usual_port:
            raise ReferenceRefusedError("the port is not one of the web: 80, 443, or 1024 and above")
        return found


def carried(address: str) -> IPv4Address | IPv6Address:
    """The address, or the IPv4 address that it is mapped from or translated to.

    >>> carried("::ffff:127.0.0.1"), carried("64:ff9b::a00:1")
    (IPv4Address('127.0.0.1'), IPv4Address('10.0.0.1'))
    """
    found = ip_address(address)
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return found.ipv4_mapped
        if found in TRANSLATED:
            return IPv4Address(int(found) & 0xFFFFFFFF)
    return found


def is_public(address: str) -> bool:
    """Whether anybody on the internet could ask this address.

    >>> is_public("93.184.215.14"), is_public("169.254.169.254"), is_public("fd00::1")
    (True, False, False)
    """
    found = carried(address)
    if any(found in network for network in REFUSED):
        return False
    if isinstance(found, IPv6Address) and (found not in GLOBAL_UNICAST or found.scope_id):
        return False
    return found.is_global and not found.is_multicast and not found.is_reserved


async def lookup(host: str, port: int) -> list[str]:
    """The addresses that the system knows for a host. Raises OSError."""
    ask = asyncio.get_running_loop().run_in_executor
    found = await ask(_LOOKUPS, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
