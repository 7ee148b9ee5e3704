"""The same as `status`, for programs: one versioned JSON object.

A field may be added under the same schema name; one that goes away or changes
its meaning takes the next number.  No secret is in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime

from netstart_wg.model.address import Endpoint, IPInterface
from netstart_wg.model.now import NANOSECONDS_PER_SECOND
from netstart_wg.model.state import InterfaceState, PeerState, WireGuardState
from netstart_wg.render.status import InterfaceStatus, flag_names, handshake_age_seconds

SCHEMA = "netstart-wg/status/1"

Json = None | bool | int | str | list["Json"] | dict[str, "Json"]


def render_status_json(statuses: Iterable[InterfaceStatus], realtime_ns: int) -> str:
    """Return the object as text with a newline at its end; `realtime_ns` is the wall clock."""
    document: Json = {
        "schema": SCHEMA,
        "time": _date(realtime_ns),
        "interfaces": [_interface(status, realtime_ns) for status in statuses],
    }
    return json.dumps(document, indent=2) + "\n"


def _interface(status: InterfaceStatus, realtime_ns: int) -> Json:
    state, engine = status.state, status.state.wireguard
    return {
        "name": state.name,
        "index": state.index,
        "up": state.is_up,
        "flags": state.flags,
        "flag_names": list(flag_names(state.flags)),
        "rdomain": state.rdomain,
        "mtu": state.mtu,
        "description": state.description,
        "groups": list(status.groups),
        "addresses": _addresses(state),
        "engine": _engine(status, engine, realtime_ns) if engine else None,
    }


def _addresses(state: InterfaceState) -> Json:
    broadcasts: dict[IPInterface, str] = {
        address: str(broadcast) for address, broadcast in state.broadcasts
    }
    return [
        {
            "address": str(address),
            "broadcast": broadcasts.get(address),
            "made_by_kernel": address in state.kernel_addresses,
        }
        for address in (*state.kernel_addresses, *state.addresses)
    ]


def _engine(status: InterfaceStatus, engine: WireGuardState, realtime_ns: int) -> Json:
    return {
        "implementation": engine.implementation,
        "public_key": status.public_key.to_base64() if status.public_key else None,
        "listen_port": engine.listen_port or None,
        "fwmark": engine.fwmark or None,
        "wgrtable": engine.wgrtable,
        "offloads": list(engine.offloads),
        "drops": dict(engine.drops),
        "send_errors": dict(engine.send_errors),
        "peers": [_peer(peer, realtime_ns) for peer in engine.peers],
    }


def _peer(peer: PeerState, realtime_ns: int) -> Json:
    has_handshake = bool(peer.last_handshake_ns)
    return {
        "public_key": peer.public_key.to_base64(),
        "description": peer.description,
        "preshared_key": peer.preshared_key is not None,
        "endpoint": _endpoint(peer.endpoint) if peer.endpoint else None,
        "persistent_keepalive": peer.persistent_keepalive or None,
        "last_handshake": _date(peer.last_handshake_ns) if has_handshake else None,
        "last_handshake_age_seconds": handshake_age_seconds(peer, realtime_ns),
        "tx_bytes": peer.tx_bytes,
        "rx_bytes": peer.rx_bytes,
        "refused_offloads": list(peer.refused_offloads),
        "allowed_ips": [str(network) for network in peer.allowed_ips],
    }


def _endpoint(endpoint: Endpoint) -> Json:
    return {
        "address": str(endpoint.address),
        "scope_id": endpoint.scope_id or None,
        "port": endpoint.port,
    }


def _date(realtime_ns: int) -> str:
    """Return whole seconds as RFC 3339 writes them, in UTC."""
    moment = datetime.fromtimestamp(realtime_ns // NANOSECONDS_PER_SECOND, tz=UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
