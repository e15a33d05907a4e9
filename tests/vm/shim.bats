# SPDX-License-Identifier: Apache-2.0
# The shim under Debian's containerd, driven by ctr.
# length: long
# needs: systemd memory pids strake
# deadline: 420

load lib

IMAGE=local/busybox:1
RUNTIME=(--runtime io.containerd.strake.v1)
BUNDLES=/run/containerd/io.containerd.runtime.v2.task/default
SHIM=/opt/strake/bin/containerd-shim-strake-v1

# blob FILE: into the image under its digest, which is printed.
blob() {
	local digest
	digest=$(sha256sum "$1" | cut -d' ' -f1)
	cp "$1" "$2/blobs/sha256/$digest"
	echo "$digest"
}

# image_make DIR: an OCI archive of the static busybox, DIR/image.tar.
image_make() {
	local d=$1 layer config manifest
	mkdir -p "$d"/{root/bin,root/tmp,oci/blobs/sha256}
	cp /usr/bin/busybox "$d/root/bin/"
	/usr/bin/busybox --install -s "$d/root/bin" 2>/dev/null || true
	find "$d/root/bin" -type l -exec ln -sf busybox {} \;
	tar -C "$d/root" -cf "$d/layer.tar" .
	layer=$(blob "$d/layer.tar" "$d/oci")
	jq -n --arg l "sha256:$layer" '{ architecture: "amd64", os: "linux",
		config: { Env: ["PATH=/bin"], Cmd: ["sh"] },
		rootfs: { type: "layers", diff_ids: [$l] } }' >"$d/config.json"
	config=$(blob "$d/config.json" "$d/oci")
	jq -n --arg l "sha256:$layer" --argjson ls "$(stat -c %s "$d/layer.tar")" \
		--arg c "sha256:$config" --argjson cs "$(stat -c %s "$d/config.json")" \
		'{ schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json",
		config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: $c, size: $cs },
		layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", digest: $l, size: $ls }] }' \
		>"$d/manifest.json"
	manifest=$(blob "$d/manifest.json" "$d/oci")
	jq -n --arg m "sha256:$manifest" --argjson ms "$(stat -c %s "$d/manifest.json")" --arg n "$IMAGE" \
		'{ schemaVersion: 2, manifests: [{ mediaType: "application/vnd.oci.image.manifest.v1+json",
		digest: $m, size: $ms, annotations: { "io.containerd.image.name": $n } }] }' >"$d/oci/index.json"
	echo '{"imageLayoutVersion":"1.0.0"}' >"$d/oci/oci-layout"
	tar -C "$d/oci" -cf "$d/image.tar" .
}

setup_file() {
	ln -sf "$SHIM" /usr/local/bin/
	systemctl start containerd
	image_make "$BATS_FILE_TMPDIR"
	ctr image import "$BATS_FILE_TMPDIR/image.tar"
}

teardown_file() {
	systemctl stop containerd
	rm -f /usr/local/bin/containerd-shim-strake-v1
}

# Kills the task, if there is one, and removes it and its container.
remove() { # id
	ctr task kill -s KILL "$1" 2>/dev/null || true
	eventually 10 stopped "$1"
	ctr task rm "$1" 2>/dev/null || true
	ctr container rm "$1" 2>/dev/null || true
}

status() { # id
	ctr task ls | awk -v id="$1" '$1 == id { print $3 }'
}

is() { # id status
	[ "$(status "$1")" = "$2" ]
}

stopped() { # id
	! is "$1" RUNNING && ! is "$1" PAUSED && ! is "$1" CREATED
}

shim_pid() { # id
	pgrep -f -- "containerd-shim-strake-v1 .*-id $1 start"
}

nothing_left() {
	[ -z "$(pgrep -f containerd-shim-strake-v1)" ] &&
		[ -z "$(ls -A /run/containerd/s)" ] &&
		[ -z "$(ls -A /run/containerd/strake/default 2>/dev/null)" ] &&
		[ -z "$(ls -A "$BUNDLES")" ] &&
		! grep -q "$BUNDLES" /proc/mounts &&
		[ -z "$(ls -d /sys/fs/cgroup/default/*/ 2>/dev/null)" ]
}

