# SPDX-License-Identifier: Apache-2.0
# Docker, Debian's, with strake for its runtime.
# needs: systemd memory pids cpu strake
# deadline: 300

load lib

setup_file() {
	strake --version | sed -n '1s/^/# /p' >&3
	docker --version | sed 's/^/# /' >&3
	mkdir -p /etc/docker
	echo '{ "runtimes": { "strake": { "path": "/opt/strake/bin/strake" } }, "default-runtime": "strake",
		"bridge": "none", "iptables": false, "ip6tables": false }' >/etc/docker/daemon.json
	systemctl restart docker
	bundle_make /tmp/docker
	tar -C /tmp/docker/rootfs -c . | docker import - bb
}

teardown_file() {
	systemctl stop docker docker.socket containerd
}

setup() {
	NAME=d$BATS_TEST_NUMBER
}

teardown() {
	docker rm -f "$NAME" 2>/dev/null || true
	eventually 5 docker_scopes_none
}

docker_scopes_none() { [ -z "$(find /sys/fs/cgroup -name 'docker-*.scope')" ]; }

@test "run: output and status, and it was us" {
	run docker run --rm --network none bb sh -c 'echo hello; exit 7'
	[ "$status" -eq 7 ]
	[ "$output" = hello ]
	[ "$(docker info -f '{{.DefaultRuntime}} {{.CgroupDriver}} {{.CgroupVersion}}')" = "strake systemd 2" ]
	run docker run --rm --network none bb nope
	echo "$output"
	[ "$status" -eq 127 ]
	[[ "$output" == *nope* ]]
}

@test "limits, seen from inside and by what they do" {
	run docker run --rm --network none --memory 64m --memory-swap 96m --cpus 0.5 --pids-limit 50 --cpu-shares 512 bb \
		sh -c 'cd /sys/fs/cgroup; cat memory.max memory.swap.max cpu.max pids.max cpu.weight'
	echo "$output"
	[ "$output" = $'67108864\n33554432\n50000 100000\n50\n59' ]
	run docker run --name "$NAME" --network none --memory 16m --memory-swap 16m bb \
		sh -c 'x=$(head -c 64m /dev/zero | tr "\000" x)'
	[ "$status" -eq 137 ]
	[ "$(docker inspect -f '{{.State.OOMKilled}}' "$NAME")" = true ]
}

@test "exec, stats, top, pause, update, restart, logs, stop" {
	docker run -d --name "$NAME" --network none --memory 64m bb \
		sh -c 'echo begun; trap "exit 3" TERM; sleep 600 & wait'
	run docker exec -u 12 -w /tmp -e A=b "$NAME" sh -c 'id -u; pwd; echo $A; exit 9'
	[ "$status" -eq 9 ]
	[ "${lines[*]}" = "12 /tmp b" ]
	[[ "$(docker stats --no-stream --format '{{.MemUsage}}' "$NAME")" == */\ 64MiB ]]
	[ "$(docker top "$NAME" | tail -n +2 | wc -l)" -eq 2 ]
	docker pause "$NAME"
	[ "$(docker inspect -f '{{.State.Status}}' "$NAME")" = paused ]
	docker unpause "$NAME"
	docker update --memory 32m --memory-swap 48m --pids-limit 60 "$NAME"
	[ "$(docker exec "$NAME" sh -c 'cd /sys/fs/cgroup; cat memory.max memory.swap.max pids.max' | xargs)" = \
		"33554432 16777216 60" ]
	systemctl daemon-reload
	[ "$(docker exec "$NAME" cat /sys/fs/cgroup/memory.max)" -eq 33554432 ]
	docker stop -t 10 "$NAME"
	[ "$(docker inspect -f '{{.State.ExitCode}}' "$NAME")" -eq 3 ]
	docker start "$NAME"
	[ "$(docker exec "$NAME" cat /sys/fs/cgroup/memory.max)" -eq 33554432 ]
	[ "$(docker logs "$NAME" | grep -c begun)" -eq 2 ]
}

@test "default seccomp profile, AppArmor profile and capabilities are those that runc gives" {
	local runtime
	for runtime in runc strake; do
		docker run --rm --runtime "$runtime" --network none bb sh -c \
			'grep -E "^(Cap...|NoNewPrivs|Seccomp):" /proc/self/status; cat /proc/self/attr/current
			mount -t tmpfs x /mnt 2>&1; unshare -m true 2>&1' >"/tmp/$runtime.txt" || true
	done
	cat /tmp/strake.txt
	grep -q '^Seccomp:.*2' /tmp/strake.txt
	diff /tmp/runc.txt /tmp/strake.txt
}

@test "a terminal, a volume, read-only, a tmpfs, a health check" {
	run script -qec "docker run --rm -t --network none bb sh -c 'test -t 0 && echo terminal'" /dev/null
	[[ "$output" == *terminal* ]]
	echo shown >"$BATS_TEST_TMPDIR/h"
	run docker run --rm --read-only --tmpfs /t --network none -v "$BATS_TEST_TMPDIR/h:/h:ro" bb \
		sh -c 'cat /h; touch /t/x && touch /x'
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *shown* && "$output" == *Read-only* ]]
	docker run -d --name "$NAME" --network none --health-cmd 'test -e /ok' --health-interval 1s bb sleep 600
	docker exec "$NAME" touch /ok
	healthy() { [ "$(docker inspect -f '{{.State.Health.Status}}' "$NAME")" = healthy ]; }
	eventually 20 healthy
}
