# Completion of netstart-wg(8) for bash: nothing but bash is needed.
# Installed as netstart-wg below share/bash-completion/completions; or source it.

# Offer those of some words that begin with what has been typed.
_netstart_wg_offer()
{
	mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$*" -- "$current")
}

# Offer names: -f of files, -d of folders.
_netstart_wg_offer_files()
{
	compopt -o filenames 2>/dev/null
	mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen "$1" -- "$current")
}

# Offer the interfaces that have a hostname file, or an engine, or are there.
_netstart_wg_offer_interfaces()
{
	local folder=/etc path name names=' '
	local -i at
	for ((at = 1; at < COMP_CWORD; at++)); do
		[[ ${COMP_WORDS[at]} == -C ]] && folder=${COMP_WORDS[at + 1]/#\~/$HOME}
	done
	for path in "$folder"/hostname.* /var/run/wireguard/*.sock /sys/class/net/wg*; do
		name=${path##*/}
		name=${name#hostname.}
		name=${name%.sock}
		[[ $name =~ ^[a-z]+[0-9]+$ && $names != *" $name "* ]] && names+="$name "
	done
	_netstart_wg_offer "$names"
}

# Offer the rdomains that there are.
_netstart_wg_offer_rdomains()
{
	local path numbers=0
	for path in /run/netns/rdomain[0-9]*; do
		[[ -e $path ]] && numbers+=" ${path##*/rdomain}"
	done
	_netstart_wg_offer "$numbers"
}

# Offer some words after the last comma.
_netstart_wg_offer_list()
{
	local before=${current%"${current##*,}"} word words=
	for word; do
		words+=" $before$word"
	done
	_netstart_wg_offer "$words"
}

# Offer words of ifconfig, unless the one before takes an argument.
_netstart_wg_offer_words()
{
	case $previous in
	-group | broadcast | descr | description | dest | group | llprio | metric | mtu | netmask | \
		prefixlen | priority | rdomain | rtlabel | wgaip | -wgpeer | wgdescr | wgdescription | \
		wgendpoint | wgkey | wgpeer | wgpka | wgport | wgpsk | wgrtable) return ;;
	esac
	[[ ${COMP_WORDS[COMP_CWORD - 2]} == wgendpoint ]] && return
	_netstart_wg_offer alias -alias broadcast create -debug debug delete -descr descr -description \
		description dest destroy down -group group -inet inet -inet6 inet6 llprio metric mtu \
		netmask prefixlen priority -rdomain rdomain -rtlabel rtlabel up wgaip -wgdescr wgdescr \
		-wgdescription wgdescription wgendpoint wgkey -wgpeer wgpeer -wgpeerall wgpka \
		wgport -wgpsk wgpsk wgrtable
}

# Offer a command, and then files.
_netstart_wg_offer_command()
{
	case $COMP_CWORD in
	2) _netstart_wg_offer -T --help -h ;;
	4) mapfile -t COMPREPLY < <(compgen -c -- "$current") ;;
	*) _netstart_wg_offer_files -f ;;
	esac
}

# Offer what an option takes; fail if it takes nothing.
_netstart_wg_offer_value()
{
	case $1 in
	--allow) _netstart_wg_offer_list held key peers readable-secret rebuild takeover ;;
	--confirm) _netstart_wg_offer 30s 5m 1h ;;
	--format) _netstart_wg_offer errorformat json text ;;
	--show | --to) ;;
	-C) _netstart_wg_offer_files -d ;;
	-T) _netstart_wg_offer_rdomains ;;
	*) return 1 ;;
	esac
}

_netstart_wg()
{
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local command='' options words=interfaces
	((COMP_CWORD > 1)) && command=${COMP_WORDS[1]}
	COMPREPLY=()

	case $command in
	check) options='--format --live --openbsd' words=files ;;
	confirm) options=--revert ;;
	debug) options= ;;
	exec) options=-T words=command ;;
	fmt) options='--check -w' words=files ;;
	history) options=--show ;;
	ifconfig) options='-A -a' ;;
	rollback) options='--confirm --no-confirm --to -C -n -v' ;;
	status) options=--json ;;
	stop) options=-v ;;
	*)
		command=
		options='--allow --confirm --json --no-confirm --version -C -n -v'
		;;
	esac
	if [[ "$command ${COMP_WORDS[*]:0:COMP_CWORD} " == check*' --live '* ]]; then
		options='--json -C' words=interfaces
	elif [[ $command == ifconfig ]] && ((COMP_CWORD > 2)); then
		words=ifconfig
	fi

	if [[ " $options " == *" $previous "* ]] && _netstart_wg_offer_value "$previous"; then
		return
	fi
	case $words,$current in
	command,*) _netstart_wg_offer_command ;;
	ifconfig,*) _netstart_wg_offer_words ;;
	*,-*) _netstart_wg_offer "$options --help -h" ;;
	files,*) _netstart_wg_offer_files -f ;;
	*)
		((COMP_CWORD > 1)) ||
			_netstart_wg_offer check confirm debug exec fmt history ifconfig rollback status stop
		_netstart_wg_offer_interfaces
		;;
	esac
}

complete -F _netstart_wg netstart-wg
