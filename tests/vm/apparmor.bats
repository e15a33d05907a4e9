# SPDX-License-Identifier: Apache-2.0
# A container's AppArmor profile really confines it.
# needs: systemd apparmor strake

load lib

setup_file() {
	printf '%s\n' 'profile strake-vm flags=(attach_disconnected,mediate_deleted) {' \
		' file, capability, signal, ptrace, mount, umount, network, unix, pivot_root,' \
		' deny /secret rw,' '}' | apparmor_parser -r -K
	printf '%s\n' 'profile strake-vm-other flags=(attach_disconnected,mediate_deleted) {' \
		' file, capability, signal, ptrace, mount, umount, network, unix, pivot_root,' \
		' change_profile, deny /other rw,' '}' | apparmor_parser -r -K
}

setup() {
	bundle_make "$BATS_TEST_TMPDIR/b"
	echo open >"$BUNDLE/rootfs/secret"
	echo open >"$BUNDLE/rootfs/other"
	ID=a-$BATS_TEST_NUMBER
}

teardown() {
	strake delete -f "$ID" 2>/dev/null || true
}

@test "the profile is on the container's process, and denies" {
	bundle_set '.process.apparmorProfile = "strake-vm"
		| .process.args = ["sh", "-c", "cat /proc/self/attr/current; cat /other; cat /secret"]'
	run strake run -b "$BUNDLE" "$ID"
	[ "$status" -ne 0 ]
	[ "${lines[0]}" = "strake-vm (enforce)" ]
	[ "${lines[1]}" = open ]
	[[ "${lines[2]}" == *"Permission denied"* ]]
}

@test "no profile, no confinement" {
	bundle_set '.process.args = ["sh", "-c", "cat /proc/self/attr/current; cat /secret"]'
	run strake run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = unconfined ]
	[ "${lines[1]}" = open ]
}

@test "a profile that is not loaded is an error that names it, and nothing is left" {
	bundle_set '.process.apparmorProfile = "strake-vm-missing"'
	run strake run -b "$BUNDLE" "$ID"
	[ "$status" -ne 0 ]
	[[ "$output" == *strake-vm-missing* ]]
	[ -z "$(strake list -q)" ]
}

@test "exec takes the container's profile, or the one it is told" {
	bundle_set '.process.apparmorProfile = "strake-vm" | .process.args = ["sleep", "600"]'
	strake run -d -b "$BUNDLE" "$ID"
	run strake exec "$ID" cat /proc/self/attr/current
	[ "$output" = "strake-vm (enforce)" ]
	run strake exec --apparmor strake-vm-other "$ID" sh -c 'cat /proc/self/attr/current; cat /other'
	[ "${lines[0]}" = "strake-vm-other (enforce)" ]
	[[ "${lines[1]}" == *"Permission denied"* ]]
}

@test "who is confined already stacks the container's profile on its own" {
	bundle_set '.process.apparmorProfile = "strake-vm"
		| .process.args = ["sh", "-c", "cat /proc/self/attr/current; cat /other; cat /secret"]'
	run aa-exec -p strake-vm-other -- strake run -b "$BUNDLE" "$ID"
	[ "${lines[0]}" = "strake-vm//&strake-vm-other (enforce)" ]
	[[ "${lines[1]}" == *"/other"*"Permission denied"* ]]
	[[ "${lines[2]}" == *"/secret"*"Permission denied"* ]]
}
