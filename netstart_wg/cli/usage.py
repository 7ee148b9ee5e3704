"""What `netstart-wg` says of its own use."""

from __future__ import annotations

PROGRAM = "netstart-wg"

USAGE = f"""\
usage: {PROGRAM} [-nv] [-C directory] [--json] [--allow what]
                   [--confirm time | --no-confirm] [interface ...]
       {PROGRAM} confirm [--revert] [interface ...]
       {PROGRAM} history [--show number] [interface ...]
       {PROGRAM} rollback [-nv] [-C directory] [--to number]
                   [--confirm time | --no-confirm] [interface ...]
       {PROGRAM} stop [-v] [interface ...]
       {PROGRAM} status [--json] [interface]
       {PROGRAM} ifconfig [-aA] [interface [word ...]]
       {PROGRAM} debug interface
       {PROGRAM} exec -T rdomain command [argument ...]
       {PROGRAM} check [--openbsd] [--format text|json|errorformat] file ...
       {PROGRAM} check --live [--json] [-C directory] [interface ...]
       {PROGRAM} fmt [-w | --check] file ..."""

HELP = f"""\
{USAGE}

Make WireGuard interfaces what their hostname files say: those named, or every
wgN that has a file.

  -n            change nothing; print what would change, exit 2 if anything would: - is
                what runs, + is wanted, ! in front loses a session
  -v            print each change as it is made, instead of a summary
  -C directory  read the hostname files and netstart-wg.toml there instead of in /etc
  --json        one JSON object instead: what differs or differed, why, and how it ended
  --allow what  do what is otherwise refused as a likely mistake: key, peers, takeover,
                rebuild, readable-secret, held; several with commas between
  --confirm time  go back by itself after that time (30s, 5m, 1h), unless `{PROGRAM}
                confirm` comes first
  --no-confirm  change for good, also the tunnel that one's own SSH connection runs through,
                which else goes back as by --confirm 5m
  --version     print the version
  -h, --help    print this

confirm lets changes that were made with --confirm stay: of the interfaces named, or all
that wait. Exit 1 if there is nothing to confirm, or it comes too late.

  --revert      go back at once instead

history lists the last ten states that were applied to each interface.

  --show number  print the hostname file of that one, without its secrets

rollback makes an interface what it was in the state before the present one; options as
above. The hostname file stays as it is, and is left alone until it is edited.

  --to number   the state to go back to

stop takes away the interfaces named, or all that {PROGRAM} has made, with their routes, rules
and rdomains; hostname files stay.

  -v            print each step, instead of a summary

status prints interfaces in the layout of OpenBSD's ifconfig:

  --json        one JSON object instead, with everything there is to know

ifconfig is OpenBSD's, for WireGuard interfaces and groups of them: words change
an interface and leave alone what they do not mention; without words it is shown.

  -a            show every interface, but no peers; as without an interface
  -A            show every interface with its peers

debug prints what the engine of an interface does, line by line as it happens, while
`debug` is set on the interface; it ends with the interface, or when interrupted.

exec runs a command in an rdomain, as OpenBSD's route does:

  -T rdomain    its number; 0 is where {PROGRAM} itself runs

check prints what is wrong with hostname files or a netstart-wg.toml, or odd about
them; it takes no root and changes nothing. Exit 65 if there is an error.

  --openbsd     also warn of what OpenBSD's netstart would read differently
  --format how  text (the default), json, or errorformat: one line each, for editors

check --live holds what runs against the files, as root, for monitoring: a line for each
difference, pending if the file is newer, drift if somebody has changed what was applied.
Exit 2 if there are any; it is quiet if there are none, and changes nothing.

  --json        one JSON object instead

fmt prints hostname files in canonical layout, with the keys that are in them:

  -w            write them back instead, where anything changes
  --check       print the names of those that would change instead, exit 2 if any

See netstart-wg(8), hostname.wg(5) and netstart-wg.toml(5)."""
