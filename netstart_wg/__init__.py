"""OpenBSD's way of running WireGuard, on Linux."""

VERSION = "0.1.0"
