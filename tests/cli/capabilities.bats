#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The five sets through execve(2): who asks for what and what is left, without a node policy.
# K is CAP_KILL (bit 5), C is CAP_CHOWN (bit 0).

load helpers

# uid, noNewPrivileges, bounding, permitted = effective, inheritable, ambient
given() {
	config --argjson uid "$1" --argjson nnp "$2" --arg b "$3" --arg p "$4" --arg i "$5" --arg a "$6" '
		def caps: split("") | map({ "K": "CAP_KILL", "C": "CAP_CHOWN" }[.]);
		.process.user = { uid: $uid, gid: $uid } | .process.noNewPrivileges = $nnp |
		.process.capabilities = { bounding: ($b | caps), permitted: ($p | caps), effective: ($p | caps),
			inheritable: ($i | caps), ambient: ($a | caps) }'
	payload sh -c 'grep ^Cap /proc/self/status; grep NoNewPrivs /proc/self/status'
}

letters() {
	local n=$((0x$1)) text=
	((n & 1 << 5)) && text+=K
	((n & 1 << 0)) && text+=C
	((n & ~(1 << 5 | 1))) && text+=MORE
	echo "${text:--}"
}

# inheritable, permitted, effective, bounding, ambient after execve
leaves() {
	run_ok
	same "$*" "$(for set in Inh Prm Eff Bnd Amb; do
		letters "$(awk -v s="Cap$set:" '$1 == s { print $2 }' <<< "$output")"
	done | paste -sd ' ')"
}

@test "root gets what bounding allows: permitted is no limit to it" {
	given 0 false KC K "" ""
	leaves - KC KC KC -
}

@test "with no_new_privs, permitted binds root too" {
	given 0 true KC K "" ""
	leaves - K K KC -
}

@test "bounding wins over permitted" {
	given 0 false K KC "" ""
	leaves - K K K -
	given 0 true K KC "" ""
	leaves - K K K -
}

@test "inheritable outside bounding is cut, not an error" {
	given 0 true K KC KC ""
	leaves K K K K -
}

@test "another user loses what is only permitted" {
	given 1000 true K K "" ""
	leaves - - - K -
	given 1000 false K K "" ""
	leaves - - - K -
}

@test "inheritable alone gives another user nothing" {
	given 1000 true K K K ""
	leaves K - - K -
}

@test "ambient makes capabilities of another user last" {
	given 1000 true K K K K
	leaves K K K K K
	given 1000 false K K K K
	leaves K K K K K
}

@test "ambient without inheritable is not raised" {
	given 1000 true K K "" K
	leaves - - - K -
}

@test "nothing is left where bounding is empty" {
	given 1000 true "" K K K
	leaves - - - - -
	given 0 false "" K K K
	leaves - - - - -
}

@test "an absent object is five empty sets, for root and others, init and exec, with and without no_new_privs" {
	local uid nnp
	for uid in 0 1000; do
		for nnp in true false; do
			given $uid $nnp "" "" "" ""
			config 'del(.process.capabilities)'
			leaves - - - - -
			payload sleep 1000
			start
			ok exec "$ID" grep ^Cap /proc/self/status
			same 0000000000000000 "$(awk '{ print $2 }' <<< "$output" | sort -u)"
			ok delete -f "$ID"
		done
	done
}

@test "a seccomp filter changes nothing of it" {
	# Loading one without no_new_privs needs CAP_SYS_ADMIN, which must not be left over.
	config '.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW",
		syscalls: [ { names: [ "getppid" ], action: "SCMP_ACT_ERRNO" } ] }'
	given 0 false KC K "" ""
	leaves - KC KC KC -
	given 0 true KC K "" ""
	leaves - K K KC -
	given 1000 false K K K K
	leaves K K K K K
	given 1000 true K K "" ""
	leaves - - - K -
	given 0 false "" "" "" ""
	leaves - - - - -
}

@test "a user namespace changes nothing of it" {
	userns_add
	given 0 false KC K "" ""
	leaves - KC KC KC -
	given 1000 true K K K K
	leaves K K K K K
}

@test "all names of the kernel's capabilities are known, in both spellings" {
	local last names
	last=$(cat /proc/sys/kernel/cap_last_cap)
	ok features
	names=$(jq -c '.linux.capabilities' <<< "$output")
	same "$((last + 1))" "$(jq length <<< "$names")"
	config --argjson n "$names" '.process.capabilities = { bounding: $n, permitted: $n, effective: $n }'
	payload grep CapPrm /proc/self/status
	run_ok
	# As far as the caller has them.
	same "$(grep CapPrm /proc/self/status)" "$output"
	config '.process.capabilities |= map_values(map(ltrimstr("CAP_")))'
	run_ok
	same "$(grep CapPrm /proc/self/status)" "$output"
}

@test "an unknown capability is refused by name" {
	config '.process.capabilities.bounding += [ "CAP_SAIL" ]'
	run_refused 'no capability "CAP_SAIL"'
}

@test "securebits and keepcaps are as the kernel gives them at boot" {
	# PR_GET_SECUREBITS, PR_GET_KEEPCAPS
	script 'probe syscall prctl 27; probe syscall prctl 7'
	config '.process.user = { uid: 1000, gid: 1000 }'
	run_ok
	same "0
0" "$output"
}
