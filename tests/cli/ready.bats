#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# NOTIFY_SOCKET: the container tells that it is ready, the service manager hears the runtime.

load helpers

# A service manager that writes down what it hears, in $T/heard: [socket]
manager() {
	cp "$CLI_BIN/notify" "$BUNDLE/rootfs/bin/notify"
	background "$CLI_BIN/notify" listen "${1:-$T/manager}" "$T/heard"
	wait_for test -e "$T/heard"
	export NOTIFY_SOCKET=${1:-$T/manager}
}
heard() { grep -qxF -- "$1" "$T/heard"; }

@test "start waits until the container is ready, and tells who it is" {
	manager
	script 'while [ ! -e /go ]; do sleep 0.05; done; notify send READY=1; exec sleep 1000'
	create
	background "$RUNTIME" --root "$ROOT" start "$ID" < /dev/null
	wait_for is_status running
	kill -0 "$background"
	same "" "$(< "$T/heard")"
	touch "$BUNDLE/rootfs/go"
	wait "$background"
	same "READY=1|MAINPID=$(pid_of)|" "$(< "$T/heard")"
}

@test "run --detach does so, too" {
	manager
	script 'notify send READY=1; exec sleep 1000'
	ok run --detach --bundle "$BUNDLE" "$ID"
	same "READY=1|MAINPID=$(pid_of)|" "$(< "$T/heard")"
}

@test "run hands on all that the container says of itself, and stays the main process" {
	manager
	script 'notify send STATUS=loading READY=1 "STATUS=halfway
WATCHDOG=1" STOPPING=1'
	run_ok
	wait_for heard "STOPPING=1|"
	same "STATUS=loading|
READY=1|
STATUS=halfway|WATCHDOG=1|
STOPPING=1|" "$(< "$T/heard")"
}

@test "what is not the container's to say is not handed on: MAINPID, descriptors, unknown words" {
	manager
	script 'notify send "MAINPID=1
FDSTORE=1
X_SAIL=1
READY=1" BUSERROR=x'
	run_ok
	wait_for heard "READY=1|"
	same "READY=1|" "$(< "$T/heard")"
}

@test "the container cannot change the folder of its socket, and another user may tell, too" {
	manager
	config '.process.user = { uid: 1000, gid: 1000 }'
	script 'touch /run/notify/x 2>&1 || true; rm -f /run/notify/notify.sock 2>&1 || true; notify send READY=1'
	run_ok
	contains "$output" "/run/notify/x: Read-only file system"
	contains "$output" "Read-only file system"
	wait_for heard "READY=1|"
}

@test "in a user namespace, on a read-only root, and below a tmpfs on /run" {
	manager
	mkdir -p "$BUNDLE/rootfs/run"
	userns_add
	mount_add /run tmpfs tmpfs
	config '.root.readonly = true'
	script 'notify send READY=1'
	run_ok
	wait_for heard "READY=1|"
}

@test "the service manager's socket may be of the abstract kind" {
	manager "@strake-$ID-$$"
	script 'notify send READY=1'
	run_ok
	wait_for heard "READY=1|"
}

@test "a container that ends without a word is told of, and started all the same" {
	manager
	payload true
	create
	ok start "$ID"
	contains "$errors" "the container has ended, and had not told to be ready"
	same "" "$(< "$T/heard")"
}

@test "exec is not offered the socket, and without NOTIFY_SOCKET nobody is" {
	manager
	script 'notify send READY=1; exec sleep 1000'
	ok run --detach --bundle "$BUNDLE" "$ID"
	ok exec "$ID" env
	lacks "$output" NOTIFY_SOCKET
	ok delete --force "$ID"
	unset NOTIFY_SOCKET
	payload env
	run_ok
	lacks "$output" NOTIFY_SOCKET
}

@test "a service manager that is not there is told of" {
	manager
	script 'notify send READY=1'
	NOTIFY_SOCKET=$T/nobody run_ok
	contains "$errors" "NOTIFY_SOCKET: tell $T/nobody: No such file"
	NOTIFY_SOCKET=nowhere run_ok
	contains "$errors" 'NOTIFY_SOCKET: "nowhere" is neither a path nor @name'
}
