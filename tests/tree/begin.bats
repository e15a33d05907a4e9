#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# How our static programs begin: oci/base/libc.h makes libc ready as its own start does, but for the questions to the
# processor. begin.c is such a program, and is asked what it finds both ways.

tree=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)

setup_file() {
	unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES B
	make -C "$BATS_TEST_DIRNAME/../.." build/tests/begin >&2
}

setup() {
	begin=$tree/build/tests/begin
	ordinary=(env GLIBC_TUNABLES=glibc.malloc.perturb=0)
	[ "$(uname -m)" = x86_64 ] || skip "only on x86-64"
	case $(getconf GNU_LIBC_VERSION) in
	"glibc 2.36" | "glibc 2.41") ;;
	*) skip "$(getconf GNU_LIBC_VERSION) is none whose start is known: the ordinary one is made" ;;
	esac
}

# The same of both ways, but for the lines that a pattern names: pattern, arguments
both_ways() {
	local pattern=$1
	shift
	"$begin" "$@" >"$BATS_TEST_TMPDIR/short" 2>&1 || echo "status $?" >>"$BATS_TEST_TMPDIR/short"
	"${ordinary[@]}" "$begin" "$@" >"$BATS_TEST_TMPDIR/ordinary" 2>&1 || echo "status $?" >>"$BATS_TEST_TMPDIR/ordinary"
	diff <(grep -v "$pattern" "$BATS_TEST_TMPDIR/short") <(grep -v "$pattern" "$BATS_TEST_TMPDIR/ordinary")
}

@test "a program begins without asking the processor, and finds what it finds after asking" {
	BEGIN="a value" both_ways '^way\|^env _=' start one "" "two words"
	grep -x 'way short' "$BATS_TEST_TMPDIR/short"
	grep -x 'way ordinary' "$BATS_TEST_TMPDIR/ordinary"
	grep -x 'data apart' "$BATS_TEST_TMPDIR/short"
	grep -x 'arg two words' "$BATS_TEST_TMPDIR/short"
	grep -x 'getenv a value' "$BATS_TEST_TMPDIR/short"
	[ "$(grep -c '^arg' "$BATS_TEST_TMPDIR/short")" -eq 5 ]
	grep -x 'constructor 1 1' "$BATS_TEST_TMPDIR/short"
	grep -x '0.125 allocated' "$BATS_TEST_TMPDIR/short"
	[ "$(tail -n 1 "$BATS_TEST_TMPDIR/short")" = "0.125 allocated" ] # and ends with 0
}

@test "so do the programs that are installed: the function that libc is made ready by is in them" {
	local program
	for program in strake containerd-shim-strake-v1; do
		nm "$tree/build/obj/$program" | grep -q ' t libc_begin$'
		[ "$(objdump -f "$tree/build/obj/$program" | sed -n 's/^start address 0x0*//p')" = \
			"$(nm "$tree/build/obj/$program" | sed -n 's/^0*\([0-9a-f]*\) T entry_start$/\1/p')" ]
	done
}

@test "without an environment" {
	env -i "$begin" start | grep -x 'way short'
	env -i "$begin" start | grep -x 'getenv none'
	[ -z "$(env -i "$begin" start | grep '^env ')" ]
}

@test "GLIBC_TUNABLES is heard: the start is the ordinary one, also when it is empty or the last" {
	GLIBC_TUNABLES='' "$begin" start | grep -x 'way ordinary'
	env -i A=b GLIBC_TUNABLES=glibc.malloc.arena_max=1 "$begin" start | grep -x 'way ordinary'
	env -i GLIBC_TUNABLE=x "$begin" start | grep -x 'way short'
}

@test "a program with more rights than its caller begins in the ordinary way" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	local folder
	folder=$(mktemp -d /var/tmp/begin.XXXXXX) # where setuid counts and others may look
	chmod 755 "$folder"
	install -m 4755 "$begin" "$folder/begin"
	setpriv --reuid 65534 --regid 65534 --clear-groups "$folder/begin" start >"$BATS_TEST_TMPDIR/out" || true
	setpriv --reuid 65534 --regid 65534 --clear-groups "$begin" start >"$BATS_TEST_TMPDIR/plain" || true
	rm -r "$folder"
	grep -x 'way ordinary' "$BATS_TEST_TMPDIR/out"
}

@test "the canary and what pointers are mixed with are others each time, and no string brings the canary" {
	local i
	for i in {1..8}; do "$begin" guards; done >"$BATS_TEST_TMPDIR/guards"
	[ "$(sort -u "$BATS_TEST_TMPDIR/guards" | wc -l)" -eq 8 ]
	[ "$(cut -d ' ' -f 1 "$BATS_TEST_TMPDIR/guards" | sort -u | wc -l)" -eq 8 ]
	[ "$(cut -d ' ' -f 2 "$BATS_TEST_TMPDIR/guards" | sort -u | wc -l)" -eq 8 ]
	[ "$(grep -cE '^[0-9a-f]{14}00 ' "$BATS_TEST_TMPDIR/guards")" -eq 8 ]
	! grep -E '^0{16}| 0{16}' "$BATS_TEST_TMPDIR/guards"
}

@test "a stack that is written over ends the program" {
	run "$begin" smash
	[ "$status" -eq 134 ]
	[[ $output == *"stack smashing detected"* ]]
}

@test "memory is copied, set and searched rightly, in all sizes to beyond the cache" {
	both_ways '^$' copy
	grep -x copied "$BATS_TEST_TMPDIR/short"
}

@test "threads have memory of their own" {
	both_ways '^$' thread
	grep -x '8000 17' "$BATS_TEST_TMPDIR/short"
}

@test "what has to run at the end runs, and what was printed is written" {
	both_ways '^$' end
	[ "$(tr '\n' ' ' <"$BATS_TEST_TMPDIR/short")" = "main atexit destructor status 3 " ]
}
