# SPDX-License-Identifier: Apache-2.0
# Containers as scopes of a user's own systemd, and of podman's, root's and a user's.
# needs: systemd memory pids cpu io userns strake
# deadline: 600

load systemd_lib

# --- the user's manager --------------------------------------------------------------------------

# A bundle that an ordinary user can run.
user_bundle() {
	user_session
	BUNDLE=/home/user/b-$ID
	rm -rf "$BUNDLE"
	bundle_make "$BUNDLE"
	bundle_set '.linux.namespaces |= (map(select(.type != "network")) + [ { type: "user" } ])
		| .linux.uidMappings = [ { containerID: 0, hostID: 1000, size: 1 } ]
		| .linux.gidMappings = .linux.uidMappings
		| .mounts |= map(select(.type != "sysfs" and .type != "cgroup")
			| .options |= ((. // []) | map(select(startswith("gid=") | not))))
		| .process.args = ["sleep", "600"]'
	chown -R user: "$BUNDLE"
}

user_unit() { as_user systemctl --user show -P "$1" "$UNIT"; }
usd() { as_user strake --systemd-cgroup "$@"; }

@test "rootless: the user's systemd holds the limits" {
	user_bundle
	bundle_set '.linux.resources = { memory: { limit: 67108864 }, pids: { limit: 20 },
		cpu: { quota: 50000, period: 100000 } }'
	usd run -d -b "$BUNDLE" "$ID"
	local pid base
	pid=$(usd state "$ID" | jq .pid)
	base=/user.slice/user-1000.slice/user@1000.service
	SUB=/sys/fs/cgroup$base/user.slice/$UNIT/container
	[ "/sys/fs/cgroup$(sed 's/^0:://' "/proc/$pid/cgroup")" = "$SUB" ]
	[ "$(user_unit MemoryMax)" -eq 67108864 ]
	[ "$(user_unit TasksMax)" -eq 20 ]
	[ "$(user_unit CPUQuotaPerSecUSec)" = 500ms ]
	[ "$(cat "$SUB/memory.max")" -eq 67108864 ]
	[ "$(cat "$SUB/pids.max")" -eq 20 ]
	[ "$(cat "$SUB/cpu.max")" = "50000 100000" ]
	as_user systemctl --user daemon-reload
	as_user systemctl --user daemon-reexec
	[ "$(cat "$SUB/memory.max")" -eq 67108864 ]

	usd exec "$ID" sleep 601 &
	eventually 10 pgrep -fx 'sleep 601'
	[ "/sys/fs/cgroup$(sed 's/^0:://' "/proc/$(pgrep -fx 'sleep 601')/cgroup")" = "$SUB" ]
	usd update --memory 33554432 "$ID"
	[ "$(user_unit MemoryMax)" -eq 33554432 ]
	[ "$(cat "$SUB/memory.max")" -eq 33554432 ]
	usd pause "$ID"
	[ "$(usd state "$ID" | jq -r .status)" = paused ]
	usd resume "$ID"
	usd delete -f "$ID"
	[ ! -e "${SUB%/container}" ]
	[ "$(user_unit LoadState)" = not-found ]
}

@test "rootless: cgroupsPath, and 20 in a row leave nothing" {
	user_bundle
	bundle_set '.process.args = ["true"] | .linux.cgroupsPath = "user-pods.slice:test:u"'
	local i
	for i in $(seq 20); do
		usd run -b "$BUNDLE" "$ID"
	done
	run as_user systemctl --user list-units --all --no-legend --plain 'test-*' 'strake-*'
	[ -z "$output" ]
	[ -z "$(find /sys/fs/cgroup/user.slice -name '*.scope' -path '*test-*')" ]
}

@test "rootless: without a bus of the user, systemd's own socket; without both, a clear error" {
	user_bundle
	bundle_set '.process.args = ["true"]'
	runuser -u user -- env XDG_RUNTIME_DIR=/run/user/1000 \
		DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere strake --systemd-cgroup run -b "$BUNDLE" "$ID"
	run runuser -u user -- env -u XDG_RUNTIME_DIR -u DBUS_SESSION_BUS_ADDRESS \
		strake --root /tmp/user-root --systemd-cgroup run -b "$BUNDLE" "$ID"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *DBUS_SESSION_BUS_ADDRESS* ]]
	[[ "$output" == *enable-linger* ]]
	run runuser -u user -- env XDG_RUNTIME_DIR=/run/user/1000 \
		DBUS_SESSION_BUS_ADDRESS=unixexec:path=/bin/false strake --systemd-cgroup run -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ "$output" == *"unix socket"* ]]
}

# --- engines -------------------------------------------------------------------------------------

# podman under systemd, with what it is asked for read from inside and from the unit.
engine() { # command prefix...
	local id
	run "$@" podman --runtime /opt/strake/bin/strake run --rm --network none --memory 64m --pids-limit 50 \
		"localhost/$ID" cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$output" = $'67108864\n50' ]
	id=$("$@" podman --runtime /opt/strake/bin/strake run -d --network none --memory 64m "localhost/$ID" sleep 600)
	UNIT=libpod-$id.scope
	[ "$("$@" systemctl ${USERS:+--user} show -P MemoryMax "$UNIT")" -eq 67108864 ]
	[ "$("$@" podman exec "$id" cat /proc/self/cgroup)" = "0::/" ]
	"$@" podman update --memory 32m "$id"
	[ "$("$@" systemctl ${USERS:+--user} show -P MemoryMax "$UNIT")" -eq 33554432 ]
	"$@" podman rm -f -t 0 "$id"
	[ "$("$@" systemctl ${USERS:+--user} show -P LoadState "$UNIT")" = not-found ]
}

image() {
	tar -C "$BUNDLE/rootfs" -cf "/tmp/$ID.tar" .
	chmod 644 "/tmp/$ID.tar"
	"$@" podman import "/tmp/$ID.tar" "localhost/$ID"
	rm "/tmp/$ID.tar"
}

@test "podman as root" {
	image env
	engine env
}

@test "podman as an ordinary user" {
	user_session
	image as_user
	USERS=1 engine as_user
}
