# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # the container's shell expands it
# What is asked of pods while they run, each by the stock shim with runc and by ours: the same answers, and
# those that are expected.

load lib

setup_file() {
	class_of_stock
	eventually 30 k get serviceaccount default >/dev/null
}

teardown() {
	[ -n "$BATS_TEST_COMPLETED" ] || {
		head -n 40 "$BATS_TEST_TMPDIR"/{stock,strake} 2>/dev/null
		k describe pods | tail -40
	}
	pods_gone
}

teardown_file() {
	k delete --ignore-not-found runtimeclass/stock >/dev/null
}

# both ASK: what ASK POD says of a pod of either, the pod's name and ids aside, and leaves in $ANSWER.
both() {
	local ask=$1
	for CLASS in stock strake; do
		"$ask" "$CLASS" >"$BATS_TEST_TMPDIR/$CLASS" 2>&1
		sed -i "s/$CLASS/POD/g; s/[0-9a-f]\{64\}/ID/g; s/\r//g" "$BATS_TEST_TMPDIR/$CLASS"
	done
	ANSWER=$(cat "$BATS_TEST_TMPDIR/strake")
	echo "$ANSWER"
	diff -U 3 "$BATS_TEST_TMPDIR/stock" "$BATS_TEST_TMPDIR/strake"
}

script() { printf '.spec.containers[0].command = [ "sh", "-c", %s ]' "$(jq -n --arg s "$1" '$s')"; }
# The end of a container: its reason and status.
end_of() { of "$1" ".status.${2:-containerStatuses}[0].state.terminated.reason} {.status.${2:-containerStatuses}[0].state.terminated.exitCode"; }

# at_terminal WORDS: `kubectl WORDS`, typed at a terminal of 31 lines of 97 columns, as a coprocess.
at_terminal() {
	cat >"$BATS_TEST_TMPDIR/typed" <<-END
		stty cols 97 rows 31
		exec timeout --foreground 60 '$TREE/hack/node' kubectl $1
	END
	coproc TERMINAL { exec script -qec "sh $BATS_TEST_TMPDIR/typed" /dev/null 2>&1 3>&-; }
	TERMINAL_END=$TERMINAL_PID
	exec 8<&"${TERMINAL[0]}" 9>&"${TERMINAL[1]}"
}
type_in() { printf "$1" >&9; }
# seen WORD: read on until a line has it.
seen() {
	local line
	while read -r -t 30 line <&8; do
		echo "$line"
		[[ "$line" != *"$1"* ]] || return 0
	done
	echo "never seen: $1"
	return 1
}
# To its end, which leaves its status in $TERMINAL_STATUS.
terminal_end() {
	TERMINAL_STATUS=0
	cat <&8
	exec 8<&- 9>&-
	wait "$TERMINAL_END" || TERMINAL_STATUS=$?
}

followed() {
	pod "$1" "$(script 'echo begun; until test -e /go; do sleep 0.1; done; seq 1 2000; sleep 0.5; echo the last; exit 2')"
	running "$1"
	: >"$BATS_TEST_TMPDIR/log"
	timeout 60 "$TREE/hack/node" kubectl logs -f "$1" >"$BATS_TEST_TMPDIR/log" 3>&- &
	local follower=$!
	eventually 20 grep -q begun "$BATS_TEST_TMPDIR/log"
	k exec "$1" -- touch /go
	wait $follower
	cat "$BATS_TEST_TMPDIR/log"
	k logs "$1" --tail=2
	k logs "$1" --limit-bytes=5
	ended "$1" Failed
}

@test "logs are followed to their last line" {
	both followed
	[ "${#ANSWER}" -gt 8000 ]
	[[ "$ANSWER" == begun$'\n'1$'\n'2$'\n'*$'\n'2000$'\n'"the last"$'\n'2000$'\n'"the last"$'\n'begun ]]
}

