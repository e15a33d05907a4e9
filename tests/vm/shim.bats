# SPDX-License-Identifier: Apache-2.0
# The shim under containerd, driven by ctr.
# length: long
# containerd: 1.6 1.7 2.1 2.3 2.4
# needs: systemd memory pids strake
# deadline: 420

load shim_suite

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

# node_policy RULE: its members, in the policy of one rule that the node has.
node_policy() {
	mkdir -p /etc/strake/policy.d
	jq -n "{ schema: \"strake/node-policy/1\", name: \"node\", rules: [ { name: \"floor\" } + $1 ] }" >/etc/strake/policy.d/node.json
}

@test "what node policies cut, refuse and deny is an event that ctr prints and filters by" {
	local events=$BATS_TEST_TMPDIR/events
	ctr events >"$events" 2>&1 3>&- &
	ctr events 'event.labels.request==exec' >"$events.exec" 2>&1 3>&- &
	# Who subscribes late hears nothing.
	heard() { ctr namespaces label default heard="$RANDOM$RANDOM" && grep -q /namespaces/update "$events"; }
	eventually 10 heard
	node_policy '{ process: { capabilities: { ceiling: [ "CAP_KILL" ] } },
		seccomp: { report: true, deny: [ { names: [ "mkdir", "mkdirat" ], errno: "EXDEV" } ] } }'
	timeout 20 ctr run -d "${RUNTIME[@]}" "$IMAGE" c sh -c 'mkdir /one; exec sleep 1000'
	run timeout 20 ctr task exec --exec-id e c mkdir /two
	[[ "$output" == *"Invalid cross-device link"* ]]
	node_policy '{ process: { user: { root: "never" } } }'
	run timeout 20 ctr run "${RUNTIME[@]}" "$IMAGE" d true
	[[ "$output" == *"root is not allowed"* ]]
	rm -r /etc/strake
	told() { # KIND LABEL...: of each event, once
		local kind=$1 labels
		shift
		labels=$(printf '.%s, ' "$@")
		sed -n "s|.* default /strake/policy/$kind ||p" "$events" | jq -r "\"\\(.id) \" + ([.labels | ${labels%, }] | join(\" \"))" | sort | uniq -c | sed 's/^ *//'
	}
	both() { [ "$(told denied name errno policy rule count comm)" = "2 c mkdir EXDEV node floor 1 mkdir" ]; }
	eventually 10 both || {
		cat "$events"
		return 1
	}
	told clamp request field effective policy rule | grep -qx '1 c create process.capabilities.bounding CAP_KILL node floor'
	told clamp request field effective policy rule | grep -qx '1 c exec process.capabilities.bounding CAP_KILL node floor'
	[ "$(told refuse request field reason rule)" = "1 d create process.user.uid root is not allowed floor" ]
	grep -q '"exec"' "$events.exec"
	run grep -cE '"create"|/tasks/' "$events.exec"
	[ "$output" = 0 ]
	kill %1 %2
}
