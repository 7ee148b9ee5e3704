"""Linux outside WireGuard: netlink, files, names, commands, locks, records."""