executed() {
	pod "$1"
	running "$1"
	at_terminal "exec -it $1 -- sh -c 'until [ \"\$(stty size 2>/dev/null)\" = \"31 97\" ]; do sleep 0.1; done; tty; id -u; trap \"echo caught; exit 7\" INT; echo waits; while :; do sleep 0.1; done'"
	seen waits
	type_in '\003'
	terminal_end
	echo "status $TERMINAL_STATUS"
}

@test "exec -it has a terminal of the caller's size, its keys are signals, and its status is told" {
	both executed
	[[ "$ANSWER" == *"/dev/pts/"*waits*caught*"status 7" ]]
}

attached() {
	pod "$1" "$(script 'echo begun; while read -r line; do echo "got $line"; done; echo over >&2; exit 3')"'
		| .spec.containers[0] += { stdin: true, stdinOnce: true }'
	running "$1"
	printf 'one\ntwo\n' | k attach -q -i "$1" 2>&1 | sort
	ended "$1" Failed
	end_of "$1"
	k logs "$1" | sort
}

@test "attach -i: what is typed arrives, and its end ends the container" {
	both attached
	[[ "$ANSWER" == *"got one"*"got two"*"Error 3"*begun*"got one"*"got two"*over* ]]
}

attached_by_terminal() {
	pod "$1" "$(script 'until [ "$(stty size 2>/dev/null)" = "31 97" ]; do sleep 0.1; done; while read -r line; do echo "got $line"; done; exit 4')"'
		| .spec.containers[0] += { stdin: true, tty: true }'
	running "$1"
	at_terminal "attach -q -it $1"
	type_in 'one\r'
	seen "got one"
	type_in '\004'
	terminal_end # its status is that of the connection
	ended "$1" Failed
	end_of "$1"
	k logs "$1"
}

@test "attach -it: a terminal, its size and its end of file" {
	both attached_by_terminal
	[[ "$ANSWER" == *"got one"*"Error 4"*"got one"* ]]
}

forwarded() {
	local forward port
	pod "$1" '.spec.containers[0] |= (.image = "strake/nginx:1" | del(.command))'
	running "$1"
	timeout 100 "$TREE/hack/node" kubectl port-forward "pod/$1" :80 >"$BATS_TEST_TMPDIR/forward" 2>&1 3>&- &
	forward=$!
	eventually 20 grep -q 'Forwarding from 127' "$BATS_TEST_TMPDIR/forward"
	port=$(sed -n 's/^Forwarding from 127.0.0.1:\([0-9]*\) .*/\1/p' "$BATS_TEST_TMPDIR/forward")
	for _ in 1 2 3; do
		timeout 20 "$TREE/hack/node" enter curl -sS "http://127.0.0.1:$port/"
	done
	kill $forward
	wait $forward || true
}

@test "port-forward reaches the pod's server, again and again" {
	both forwarded
	[ "$ANSWER" = $'a page\na page\na page' ]
}

copied() {
	pod "$1"
	running "$1"
	seq 1 300000 >"$BATS_TEST_TMPDIR/numbers"
	k cp "$BATS_TEST_TMPDIR/numbers" "$1:/tmp/numbers"
	k exec "$1" -- md5sum /tmp/numbers
	k cp "$1:/tmp/numbers" "$BATS_TEST_TMPDIR/back"
	cmp "$BATS_TEST_TMPDIR/numbers" "$BATS_TEST_TMPDIR/back"
	k exec "$1" -- cat /tmp/numbers | cmp - "$BATS_TEST_TMPDIR/numbers"
	k exec -i "$1" -- sh -c 'cat >/tmp/in; wc -c </tmp/in' <"$BATS_TEST_TMPDIR/numbers"
}

@test "cp copies there and back, and two megabytes go through exec both ways" {
	both copied
	[[ "$ANSWER" == *" /tmp/numbers"*"$(seq 1 300000 | wc -c)" ]]
}