teardown() {
	local id
	for id in $(ctr container ls -q); do remove "$id"; done
	eventually 10 nothing_left || {
		pgrep -af containerd-shim-strake-v1
		ls -A /run/containerd/s /run/containerd/strake/default "$BUNDLES"
		grep "$BUNDLES" /proc/mounts
		ls -d /sys/fs/cgroup/default/*/
		false
	}
}

@test "output and exit status come back" {
	run timeout 20 ctr run --rm "${RUNTIME[@]}" "$IMAGE" c sh -c 'echo out; echo err >&2; exit 7'
	[ "$status" -eq 7 ]
	[[ "$output" == *out* && "$output" == *err* ]]
	[ "$(timeout 20 ctr run --rm "${RUNTIME[@]}" "$IMAGE" c sh -c 'echo out; echo err >&2' 2>/dev/null)" = out ]
}

@test "a megabyte goes through stdin and stdout unharmed" {
	head -c 1048576 /dev/urandom >"$BATS_TEST_TMPDIR/data"
	# ctr forgets to close a stdin that ends before the task is there.
	(eventually 10 is c RUNNING && cat "$BATS_TEST_TMPDIR/data") |
		timeout 20 ctr run --rm "${RUNTIME[@]}" "$IMAGE" c cat >"$BATS_TEST_TMPDIR/back"
	cmp "$BATS_TEST_TMPDIR/data" "$BATS_TEST_TMPDIR/back"
}

@test "a task detaches, is listed, killed and deleted" {
	timeout 20 ctr run -d "${RUNTIME[@]}" "$IMAGE" c sleep 1000
	is c RUNNING
	[ "$(ctr task ps c | awk 'NR == 2 { print $1 }')" = "$(ctr task ls | awk '$1 == "c" { print $2 }')" ]
	ctr task kill -s TERM c
	is c RUNNING # the first process of a pid namespace takes no signal it does not handle
	ctr task kill -s KILL c
	eventually 10 is c STOPPED
	run ctr task rm c
	[[ "$output" == *137* ]]
}

@test "exec has its own output and exit status, and its pid is told apart" {
	timeout 20 ctr run -d "${RUNTIME[@]}" "$IMAGE" c sleep 1000
	run timeout 20 ctr task exec --exec-id e1 c sh -c 'echo inside; exit 3'
	[ "$status" -eq 3 ]
	[ "$output" = inside ]
	timeout 20 ctr task exec -d --exec-id e2 c sleep 1000
	ctr task ps c | grep -q e2
	ctr task kill --exec-id e2 -s KILL c
	eventually 10 sh -c '! ctr task ps c | grep -q e2'
}

@test "what cannot be executed is an error that names it" {
	run timeout 20 ctr run --rm "${RUNTIME[@]}" "$IMAGE" c /no/such/program
	[ "$status" -ne 0 ]
	[[ "$output" == *"/no/such/program"* ]]
	timeout 20 ctr run -d "${RUNTIME[@]}" "$IMAGE" d sleep 1000
	run timeout 20 ctr task exec --exec-id e d /no/such/program
	[ "$status" -ne 0 ]
	[[ "$output" == *"/no/such/program"* ]]
	is d RUNNING
}

@test "a task is paused and resumed" {
	timeout 20 ctr run -d "${RUNTIME[@]}" "$IMAGE" c sleep 1000
	ctr task pause c
	is c PAUSED
	grep -q 'frozen 1' /sys/fs/cgroup/default/c/cgroup.events
	run ctr task pause c
	ctr task resume c
	is c RUNNING
	grep -q 'frozen 0' /sys/fs/cgroup/default/c/cgroup.events
}

@test "metrics are those of the cgroup" {
	timeout 20 ctr run -d --memory-limit 67108864 "${RUNTIME[@]}" "$IMAGE" c sleep 1000
	run ctr task metrics c
	[ "$status" -eq 0 ]
	grep -qE 'memory.usage_limit +67108864' <<<"$output"
	grep -qE 'pids.current +1' <<<"$output"
}

@test "a terminal is one" {
	run timeout 20 script -qec "ctr run --rm -t ${RUNTIME[*]} $IMAGE c sh -c 'tty; stty size'" /dev/null </dev/null
	[[ "$output" == */dev/* ]]
	[[ "$output" != *"not a tty"* ]]
}

@test "output goes to a file that the container writes by itself" {
	timeout 20 ctr run -d --log-uri "file://$BATS_TEST_TMPDIR/logs/c.log" "${RUNTIME[@]}" "$IMAGE" c \
		sh -c 'echo one; echo two >&2'
	eventually 10 is c STOPPED
	[ "$(cat "$BATS_TEST_TMPDIR/logs/c.log")" = $'one\ntwo' ]
}

@test "running out of memory is told before the exit" {
	ctr events >"$BATS_TEST_TMPDIR/events" &
	local events=$!
	timeout 30 ctr run --rm --memory-limit 16777216 "${RUNTIME[@]}" "$IMAGE" c \
		sh -c 'head -c 67108864 /dev/zero | tail -c 67108864 | wc -c' || true
	eventually 5 grep -q /tasks/exit "$BATS_TEST_TMPDIR/events"
	kill "$events"
	local order
	order=$(grep -oE '/tasks/(create|start|oom|exit|delete)' "$BATS_TEST_TMPDIR/events" | uniq | xargs)
	echo "$order"
	[[ "$order" == "/tasks/create /tasks/start /tasks/oom /tasks/exit"* ]]
}

@test "containerd is restarted while a task runs, and while one ends" {
	timeout 20 ctr run -d "${RUNTIME[@]}" "$IMAGE" c sleep 1000
	timeout 20 ctr run -d "${RUNTIME[@]}" "$IMAGE" d sleep 1000
	local pid
	pid=$(ctr task ls | awk '$1 == "d" { print $2 }')
	systemctl stop containerd
	kill -KILL "$pid"
	systemctl start containerd
	is c RUNNING
	is d STOPPED
	[ "$(timeout 20 ctr task exec --exec-id e c echo again)" = again ]
	run ctr task rm d
	[[ "$output" == *137* ]]
}

@test "a shim that is killed leaves nothing of its container" {
	timeout 20 ctr run -d "${RUNTIME[@]}" "$IMAGE" c sleep 1000
	kill -KILL "$(shim_pid c)"
	eventually 10 stopped c
	eventually 10 nothing_left
}

@test "a hundred execs leave no descriptor behind" {
	timeout 20 ctr run -d "${RUNTIME[@]}" "$IMAGE" c sleep 1000
	local pid before i
	pid=$(shim_pid c)
	timeout 20 ctr task exec --exec-id first c true
	before=$(find "/proc/$pid/fd" -type l | wc -l)
	for i in {1..100}; do timeout 20 ctr task exec --exec-id "e$i" c true; done
	[ "$(find "/proc/$pid/fd" -type l | wc -l)" -eq "$before" ]
}

@test "containers of a group share a shim" {
	timeout 20 ctr run -d --annotation io.containerd.runc.v2.group=g "${RUNTIME[@]}" "$IMAGE" c sleep 1000
	timeout 20 ctr run -d --annotation io.containerd.runc.v2.group=g "${RUNTIME[@]}" "$IMAGE" d sleep 1000
	[ "$(pgrep -fc containerd-shim-strake-v1)" -eq 1 ]
	remove c
	is d RUNNING
}

@test "the shim's socket is for root alone" {
	timeout 20 ctr run -d "${RUNTIME[@]}" "$IMAGE" c sleep 1000
	local socket
	socket=$(sed 's,unix://,,' "$BUNDLES/c/address")
	[ "$(stat -c %a "$socket")" = 600 ]
	[ "$(stat -c %a /run/containerd/s)" = 700 ]
}
