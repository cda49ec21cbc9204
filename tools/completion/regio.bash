# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Completion of the command regio for bash. What there is to complete comes from the command itself,
# which prints it from the tables that it reads options by.

# The names in a help text: options with their values, commands, cases, implementations.
__regio_names()
{
	sed -n "s/^  \($1\) *.*/\1/p"
}

# __regio_list HEADING TOOL: the names below a heading of `regio bench --list`.
__regio_list()
{
	"$2" bench --list 2>/dev/null | sed -n "/^$1:/,/^\$/p" | __regio_names '[a-z][a-z-]*'
}

# Completes the last of several values with commas between.
__regio_last_of_list()
{
	local before=
	[[ $1 != *,* ]] || before=${1%,*},
	mapfile -t COMPREPLY < <(compgen -P "$before" -W "$2" -- "${1##*,}")
	compopt -o nospace 2>/dev/null
}

# What the help calls the value of an option: "FILE", "N", nothing.
__regio_value_of()
{
	sed -n "s/^  $1 \([^ ]\{1,\}\) .*/\1/p" <<<"$2"
}

__regio_value()
{
	local word=$1 option=$2 tool=$3 value=$4

	case $option:$value in
	*:FILE) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
	--interface:*,*) __regio_last_of_list "$word" "$(ls /sys/class/net 2>/dev/null)" ;;
	--interface:*)
		mapfile -t COMPREPLY < <(compgen -W "$(ls /sys/class/net 2>/dev/null)" -- "$word")
		;;
	--impl:*) __regio_last_of_list "$word" "$(__regio_list implementations "$tool")" ;;
	*) COMPREPLY=() ;;
	esac
}

_regio()
{
	local tool=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD - 1]}
	local -a command=("${COMP_WORDS[1]:-}")
	local help value words

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		words="$("$tool" help 2>/dev/null | __regio_names '[a-z][a-z]*') --help --version"
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
		return
	fi
	if [[ ${command[0]} == feed ]]; then
		if ((COMP_CWORD == 2)); then
			mapfile -t COMPREPLY < <(compgen -W 'publish subscribe --help' -- "$word")
			return
		fi
		command+=("${COMP_WORDS[2]}")
	elif [[ ${command[0]} == help ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$("$tool" help | __regio_names '[a-z][a-z]*')" \
			-- "$word")
		return
	fi
	help=$("$tool" "${command[@]}" --help 2>/dev/null) || return
	value=$(__regio_value_of "$last" "$help")
	if [[ $last == --* && -n $value ]]; then
		__regio_value "$word" "$last" "$tool" "$value"
		return
	fi
	words=$(__regio_names '--[a-z-]*' <<<"$help")
	if [[ $word != -* ]]; then
		case ${command[0]} in
		bench) words=$(__regio_list cases "$tool") ;;
		serve | load) words='echo sink source' ;;
		esac
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _regio regio
