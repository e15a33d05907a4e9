#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The attacks once more: under node policies, where their verdicts must be the same, and by runtimes that are
# known to lose some, where the tests must notice. P38 and P41 number the cases.

load helpers

# Runs tests of another file here: file, regex of names, [variables]. What they print is in $said.
again() {
	local file=$1 names=$2
	shift 2
	said=$(env -u BATS_TEST_TMPDIR -u BATS_RUN_TMPDIR -u BATS_SUITE_TMPDIR -u BATS_FILE_TMPDIR \
		-u CLI_RACES "$@" timeout 240 bats --tap --filter "$names" "$HERE/attacks_$file.bats" 3>&- 2>&1) || true
}

# default.json without its own filter, so that the other lines have to hold, too.
same_verdicts() { # file
	[[ ! $FOREIGN ]] || skip "policies are ours"
	jq 'del(.rules[] | select(.name == "filter"))' "$HERE/../../policies/default.json" > "$T/policy.json"
	again "$1" . CLI_POLICY="$T/policy.json"
	[[ $(grep -c '^ok ' <<< "$said") -ge 10 ]] || fail "$said"
	no grep '^not ok ' <<< "$said" || fail "$said"
}

@test "P38: attacks by paths end under a policy as they do without" { same_verdicts paths; }
@test "P38: attacks by processes end under a policy as they do without" { same_verdicts process; }
@test "P38: attacks by the configuration end under a policy as they do without" { same_verdicts config; }

# What an attacker tries first, as root with every capability in the spec; the names of what is denied.
@test "P38: attacks that need a system call are denied, each with a record that names it" {
	[[ ! $FOREIGN ]] || skip "policies are ours"
	[[ $(uname -m) == x86_64 ]] || skip "the numbers of the system calls are those of x86_64"
	local call numbers=(
		165:mount 166:umount2 155:pivot_root 272:unshare 308:setns 435:clone3 175:init_module 246:kexec_load
		248:add_key 250:keyctl 298:perf_event_open 304:open_by_handle_at 321:bpf 323:userfaultfd 425:io_uring_setup
		428:open_tree 429:move_mount 430:fsopen 442:mount_setattr 163:acct 167:swapon 169:reboot 172:iopl 173:ioperm)
	cp -r "$HERE/../../policies/seccomp" "$T/seccomp"
	jq '.rules[0].seccomp.report = true' "$HERE/../../policies/default.json" > "$T/policy.json"
	globally --policy "$T/policy.json" --policy-report "$T/report"
	script "for call in ${numbers[*]%%:*}; do probe syscall \$call || true; done; probe syscall 41 38 5 0 || true"
	run_ok
	lacks "$output" "0"
	for call in "${numbers[@]#*:}" socket; do
		same "default true" "$(jq -rs --arg c "$call" 'map(select(.name == $c))[0] | "\(.policy) \(.rule | length > 0)"' "$T/report")"
	done
}

# Those that Debian 12 ships. Newer ones have learned.
peer() { # name, version
	PEER=$(echo "$HERE/../../build/runtimes/usr/"*bin/"$1")
	PEER=${PEER%% *}
	[[ -x $PEER ]] || skip "there is no $1 here: hack/debian unpack own build/runtimes crun runc"
	[[ $("$PEER" --version) == *"$1 version $2"* ]] || skip "the runtimes of this release are not those known to lose"
}

loses() { # file, regex of names
	again "$1" "$2" RUNTIME="$PEER"
	grep -q '^not ok' <<< "$said" || fail "nothing was noticed:
$said"
}

@test "P41: the test of leaked folders (A3) notices an old crun" { peer crun 1.8.1; loses paths '^A3:'; }
@test "P41: the test of mounts over procfs (A4) notices an old crun" { peer crun 1.8.1; loses paths '^A4:'; }
@test "P41: the test of /dev as a symlink (A15) notices an old crun" { peer crun 1.8.1; loses paths '^A15:'; }
@test "P41: the test of masks by /dev/null (A12) notices an old runc" { peer runc 1.1.5; loses paths '^A12:'; }
@test "P41: the test of /dev as a symlink (A15) notices an old runc" { peer runc 1.1.5; loses paths '^A15:'; }
