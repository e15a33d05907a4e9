#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Help, manual and completion, which are made from one table: they say the same.

load helpers

verbs() { "$RUNTIME" --help | sed -n '/^commands:/,/^$/ s/^  \([a-z]*\) .*/\1/p'; }
# The options that the help of a command lists: [command]
options_in_help() { "$RUNTIME" $1 --help | grep -oE -- '^ +(-[a-z], )?--[a-z0-9-]+' | grep -oE -- '--[a-z0-9-]+'; }

@test "every command has a page of the manual with all that its help says" {
	local verb option page
	for verb in $(verbs); do
		page=$("$RUNTIME" man "$verb" | groff -man -ww -Tascii -P-cbou 2> "$T/warnings")
		same "" "$(< "$T/warnings")"
		contains "$page" "strake-$verb - "
		contains "$(tr -s ' \n' ' ' <<< "$page")" "$("$RUNTIME" "$verb" --help | sed -n '1 s/^usage: //p')"
		for option in $(options_in_help "$verb"); do
			grep -qE -- "^ +(-[a-z], )?$option( |$)" <<< "$page" || fail "$verb: no $option in: $page"
		done
	done
}

@test "the page of the program lists commands and global options" {
	local verb option page
	page=$("$RUNTIME" man | groff -man -ww -Tascii -P-cbou 2> "$T/warnings")
	same "" "$(< "$T/warnings")"
	for verb in $(verbs); do
		contains "$page" "strake-$verb(8)"
	done
	for option in $(options_in_help ""); do
		contains "$page" "$option"
	done
	refused 'unknown command "sail"' man sail
}

# What bash offers for the last of these words.
complete_bash() { # words...
	PATH=$(dirname "$RUNTIME"):$PATH bash -c '
		source "$1"; shift
		COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
		_strake; printf "%s\n" "${COMPREPLY[@]}"' - "$T/bash" "$@"
}

@test "bash completes commands, options, values and containers" {
	"$RUNTIME" completion bash > "$T/bash"
	ln -s "$RUNTIME" "$T/strake"
	same "pause
policy
ps" "$(complete_bash strake p | sort)"
	same "--pid-file
--pidfd-socket" "$(complete_bash strake --debug create --pid | sort)"
	same "systemd" "$(complete_bash strake --cgroup-manager sys)"
	same "zsh" "$(complete_bash strake completion z)"
	mkdir "$T/folder"
	same "$T/folder" "$(complete_bash strake run --bundle "$T/fol")"
	same "" "$(complete_bash strake run --preserve-fds 1)"
	start_sleeper
	same "$ID" "$(complete_bash "$RUNTIME" --root "$ROOT" kill "$ID")"
	local verb option
	for verb in $(verbs); do
		for option in $(options_in_help "$verb"); do
			contains "$(complete_bash strake "$verb" --)" "$option"
		done
	done
}

# What fish offers for a line.
complete_fish() {
	HOME=$T PATH=$T:$PATH fish --no-config -c 'source $argv[1]; complete -C $argv[2]' "$T/fish" "$1" | cut -f 1
}

@test "fish completes commands, options, values and containers" {
	"$RUNTIME" completion fish > "$T/fish"
	ln -s "$RUNTIME" "$T/strake"
	same "pause
policy
ps" "$(complete_fish "strake p" | sort)"
	same "--pid-file
--pidfd-socket" "$(complete_fish "strake create --pid" | sort)"
	same "systemd" "$(complete_fish "strake --cgroup-manager sys")"
	start_sleeper
	same "$ID" "$(complete_fish "strake --root $ROOT kill c")"
}

@test "zsh takes its completion" {
	"$RUNTIME" completion zsh > "$T/zsh"
	zsh -n "$T/zsh"
	# As a file of $fpath, where compinit finds it by its first line.
	mkdir "$T/functions"
	cp "$T/zsh" "$T/functions/_strake"
	same "_strake" "$(HOME=$T zsh -f -c 'fpath=($1 $fpath); autoload -U compinit; compinit -u -D
		echo $_comps[strake]' - "$T/functions")"
}

@test "an unknown shell is refused" {
	refused 'no completion for "tcsh": bash, zsh and fish are known' completion tcsh
}
