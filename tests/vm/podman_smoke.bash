#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # the container's shell expands it
#
# What people ask of podman, one runtime at a time; the same words and statuses are expected of each.
#
#	podman_smoke.bash RUNTIME IMAGE DIRECTORY
#
# Prints "== NAME" for each command, what it said, and its status. What differs from run to run
# (ids, times, pids) is left out or made the same.
set -u

runtime=$1 image=$2 dir=$3
name=smoke
p() { timeout 60 podman --runtime "$runtime" "$@"; }

normalise() {
	sed -E -e 's/\b[0-9a-f]{64}\b/ID/g' -e 's/\b[0-9a-f]{12}\b/ID/g' -e "s/\r//g"
}

is() { # NAME COMMAND...
	local name=$1 status=0
	shift
	echo "== $name"
	"$@" >"$dir/out" 2>"$dir/err" </dev/null || status=$?
	normalise <"$dir/out"
	# Who failed says why in his own words; that he did, and the status, are the same.
	if [ -s "$dir/err" ]; then
		echo "(and words on stderr)"
		normalise <"$dir/err" >>"$dir/words"
	fi
	echo "status $status"
}

run() { p run --rm --network none "$@"; }
status_line() { echo "grep -E '^(Cap...|NoNewPrivs|Seccomp):' /proc/self/status"; }

is "run" run "$image" echo hello
is "exit status" run "$image" sh -c 'exit 7'
is "killed by a signal" run "$image" sh -c 'kill -9 $$'
is "no such command" run "$image" nope
is "a directory for a command" run "$image" /etc
is "no such working directory is made" run -w /made/here "$image" pwd
is "environment, hostname" run -e A=b --hostname h "$image" sh -c 'echo $A; hostname'
is "user" run --user 12:34 "$image" id
is "user and groups" run --user 12 --group-add 56 "$image" id -G
is "umask" run --umask 0027 "$image" sh -c umask
is "read-only" run --read-only "$image" touch /x
is "tmpfs" run --read-only --tmpfs /t:size=1m "$image" sh -c 'touch /t/x && df -k /t | tail -1'
mkdir -p "$dir/vol" && echo text >"$dir/vol/f"
is "volume" run -v "$dir/vol:/v" "$image" cat /v/f
is "read-only volume" run -v "$dir/vol:/v:ro" "$image" touch /v/f
is "capabilities and seccomp by default" run "$image" sh -c "$(status_line)"
is "no capabilities" run --cap-drop all "$image" sh -c "$(status_line)"
is "one more capability" run --cap-add net_admin "$image" sh -c "$(status_line)"
is "no-new-privileges" run --security-opt no-new-privileges "$image" sh -c "$(status_line)"
is "no seccomp" run --security-opt seccomp=unconfined "$image" sh -c "$(status_line)"
is "a seccomp profile of one's own" run --security-opt "seccomp=$dir/seccomp.json" "$image" mkdir /x
is "privileged" run --privileged "$image" sh -c "$(status_line)"
is "masked paths" run "$image" sh -c 'head -c 1 /proc/kcore | wc -c; ls /proc/acpi /sys/firmware'
is "unmasked" run --security-opt unmask=/proc/acpi "$image" sh -c 'test -d /proc/scsi; echo $?'
is "memory and swap" run --memory 64m --memory-swap 96m "$image" \
	sh -c 'cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory.swap.max'
is "memory reservation" run --memory 64m --memory-reservation 32m "$image" cat /sys/fs/cgroup/memory.low
is "cpus" run --cpus 0.5 "$image" cat /sys/fs/cgroup/cpu.max
is "cpu shares" run --cpu-shares 512 "$image" cat /sys/fs/cgroup/cpu.weight
is "cpuset" run --cpuset-cpus 0 "$image" cat /sys/fs/cgroup/cpuset.cpus.effective
is "pids" run --pids-limit 7 "$image" cat /sys/fs/cgroup/pids.max
# One process alone: with several, the kernel may find a second victim before the first has gone.
is "out of memory" run --memory 16m --memory-swap 16m "$image" \
	sh -c 'dd if=/dev/zero of=/dev/null bs=64M count=1; echo $?'
is "ulimit" run --ulimit nofile=100:200 "$image" sh -c 'ulimit -Sn; ulimit -Hn'
is "oom score" run --oom-score-adj 500 "$image" cat /proc/self/oom_score_adj
is "sysctl" run --sysctl kernel.msgmax=4096 "$image" cat /proc/sys/kernel/msgmax
is "device" run --device /dev/null:/dev/mine "$image" sh -c 'echo x >/dev/mine; ls -l /dev/mine | cut -c1-10'
[ "$(id -u)" != 0 ] || is "device in a user namespace" run --uidmap 0:200000:5000 --gidmap 0:200000:5000 \
	--device /dev/zero:/dev/mine "$image" sh -c 'stat -c "%a %u:%g %t:%T" /dev/mine; head -c 3 /dev/mine | wc -c'
