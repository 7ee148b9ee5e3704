"""OpenBSD's way of running WireGuard, on Linux."""
