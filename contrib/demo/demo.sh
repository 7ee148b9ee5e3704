#!/bin/sh
# A WireGuard tunnel between two hosts, on this one machine, in a few seconds: `make demo`.
#
#        left                                             right
#    wg0 10.0.0.1        the tunnel, encrypted        wg0 10.0.0.2
#        fd00::1   ................................       fd00::2
#          .                                                .
#    eth0 192.0.2.1 ───────── a cable ────────────── eth0 192.0.2.2
#
# The hosts are made of Linux namespaces: each has its own network, its own /run and its own
# processes, and shares the other files with you.  Nothing outside them is touched, and when
# this script ends, for whatever reason, they are gone.
#
# It needs root, or a kernel that lets you be root of a namespace of your own.
set -eu

demo=$(cd "$(dirname "$0")" && pwd)
bin=${NETSTART_WG_BIN:-$(cd "$demo/../.." && pwd)/.venv/bin}
PATH=$bin:$PATH:/usr/local/sbin:/usr/sbin:/sbin

fail() {
	echo "demo: $*" >&2
	exit 1
}

# ---- May we? ------------------------------------------------------------------------------

command -v netstart-wg >/dev/null || fail "no netstart-wg in $bin; run: make demo"

if [ "$(id -u)" -ne 0 ]; then
	unshare --user --map-root-user --net --mount true 2>/dev/null ||
		fail "you are not root, and this kernel gives you no user namespace; run: sudo make demo"
	exec unshare --user --map-root-user --net --mount "$demo/demo.sh"
fi

[ -c /dev/net/tun ] || fail "there is no /dev/net/tun; as root: modprobe tun"
(: <>/dev/net/tun) 2>/dev/null ||
	fail "you may not open /dev/net/tun; as root: chmod 666 /dev/net/tun, or run: sudo make demo"

# ---- Clean up, whatever happens -----------------------------------------------------------

holders=
folder=$(mktemp -d)

clean() {
	status=$?
	trap - EXIT INT TERM
	# Each host hangs on one process; the kernel ends the rest with it.
	for holder in $holders; do
		kill -KILL "$holder" 2>/dev/null || :
		wait "$holder" 2>/dev/null || :
	done
	rm -rf "$folder"
	if [ "$status" -eq 0 ]; then
		say "Everything is removed again.  The demo went well."
	else
		echo "demo: failed ($status); everything is removed again" >&2
	fi
	exit "$status"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# ---- Words for what follows ---------------------------------------------------------------

say() {
	printf '\n== %s\n\n' "$*"
}

# on HOST COMMAND...: show the command, and run it in the host.
on() {
	host=$1
	shift
	echo "$host# $*"
	inside "$host" "$@"
}

inside() {
	case $1 in
	left) target=$left ;;
	right) target=$right ;;
	esac
	shift
	nsenter --target="$target" --net --mount --pid -- "$@"
}

# new_host NAME: start a process with namespaces of its own; leave its number in $new.
# It lasts ten minutes, should this script be killed before it can clean up.
new_host() {
	mkfifo "$folder/$1.pid"
	# shellcheck disable=SC2016  # the inner shell's variables
	unshare --net --mount --pid --fork --kill-child sh -euc '
		read -r pid rest </proc/self/stat
		mount -t proc proc /proc
		mount -t sysfs sysfs /sys
		mount -t tmpfs -o mode=755 tmpfs /run
		mount -t tmpfs -o mode=755 tmpfs /var/lib
		ip link set lo up
		echo "$pid"
		exec sleep 600 >/dev/null
	' >"$folder/$1.pid" </dev/null &
	holders="$holders $!"
	read -r new <"$folder/$1.pid" || fail "cannot make the host $1"
}

# hostname_file HOST LINES...: write the host's hostname.wg0, and show it without its key.
hostname_file() {
	host=$1
	shift
	printf '%s\n' "$@" >"$folder/$host/hostname.wg0"
	echo "$folder/$host/hostname.wg0:"
	sed -E 's/^(wgkey) [^ ]*/\1 (hidden)/; s/^/    /' "$folder/$host/hostname.wg0"
	echo
}

# ---- The demo -----------------------------------------------------------------------------

say "Two hosts, joined by a cable"
new_host left
left=$new
new_host right
right=$new
# Made within one host, so that your own network never sees it.
echo "left# ip link add eth0 type veth peer name eth0 netns $right"
nsenter --target="$left" --net -- ip link add eth0 type veth peer name eth0 netns "$right"
on left ip address add 192.0.2.1/24 dev eth0
on left ip link set eth0 up
on right ip address add 192.0.2.2/24 dev eth0
on right ip link set eth0 up

say "A key for each, and a hostname file for each"
umask 077 # what follows holds secrets
for host in left right; do
	mkdir "$folder/$host"
	cd "$folder/$host"
	echo "$host# wg genkey | tee private | wg pubkey >public"
	wg genkey | tee private | wg pubkey >public
done
cd /
echo
# Only left is told where the other one is; right learns it from the first packet.
hostname_file left \
	"wgkey $(cat "$folder/left/private")" \
	"wgpeer $(cat "$folder/right/public") wgdescr right wgendpoint 192.0.2.2 51820 \\" \
	"	wgaip 10.0.0.2/32 wgaip fd00::2/128" \
	"inet 10.0.0.1/24" \
	"inet6 fd00::1/64"
hostname_file right \
	"wgkey $(cat "$folder/right/private") wgport 51820" \
	"wgpeer $(cat "$folder/left/public") wgdescr left wgaip 10.0.0.1/32 wgaip fd00::1/128" \
	"inet 10.0.0.2/24" \
	"inet6 fd00::2/64"

# netstart-wg starts engines that become a user of their own, and root of a namespace of one's own
# is often its only user.
if ! awk '$1 <= 65530 && 65530 < $1 + $3 { found = 1 } END { exit !found }' /proc/self/uid_map; then
	say "Here is no other user for an engine to become: it is started beforehand, and remains root"
	on right netstart-wgd --keep-root wg0
	on left netstart-wgd --keep-root wg0
fi

say "netstart-wg makes it so"
on right netstart-wg -C "$folder/right"
on left netstart-wg -C "$folder/left"

say "There and back through the tunnel, over IPv4 and IPv6"
on left ping -n -c 3 -i 0.2 10.0.0.2
on left ping -n -c 3 -i 0.2 fd00::2
on right ping -n -c 3 -i 0.2 10.0.0.1
on right ping -n -c 3 -i 0.2 fd00::1

say "What each end says of it"
on left netstart-wg status wg0
echo
on right netstart-wg status wg0

say "netstart-wg again: what is so already is left alone"
for host in left right; do
	on "$host" netstart-wg -C "$folder/$host" >"$folder/again" 2>&1 || {
		cat "$folder/again" >&2
		fail "the second run failed"
	}
	# The first line is the command itself.
	cat "$folder/again"
	[ "$(wc -l <"$folder/again")" -eq 1 ] || fail "the second run should have had nothing to say"
	echo "(it said nothing, and changed nothing)"
done