is "shm size" run --shm-size 2m "$image" sh -c 'df -k /dev/shm | tail -1'
is "host's namespaces" run --ipc host --uts host --pid host "$image" sh -c 'test $$ -gt 1; echo $?'
is "cgroup of the host" run --cgroupns host "$image" sh -c 'grep -c libpod /proc/self/cgroup'
is "without a cgroup" run --cgroups disabled "$image" echo hello
is "a user namespace of its own" run --uidmap 0:1:5000 "$image" cat /proc/self/uid_map
is "terminal" run -t "$image" sh -c 'test -t 0; echo $?'
is "stdin" bash -c "echo words | podman --runtime $runtime run --rm -i --network none $image cat"
is "an init process" run --init "$image" sh -c 'cat /proc/1/comm; echo $$'
is "no network" run "$image" sh -c 'ls /sys/class/net'

p run -d --name $name --network none --memory 64m --health-cmd 'test -e /ok' --health-interval disable \
	"$image" sh -c 'echo begun; trap "echo ended; exit 3" TERM; sleep 600 & wait' >/dev/null
is "exec" p exec $name echo hello
is "exec's status" p exec $name sh -c 'exit 9'
is "exec as a user, elsewhere, with more" p exec -u 5 -w /tmp -e C=d $name sh -c 'id -u; pwd; echo $C'
is "exec on a terminal" p exec -t $name sh -c 'test -t 0; echo $?'
is "exec of what is not there" p exec $name nope
is "exec with privilege" p exec --privileged $name sh -c "$(status_line)"
is "exec sees its own cgroup" p exec $name cat /proc/self/cgroup
is "unhealthy" p healthcheck run $name
is "made healthy" p exec $name touch /ok
is "healthy" p healthcheck run $name
is "top" p top $name user comm
is "state" p inspect -f '{{.State.Status}} {{.State.Running}} {{.State.OOMKilled}} {{.OCIRuntime}}' $name
is "statistics" p stats --no-stream --format '{{.Name}} {{.PIDs}}' $name
is "pause" p pause $name
is "paused" p inspect -f '{{.State.Status}}' $name
is "exec while paused" p exec $name true
is "unpause" p unpause $name
is "update" p update --memory 32m --pids-limit 60 $name
is "updated" p exec $name sh -c 'cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max'
is "copy into it" p cp "$dir/vol/f" $name:/copied
is "copied" p exec $name cat /copied
is "commit" p commit -q $name localhost/committed
is "run what was committed" run localhost/committed cat /copied
printf 'FROM %s\nRUN echo words >/made\nUSER 5\nRUN id -u && cat /made\n' "$image" >"$dir/Containerfile"
for isolation in oci rootless; do
	is "build, $isolation" p build -q --network none --isolation "$isolation" -f "$dir/Containerfile" -t localhost/built "$dir/vol"
	is "run what was built" run localhost/built cat /made
	is "remove what was built" p rmi -f localhost/built
done
is "checkpoint" p container checkpoint $name
is "stop" p stop -t 10 $name
is "its status" p inspect -f '{{.State.ExitCode}} {{.State.Status}}' $name
is "logs" p logs $name
is "start again" p start $name
is "kill" p kill $name
is "wait" p wait $name
is "remove" p rm $name
is "remove the image" p rmi -f localhost/committed

is "pod" p pod create --name ${name}pod --network none --infra-command /bin/pause --infra-image "$image"
is "run in the pod" p run --rm --pod ${name}pod "$image" sh -c 'hostname'
is "another beside it" p run -d --pod ${name}pod --name ${name}two "$image" sleep 600
is "pods" p pod ps --format '{{.Name}} {{.Status}} {{.NumberOfContainers}}'
is "pause the pod" p pod pause ${name}pod
is "unpause the pod" p pod unpause ${name}pod
is "end the pod" p pod rm -f -t 0 ${name}pod

cat >"$dir/pod.yaml" <<-END
	apiVersion: v1
	kind: Pod
	metadata:
	  name: ${name}kube
	spec:
	  restartPolicy: Never
	  containers:
	  - name: main
	    image: $image
	    imagePullPolicy: Never
	    command: [ "sleep", "600" ]
	    resources:
	      limits: { memory: 48Mi, cpu: 250m }
	    securityContext:
	      runAsUser: 77
	      readOnlyRootFilesystem: true
	      capabilities: { drop: [ ALL ] }
	    livenessProbe:
	      exec: { command: [ "true" ] }
END
is "kube play" p kube play --network none "$dir/pod.yaml"
is "its limits" p exec ${name}kube-main sh -c \
	'id -u; cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/cpu.max; touch /x'
is "its capabilities" p exec ${name}kube-main sh -c "$(status_line)"
is "kube generate" bash -c "podman kube generate ${name}kube | grep -c 'name: main'"
is "kube down" p kube down "$dir/pod.yaml"
is "nothing is left" p ps -a -q
