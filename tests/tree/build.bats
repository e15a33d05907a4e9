#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What the Makefile promises about building and installing.

setup() {
	tree=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	work=$BATS_TEST_TMPDIR
	# Called by make itself: its flags and job server are not for the makes that are tested.
	unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES B
}

# A copy of what is built from, in a folder of its own.
copy() { # folder
	mkdir -p "$1"
	cp -a "$tree"/{Makefile,oci,operator,policies} "$1"
	[ ! -d "$tree/shim" ] || cp -a "$tree/shim" "$1"
}

# The whole of it, but for the tests' own programs.
build() { # folder
	make -C "$1" -j"$(nproc)" all >"$1.log" 2>&1 || { tail -n 20 "$1.log"; return 1; }
}

@test "two builds in different folders give the same bytes" {
	copy "$work/one"
	copy "$work/a folder with a far longer name/two"
	build "$work/one"
	build "$work/a folder with a far longer name/two"
	for program in "$work"/one/build/bin/*; do
		cmp "$program" "$work/a folder with a far longer name/two/build/bin/${program##*/}"
	done
	[ -x "$work/one/build/bin/strake" ]
	! grep -qF "$work" "$work"/one/build/bin/*
}

@test "a changed flag rebuilds, and nothing else does" {
	copy "$work/t"
	make -C "$work/t" -j"$(nproc)" build/lib/libbase.a >/dev/null
	before=$(stat -c %Y.%y "$work/t/build/obj/oci/base/buf.o")
	make -C "$work/t" build/lib/libbase.a
	[ "$(stat -c %Y.%y "$work/t/build/obj/oci/base/buf.o")" = "$before" ]
	make -C "$work/t" -j"$(nproc)" build/lib/libbase.a CFLAGS=-O1 >/dev/null
	[ "$(stat -c %Y.%y "$work/t/build/obj/oci/base/buf.o")" != "$before" ]
}

@test "a changed header rebuilds what includes it" {
	copy "$work/t"
	make -C "$work/t" -j"$(nproc)" build/lib/libbase.a >/dev/null
	before=$(stat -c %y "$work/t/build/obj/oci/base/buf.o")
	touch "$work/t/oci/base/buf.h"
	make -C "$work/t" build/lib/libbase.a
	[ "$(stat -c %y "$work/t/build/obj/oci/base/buf.o")" != "$before" ]
}

@test "install puts programs, liboci, policies, manual and completion below DESTDIR and PREFIX, uninstall takes all of it away" {
	make -C "$tree" install DESTDIR="$work/root" PREFIX=/opt/strake >/dev/null
	[ -x "$work/root/opt/strake/bin/strake" ]
	cmp "$tree/policies/seccomp/default.json" "$work/root/opt/strake/share/strake/policies/seccomp/default.json"
	"$work/root/opt/strake/bin/strake" --version
	share=$work/root/opt/strake/share
	"$work/root/opt/strake/bin/strake" man run | cmp - "$share/man/man8/strake-run.8"
	[ -s "$work/root/opt/strake/lib/liboci.so" ]
	[ "$(PKG_CONFIG_PATH=$work/root/opt/strake/lib/pkgconfig pkg-config --variable=prefix liboci)" = /opt/strake ]
	[ -s "$work/root/opt/strake/include/strake/oci.h" ]
	[ -s "$share/bash-completion/completions/strake" ]
	[ -s "$share/zsh/site-functions/_strake" ]
	[ -s "$share/fish/vendor_completions.d/strake.fish" ]
	"$work/root/opt/strake/bin/strake" --policy "$work/root/etc/strake/policy.d" policy check | grep 'policy "default"'
	make -C "$tree" uninstall DESTDIR="$work/root" PREFIX=/opt/strake >/dev/null
	[ -z "$(find "$work/root" ! -type d)" ]
	[ ! -e "$work/root/opt/strake/share/strake" ]
}

default_policy() { DESTDIR=$work/root DATADIR=/usr/share/strake "$tree/hack/default-policy" "$1"; }

@test "a fresh install has the default policy in force, whole and with its profile" {
	umask 077
	default_policy add
	folder=$work/root/etc/strake/policy.d
	diff "$tree/policies/default.json" "$folder/default.json"
	diff "$tree/policies/seccomp/default.json" "$folder/seccomp/default.json"
	[ "$(find "$work/root/etc/strake" -printf '%P %m\n' | sort | xargs)" = "755 policy.d 755 policy.d/default.json 644 policy.d/seccomp 755 policy.d/seccomp/default.json 644" ]
	"$tree/build/bin/strake" --policy "$folder" policy check
	default_policy remove
	[ ! -e "$work/root/etc/strake" ]
	[ -z "$(find "$work/root" ! -type d)" ]
}

@test "a folder of policies that is there is the administrator's: nothing is added, not even to an empty one" {
	folder=$work/root/etc/strake/policy.d
	mkdir -p "$folder"
	default_policy add
	[ -z "$(ls -A "$folder")" ]
	default_policy remove
	[ -d "$folder" ]
	# One that was ours, and was emptied.
	rmdir "$folder"
	default_policy add
	rm -r "${folder:?}"/*
	default_policy add
	[ -z "$(ls -A "$folder")" ]
}

@test "what was altered or added stays when strake goes, and is not overwritten when it comes again" {
	folder=$work/root/etc/strake/policy.d
	default_policy add
	jq '.generation = 2' "$tree/policies/default.json" >"$folder/default.json"
	echo mine >"$folder/mine"
	default_policy add
	[ "$(jq .generation "$folder/default.json")" -eq 2 ]
	default_policy remove
	[ "$(cd "$folder" && find . -type f | sort | xargs)" = "./default.json ./mine" ]
	[ "$(jq .generation "$folder/default.json")" -eq 2 ]
	default_policy add
	[ ! -e "$folder/seccomp" ]
}

@test "an install that was interrupted is begun anew, and one without rights to /etc says so" {
	mkdir -p "$work/root/etc/strake/policy.d.new/half"
	default_policy add
	[ ! -e "$work/root/etc/strake/policy.d/half" ]
	[ ! -e "$work/root/etc/strake/policy.d.new" ]
	# Nobody makes a folder there, root neither.
	run env DESTDIR=/proc "$tree/hack/default-policy" add
	[ "$status" -eq 0 ]
	[[ $output == *"cannot be made: no node policy is on"* ]]
}

@test "help names every target that a person types" {
	for target in all deps demo test test-unit test-host test-vm test-kube bench check fuzz install uninstall clean; do
		make -C "$tree" help | grep -q "^  $target "
	done
}

@test "the programs are hardened as the flags say" {
	"$tree/hack/check-binary" "$tree/build/bin/strake" "$tree/build/bin/strake-operator"
}

@test "the check of the binaries refuses a program that is not hardened" {
	mkdir -p "$work/bin" "$work/obj"
	echo 'int main(void) { return 0; }' >"$work/t.c"
	gcc -no-pie -z execstack -z norelro -o "$work/bin/t" "$work/t.c"
	cp "$work/bin/t" "$work/obj/t"
	run "$tree/hack/check-binary" "$work/bin/t"
	[ "$status" -ne 0 ]
	for what in 'no PIE' RELRO 'stack may be executed' 'dynamic loader' 'not stripped' fortify; do
		[[ $output == *"$what"* ]]
	done
}

# The list names functions and files of libraries: it goes stale without a word.
@test "what a start runs lies side by side: nine of ten functions that the list names are found" {
	[ -f "$tree/build/obj/strake" ] || make -C "$tree" build/obj/strake
	listed=$(sed -n 's/^\t\t\*(\.text\.\([^)*]*\).*/\1/p' "$tree/oci/start.ld" | sort -u)
	start=$(readelf -SW "$tree/build/obj/strake" | sed -n 's/.* \.text\.start *PROGBITS *\([0-9a-f]*\) [0-9a-f]* \([0-9a-f]*\) .*/0x\1 0x\2/p')
	[ -n "$start" ]
	from=$((${start% *}))
	to=$((from + ${start#* }))
	there=$(nm "$tree/build/obj/strake" | while read -r at _ name; do
		((0x$at < from || 0x$at >= to)) || echo "${name%%.*}"
	done | sort -u)
	n=$(wc -l <<<"$listed")
	found=$(comm -12 <(echo "$listed") <(echo "$there") | wc -l)
	echo "$found of $n"
	((n > 200 && found * 10 >= n * 9))
}