# The statistics of a pod, as `kubectl top` and autoscalers have them from kubelet.
statistics() { k get --raw /api/v1/nodes/node-1/proxy/stats/summary | jq --arg p "$1" '.pods[] | select(.podRef.name == $p)'; }
measured() {
	pod "$1" "$(script 'dd if=/dev/zero of=/dev/shm/x bs=1M count=20; while :; do :; done')"' | .spec.containers[0].resources.limits.cpu = "100m"'
	running "$1"
	is_told() {
		statistics "$1" | jq -e '.memory.workingSetBytes >= 20971520 and .cpu.usageNanoCores > 0 and .network.rxBytes > 0
			and (.volume | length) > 0 and (.containers[0] |
			.name == "main" and .memory.workingSetBytes >= 20971520 and .memory.rssBytes > 0 and .cpu.usageCoreNanoSeconds > 0
			and .cpu.usageNanoCores > 5e7 and .cpu.usageNanoCores < 2e8)' >/dev/null
	}
	eventually 90 is_told "$1" || {
		statistics "$1"
		return 1
	}
	# But for what kubelet has of one pod and not of another, of either shim.
	statistics "$1" | jq -r 'paths(scalars) | map(select(type == "string")) | join(".")' | sort -u | grep -v -e memory.availableBytes -e process_count
}

@test "top: processor, memory, network and volumes of pods and their containers" {
	both measured
	[[ "$ANSWER" == *containers.memory.workingSetBytes* ]]
}

debugged() {
	pod "$1" '.spec.containers[0].securityContext.runAsUser = 12'
	running "$1"
	k debug "$1" --image="$BUSYBOX" --target=main -c looks --profile=general --attach=false -- \
		sh -c 'id -u; cat /proc/1/comm; ps -o args | grep -c "[s]leep 3600"; grep ^CapEff: /proc/self/status; ls /proc/1/root >/dev/null && echo its root; exit 5'
	has_looked() { [ -n "$(of "$1" '.status.ephemeralContainerStatuses[0].state.terminated.exitCode')" ]; }
	eventually 40 has_looked "$1"
	end_of "$1" ephemeralContainerStatuses
	k logs "$1" -c looks
	is_phase "$1" Running
}

@test "an ephemeral container sees the processes of the one that is debugged" {
	both debugged
	[[ "$ANSWER" == *"Error 5"*0*sleep*1*CapEff*"its root"* ]]
}

resized() {
	local id
	pod "$1" '.spec.containers[0].resources = { limits: { memory: "40Mi", cpu: "300m" }, requests: { memory: "20Mi", cpu: "100m" } }'
	running "$1"
	id=$(of "$1" '.status.containerStatuses[0].containerID')
	k patch pod "$1" --subresource resize --type merge -p '{"spec": {"containers": [ { "name": "main", "image": "'$BUSYBOX'",
		"resources": { "limits": { "memory": "64Mi", "cpu": "500m" }, "requests": { "memory": "30Mi", "cpu": "200m" } } } ] } }' >/dev/null
	has_now() { [ "$(of "$1" '.status.containerStatuses[0].resources.limits.memory} {.status.containerStatuses[0].resources.limits.cpu')" = "64Mi 500m" ]; }
	eventually 60 has_now "$1"
	k exec "$1" -- cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/cpu.max
	[ "$(of "$1" '.status.containerStatuses[0].containerID')" = "$id" ]
}

@test "resources are resized in place" {
	both resized
	[ "$ANSWER" = $'67108864\n50000 100000' ]
}

