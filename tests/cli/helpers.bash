# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2016,SC2034
#
# What every file loads ($name in single quotes is jq's). A test gets a bundle that runs as it stands, changes it with `config`,
# `payload` and `script`, and calls the runtime through `ok`, `refused` and `rt`. After each test
# its containers are deleted by force, and it fails if a process, mount, cgroup or file is left.

bats_require_minimum_version 1.5.0

export BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-300} # of bats 1.9 and newer
LIMIT=60 # seconds for one call of the runtime

# Outside of it "all that the tests have made" would be all that the machine has.
: "${CAGE_CGROUP:?these tests run in a cage alone: tests/cli/run [FILE.bats]}"

HERE=$BATS_TEST_DIRNAME
GLOBAL=(${CLI_POLICY:+--policy "$CLI_POLICY"}) # options in front of the verb, in every call
globally() { GLOBAL=("$@"); }

# --- the bundle ----------------------------------------------------------------------------------

# A new bundle in a folder.
bundle_new() { # folder
	local dir=$1
	mkdir -p "$dir"
	cp -a "$CAGE_WORK/rootfs" "$dir/rootfs"
	# Hooks and sockets are reached by other users, too.
	chmod 755 "$dir"
	config_new "$dir"
}

# The config.json to begin with: [folder]. Others know older versions, and other places for cgroups.
config_new() {
	local dir=${1:-$BUNDLE}
	cp "$HERE/config.json" "$dir/config.json"
	[[ ! $FOREIGN ]] || BUNDLE=$dir config --arg path "$CAGE_CGROUP/$ID" \
		'.ociVersion = "1.0.2" | .linux.cgroupsPath = $path'
}

# Changes config.json: [jq options] FILTER
config() {
	jq "$@" < "$BUNDLE/config.json" > "$BUNDLE/config.new"
	mv "$BUNDLE/config.new" "$BUNDLE/config.json"
}

# What the container runs: a command, or a shell script.
payload() { config '.process.args = $ARGS.positional' --args -- "$@"; }
script() { payload sh -ec "$1"; }

mount_add() { # destination, type, source, options...
	local dst=$1 type=$2 src=$3
	shift 3
	config --arg dst "$dst" --arg type "$type" --arg src "$src" '.mounts += [ { destination: $dst,
		type: $type, source: $src, options: $ARGS.positional } ]' --args -- "$@"
}

bind_add() { # destination, source, options...
	local dst=$1 src=$2
	shift 2
	mount_add "$dst" bind "$src" bind "$@"
}

namespace_remove() { config --arg t "$1" 'del(.linux.namespaces[] | select(.type == $t))'; }
namespace_join() { # type, path
	config --arg t "$1" --arg p "$2" '(.linux.namespaces[] | select(.type == $t)).path = $p'
}

# A user namespace: container ids from 0 are host ids from 200000.
userns_add() {
	config '.linux.namespaces += [ { type: "user" } ] |
		.linux.uidMappings = [ { containerID: 0, hostID: 200000, size: 65536 } ] |
		.linux.gidMappings = .linux.uidMappings'
	chown -R 200000:200000 "$BUNDLE/rootfs"
}

# --- calling the runtime -------------------------------------------------------------------------

# Sets $status, $output (stdout) and $errors (stderr). Files, not pipes: what stays in a container
# keeps them open. They are $T/VERB.out and .err; each call begins new ones. $INPUT: file for stdin.
rt() {
	local out=$T/$1.out err=$T/$1.err
	rm -f "$out" "$err"
	status=0
	# A call that hangs fails.
	timeout --foreground --kill-after=5 "$LIMIT" "$RUNTIME" --root "$ROOT" "${GLOBAL[@]}" "$@" \
		> "$out" 2> "$err" < "${INPUT:-/dev/null}" 3>&- || status=$?
	output=$(tr -d '\0' < "$out")
	errors=$(tr -d '\0' < "$err")
}

fail() {
	echo "$*" >&2
	return 1
}

rt_show() {
	printf '$ %s\nstatus %d\nstdout: %s\nstderr: %s\n' "$*" "$status" "$output" "$errors" >&2
}

# It must succeed.
ok() {
	rt "$@"
	[[ $status -eq 0 ]] || { rt_show "$@"; return 1; }
}

# It must fail, and say TEXT. What other runtimes say is theirs.
refused() { # text, arguments...
	local text=$1
	shift
	rt "$@"
	[[ $status -ne 0 ]] || { rt_show "$@"; fail "expected a refusal: $text"; return 1; }
	[[ $FOREIGN || $errors == *"$text"* ]] || { rt_show "$@"; fail "expected: $text"; return 1; }
}

# It must exit with this status.
exits() { # status, arguments...
	local wanted=$1
	shift
	rt "$@"
	[[ $status -eq $wanted ]] || { rt_show "$@"; fail "expected status $wanted"; return 1; }
}

# The container of the test's bundle, in the foreground.
run_ok() { ok run --bundle "$BUNDLE" "$@" "$ID"; }
run_refused() { refused "$1" run --bundle "$BUNDLE" "${@:2}" "$ID"; }

# As a caged container that stays: `sleep` unless the test chose something else.
create() { ok create --bundle "$BUNDLE" "$@" "$ID"; }
start() { create "$@"; ok start "$ID"; }
start_sleeper() { payload sleep 1000; start "$@"; }

state_of() { # jq filter, [id]
	ok state "${2:-$ID}"
	jq -r "$1" <<< "$output"
}
pid_of() { state_of .pid "$@"; }

