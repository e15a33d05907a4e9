#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# spec: a config.json to start from.

load helpers

@test "spec writes a config.json that runs" {
	rm "$BUNDLE/config.json"
	cd "$BUNDLE"
	ok spec
	jq -e '.ociVersion == "1.3.0" and .root.path == "rootfs" and (.process.args | length > 0)' config.json
	payload sh -c 'echo $$; grep NoNewPrivs /proc/self/status'
	config '.process.terminal = false'
	ok run "$ID"
	contains "$output" "1"
}

@test "spec --bundle writes it elsewhere, and never over one that is there" {
	rm "$BUNDLE/config.json"
	ok spec --bundle "$BUNDLE"
	cp "$BUNDLE/config.json" "$T/first"
	refused "config.json" spec --bundle "$BUNDLE"
	cmp "$BUNDLE/config.json" "$T/first"
	refused "/nowhere" spec --bundle /nowhere
}

@test "spec --rootless has a user namespace that maps the caller" {
	rm "$BUNDLE/config.json"
	ok spec --rootless --bundle "$BUNDLE"
	jq -e 'any(.linux.namespaces[]; .type == "user") and .linux.uidMappings[0].size == 1' "$BUNDLE/config.json"
}

@test "spec --seccomp puts a profile in, resolved for the container, and leaves the rest alone" {
	jq -n '{ defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 38,
		archMap: [ { architecture: "SCMP_ARCH_X86_64", subArchitectures: [ "SCMP_ARCH_X86" ] } ], syscalls: [
		{ names: [ "write", "read" ], action: "SCMP_ACT_ALLOW" },
		{ names: [ "mount" ], action: "SCMP_ACT_ALLOW", includes: { caps: [ "CAP_SYS_ADMIN" ] } },
		{ names: [ "chown" ], action: "SCMP_ACT_ALLOW", includes: { caps: [ "CAP_CHOWN" ] } },
		{ names: [ "ptrace" ], action: "SCMP_ACT_ALLOW", excludes: { caps: [ "CAP_CHOWN" ] } },
		{ names: [ "bpf" ], action: "SCMP_ACT_ALLOW", includes: { minKernel: "99.0" } },
		{ names: [ "getpid" ], action: "SCMP_ACT_ALLOW", includes: { minKernel: "4.8" } } ] }' > "$T/profile.json"
	payload echo mine
	cp "$BUNDLE/config.json" "$T/before.json"
	ok spec --bundle "$BUNDLE" --seccomp "$T/profile.json"
	same "$(jq -S . "$T/before.json")" "$(jq -S 'del(.linux.seccomp)' "$BUNDLE/config.json")"
	same "chown getpid read write" "$(jq -r '[ .linux.seccomp.syscalls[].names[] ] | sort | join(" ")' "$BUNDLE/config.json")"
	jq -e '.linux.seccomp.defaultErrnoRet == 38' "$BUNDLE/config.json"
	# Run as it stands, it is a filter.
	jq '.defaultAction = "SCMP_ACT_ALLOW" | del(.defaultErrnoRet)' "$T/profile.json" > "$T/profile2.json"
	ok spec --bundle "$BUNDLE" --seccomp "$T/profile2.json"
	run_ok
	same mine "$output"
}

@test "a profile that is missing or broken is refused by name" {
	refused "/nowhere.json" spec --bundle "$BUNDLE" --seccomp /nowhere.json
	echo '{ "defaultAction": ' > "$T/p.json"
	refused "$T/p.json" spec --bundle "$BUNDLE" --seccomp "$T/p.json"
	echo '{ "defaultAction": "SCMP_ACT_SAIL" }' > "$T/p.json"
	refused SCMP_ACT_SAIL spec --bundle "$BUNDLE" --seccomp "$T/p.json"
	no jq -e .linux.seccomp "$BUNDLE/config.json"
}