# Each kind of probe, of servers that answer, and of such as do not: etcd has gRPC's own service of health.
probed() {
	local server='.spec.containers[0] |= (.image = "strake/nginx:1" | del(.command))' pod
	pod "$1-http" "$server"' | .spec.containers[0] += { startupProbe: { httpGet: { path: "/", port: 80 }, periodSeconds: 1 },
		readinessProbe: { httpGet: { path: "/", port: 80, httpHeaders: [ { name: "Host", value: "quay" } ] }, periodSeconds: 1 },
		livenessProbe: { httpGet: { path: "/", port: 80 }, periodSeconds: 1 } }'
	pod "$1-tcp" "$server"' | .spec.containers[0] += { readinessProbe: { tcpSocket: { port: 80 }, periodSeconds: 1 },
		livenessProbe: { tcpSocket: { port: 80 }, periodSeconds: 1 } }'
	pod "$1-grpc" '.spec.containers[0] += { command: [ "/etcd", "--data-dir=/data", "--unsafe-no-fsync",
			"--listen-client-urls=http://0.0.0.0:2379", "--advertise-client-urls=http://127.0.0.1:2379" ],
			volumeMounts: [ { name: "program", mountPath: "/etcd", readOnly: true } ],
			readinessProbe: { grpc: { port: 2379 }, periodSeconds: 1 }, livenessProbe: { grpc: { port: 2379 }, periodSeconds: 2, initialDelaySeconds: 10 } }
		| .spec.volumes = [ { name: "program", hostPath: { path: "/opt/kube/kube", type: "File" } } ]'
	pod "$1-exec" '.spec.containers[0].readinessProbe = { exec: { command: [ "sh", "-c", "test -e /ready" ] }, periodSeconds: 1 }'
	pod "$1-no-page" "$server"' | .spec.restartPolicy = "Always"
		| .spec.containers[0].livenessProbe = { httpGet: { path: "/none", port: 80 }, periodSeconds: 1, failureThreshold: 2 }'
	pod "$1-no-port" "$server"' | .spec.containers[0].readinessProbe = { tcpSocket: { port: 81 }, periodSeconds: 1 }'
	for pod in http tcp grpc; do
		running "$1-$pod"
	done
	failed() { k get events --field-selector "reason=Unhealthy,involvedObject.name=$1" -o 'jsonpath={.items[*].message}' | grep -q .; }
	eventually 30 failed "$1-exec"
	k exec "$1-exec" -- touch /ready
	running "$1-exec"
	again() { [ "$(of "$1" '.status.containerStatuses[0].restartCount')" -ge 1 ]; }
	eventually 60 again "$1-no-page"
	eventually 30 failed "$1-no-port"
	for pod in http tcp grpc exec no-page no-port; do
		echo "$pod: $(of "$1-$pod" .status.phase) $([ $pod = no-page ] || of "$1-$pod" '.status.containerStatuses[0].ready} {.status.containerStatuses[0].restartCount')"
	done
	k get events --field-selector reason=Unhealthy -o json | jq -r --arg p "$1-no" '.items[] | select(.involvedObject.name | startswith($p)) | .message' |
		sed 's/[0-9.]*:81/ADDRESS:81/g' | grep -e 404 -e refused | sort -u
}

@test "probes by HTTP, TCP, gRPC and a command decide readiness and restarts" {
	both probed
	for pod in http tcp grpc exec; do
		[[ "$ANSWER" == *"$pod: Running true 0"* ]]
	done
	[[ "$ANSWER" == *"no-port: Running false 0"*"statuscode: 404"*"connection refused"* ]]
}

hooked() {
	on_node "rm -rf /var/lib/hooked; mkdir /var/lib/hooked"
	pod "$1" "$(script 'trap "echo term >>/told/words; exit 0" TERM; while :; do sleep 0.1; done')"'
		| .spec.terminationGracePeriodSeconds = 20
		| .spec.containers[0].lifecycle = { postStart: { exec: { command: [ "sh", "-c", "echo begun >>/told/words" ] } },
			preStop: { exec: { command: [ "sh", "-c", "sleep 1; echo hook >>/told/words" ] } } }
		| .spec.volumes = [ { name: "told", hostPath: { path: "/var/lib/hooked" } } ]
		| .spec.containers[0].volumeMounts = [ { name: "told", mountPath: "/told" } ]'
	running "$1"
	k delete pod "$1" --timeout=60s >/dev/null
	on_node "cat /var/lib/hooked/words; rm -r /var/lib/hooked"
}

@test "hooks run after the start, and before the signal that ends" {
	both hooked
	[ "$ANSWER" = $'begun\nhook\nterm' ]
}