same() { # wanted, found
	[[ $1 == "$2" ]] || fail "wanted: $1
found:  $2"
}
contains() { # text, part
	[[ $1 == *"$2"* ]] || fail "wanted: $2
in:     $1"
}
# Lines are counted in a file that the runtime has open and mapped (tests/coverage).
needs_own_files() { [[ -z ${COVERAGE:-} ]] || skip "the counters of coverage are a file of the runtime's"; }

# A command that must fail: bash's own "!" would not end a test.
no() { ! "$@" || fail "did not fail: $*"; }
lacks() { # text, part
	[[ $1 != *"$2"* ]] || fail "not wanted: $2
in:         $1"
}

# Until the command succeeds; a test that must wait for ever fails after 20 s.
wait_for() {
	local deadline=$((SECONDS + 20))
	until "$@"; do
		[[ $SECONDS -lt $deadline ]] || { fail "waited in vain for: $*"; return 1; }
		sleep 0.02
	done
}
is_status() { rt state "${2:-$ID}"; [[ $status -eq 0 && $(jq -r .status <<< "$output") == "$1" ]]; }
is_gone() { ! [[ -e /proc/$1 ]] || grep -q '^State:.Z' "/proc/$1/status"; }
file_has() { [[ -s $1 ]]; }

# A program beside the test; it is ended with the test. Its pid is in $background.
background() {
	"$@" <&0 3>&- & # bash would give it /dev/null for stdin
	background=$!
	BACKGROUND+=("$background")
}

# --- a tree that must not be touched ----------------------------------------------------------------

# Outside of every bundle. Its content is compared after the test.
victim_new() { # [mode]
	VICTIM=$T/victim
	mkdir -p "$VICTIM/sub"
	echo "the hold of the ship" > "$VICTIM/secret"
	echo "ballast" > "$VICTIM/sub/file"
	chmod "${1:-700}" "$VICTIM"
	VICTIM_BEFORE=$(victim_look)
}

victim_look() {
	(cd "$VICTIM" && find . -printf '%p %y %m %U:%G %s %T@ %l\n' | sort &&
		find . -type f -exec sha256sum {} + | sort)
}

victim_is_whole() { same "$VICTIM_BEFORE" "$(victim_look)"; }

# --- before and after ---------------------------------------------------------------------------

# Orphans: children of the cage's process 1, which has no others but bats itself.
orphans() {
	local stat rest
	ORPHANS=()
	for stat in /proc/[0-9]*/stat; do
		{ read -r rest < "$stat"; } 2> /dev/null || continue
		rest=${rest##*) }
		[[ $rest == Z* || $rest != ?" 1 "* ]] || ORPHANS+=("${stat//[^0-9]/}")
	done
}

cage_look() {
	orphans
	printf '%s\n' "${ORPHANS[@]}"
	awk '{ print "mount " $1, $5 }' /proc/self/mountinfo
	(cd "/sys/fs/cgroup$CAGE_CGROUP" && find . -mindepth 1 -type d -printf 'cgroup %P\n')
}

# What is there and was not: mounts of others' folders may go at any time.
new_since() { # before, now
	comm -13 <(sort <<< "$1") <(sort <<< "$2")
}

# What the kernel is about to end is not left behind: what is still there after two seconds is.
cage_settled() {
	local try now
	for ((try = 0; try < 40; try++)); do
		now=$(new_since "$CAGE_BEFORE" "$(cage_look)")
		[[ -n $now ]] || break
		sleep 0.05
	done
	echo "$now"
}

setup() {
	T=$BATS_TEST_TMPDIR
	ROOT=$T/root
	BUNDLE=$T/bundle
	ID=c$BATS_TEST_NUMBER
	CG=/sys/fs/cgroup$CAGE_CGROUP/$ID
	BACKGROUND=()
	FOREIGN=
	[[ $("$RUNTIME" --version) == strake* ]] || FOREIGN=yes LIMIT=10
	chmod 711 "$T"
	bundle_new "$BUNDLE"
	CAGE_BEFORE=$(cage_look)
}

teardown() {
	local id pid left
	for pid in "${BACKGROUND[@]}"; do
		kill -KILL "$pid" 2> /dev/null || true
		wait "$pid" 2> /dev/null || true
	done
	for id in "$ROOT"/*; do
		[[ -d $id ]] || continue
		"$RUNTIME" --root "$ROOT" delete --force "$(basename "$id")" || true
	done
	left=$(cage_settled)
	if [[ $FOREIGN ]]; then
		teardown_foreign
		return 0
	fi
	[[ -z $left ]] || { fail "left behind:
$left"; cage_show; return 1; }
	left=$(find "$ROOT" -mindepth 1 -not -path "$ROOT/.seccomp*" 2> /dev/null) || true
	# In a teardown only the last word counts.
	[[ -z $left ]] || { fail "left in the state folder: $left"; return 1; }
	rm -rf --one-file-system "$BUNDLE"
}

cage_show() {
	orphans
	local pid
	for pid in "${ORPHANS[@]}"; do
		echo "$pid: $(tr '\0' ' ' < "/proc/$pid/cmdline")" >&2
	done
}

# Others may leave what they like: the next test begins clean.
teardown_foreign() {
	local group
	for group in "/sys/fs/cgroup$CAGE_CGROUP"/*/; do
		[[ $group == */tests/ ]] && continue
		echo 1 > "$group/cgroup.kill" || true
	done
	wait_for rmdir_all || true
}
rmdir_all() {
	find "/sys/fs/cgroup$CAGE_CGROUP" -mindepth 1 -depth -type d -not -name tests -exec rmdir {} + \
		2> /dev/null
}
