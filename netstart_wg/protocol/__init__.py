"""WireGuard without I/O: time comes in as an argument, packets as values."""
