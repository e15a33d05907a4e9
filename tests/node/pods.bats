# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # the container's shell expands it
# What pods ask of a node, each by the stock shim with runc and by ours: the same words, statuses and reasons.

load lib

# case_NAME: what pod NAME is, as a filter over that of pod(); it ends by itself. Kubernetes makes $ of $$,
# and of two streams the order is not told.
script() { printf '.spec.containers[0].command = [ "sh", "-c", %s ]' "$(jq -n --arg s "exec 2>&1; $1" '$s')"; }
STATUS='grep -E "^(Uid|Gid|Groups|Cap...|NoNewPrivs|Seccomp):" /proc/self/status'

case_plain() { script 'pwd; id; hostname | sed "s,^[a-z]*-,,"; env | grep -v -e KUBERNETES -e HOSTNAME | sort; exit 5'; }
case_words() {
	script 'pwd; echo "$0 $1"; echo "the last word" >/dev/words; exit 4'
	echo '| .spec.containers[0] += { args: [ "one", "two" ], workingDir: "/tmp", terminationMessagePath: "/dev/words" }'
}
case_environment() {
	script 'echo $APP $LIMIT $WORD $BOTH $HIDDEN'
	echo '| .metadata.labels.kind = "test" | .spec.containers[0] += { resources: { limits: { memory: "32Mi" } }, env: [
		{ name: "APP", valueFrom: { fieldRef: { fieldPath: "metadata.labels['"'kind'"']" } } },
		{ name: "LIMIT", valueFrom: { resourceFieldRef: { resource: "limits.memory" } } },
		{ name: "WORD", valueFrom: { configMapKeyRef: { name: "words", key: "first" } } },
		{ name: "BOTH", value: "$(WORD)-$(APP)" },
		{ name: "HIDDEN", valueFrom: { secretKeyRef: { name: "hidden", key: "word" } } } ] }'
}
case_volumes() {
	script 'cat /words/first /one /hidden/word /all/a/first /all/labels; ls -lLn /hidden /all/a | cut -c1-10,15-24
		touch /words/x; touch /data/x && ls -ld /data | cut -c1-10; grep -E " /(memory|data|words|hidden) " /proc/mounts | cut -d" " -f2,3'
	echo '| .metadata.labels.kind = "test" | del(.metadata.labels.app) | .spec.volumes = [
		{ name: "words", configMap: { name: "words" } },
		{ name: "hidden", secret: { secretName: "hidden", defaultMode: 256 } },
		{ name: "data", emptyDir: {} },
		{ name: "memory", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
		{ name: "all", projected: { sources: [
			{ configMap: { name: "words", items: [ { key: "first", path: "a/first" } ] } },
			{ downwardAPI: { items: [ { path: "labels", fieldRef: { fieldPath: "metadata.labels" } } ] } } ] } } ]
		| .spec.containers[0].volumeMounts = [
		{ name: "words", mountPath: "/words" }, { name: "words", mountPath: "/one", subPath: "first" },
		{ name: "hidden", mountPath: "/hidden", readOnly: true }, { name: "data", mountPath: "/data" },
		{ name: "memory", mountPath: "/memory" }, { name: "all", mountPath: "/all" } ]'
}
case_hostpath() {
	script 'touch /host/x; cat /file; grep -E " /(host|file|slave) " /proc/self/mountinfo | sed "s/ - .*//" | cut -d" " -f5- | sed "s/:[0-9]*//g"'
	echo '| .spec.volumes = [ { name: "host", hostPath: { path: "/usr/share", type: "Directory" } },
		{ name: "file", hostPath: { path: "/etc/debian_version", type: "File" } } ]
		| .spec.containers[0].volumeMounts = [ { name: "host", mountPath: "/host", readOnly: true },
		{ name: "host", mountPath: "/slave", mountPropagation: "HostToContainer" }, { name: "file", mountPath: "/file" } ]'
}
case_sequence() {
	script 'cat /data/order; test -e /data/beside && echo beside'
	echo '| .spec.volumes = [ { name: "data", emptyDir: {} } ]
		| .spec.containers[0].volumeMounts = [ { name: "data", mountPath: "/data" } ]
		| .spec.initContainers = [ .spec.containers[0] + { name: "one", command: [ "sh", "-c", "echo one >>/data/order" ] },
			.spec.containers[0] + { name: "beside", restartPolicy: "Always",
				command: [ "sh", "-c", "touch /data/beside; sleep 3600" ],
				startupProbe: { exec: { command: [ "test", "-e", "/data/beside" ] }, periodSeconds: 1 } },
			.spec.containers[0] + { name: "two", command: [ "sh", "-c", "echo two >>/data/order" ] } ]'
}
case_init_fails() {
	script 'echo never'
	echo '| .spec.initContainers = [ .spec.containers[0] + { name: "one", command: [ "sh", "-c", "echo no; exit 6" ] } ]'
}
case_hook() {
	script 'until test -e /begun; do sleep 0.1; done; cat /begun'
	echo '| .spec.containers[0].lifecycle.postStart.exec.command = [ "sh", "-c", "echo by the hook >/begun" ]'
}
case_liveness() {
	script 'sleep 3600'
	echo '| .spec.containers[0].livenessProbe = { exec: { command: [ "false" ] }, periodSeconds: 1, failureThreshold: 1 }'
}
case_deadline() {
	script 'trap "" TERM; sleep 3600'
	echo '| .spec.activeDeadlineSeconds = 3'
}
case_network_of_host() {
	script 'ls /sys/class/net | grep -c -e cni0 -e vec0; hostname'
	echo '| .spec.hostNetwork = true'
}
case_processes_of_host() {
	script 'ps | grep -c "[k]ubelet --config"; test $$$$ -gt 1; echo $?'
	echo '| .spec.hostPID = true | .spec.hostIPC = true'
}
case_processes_shared() {
	script 'until pidof sleep >/dev/null; do sleep 0.1; done; test $$$$ -gt 1; echo $?; kill $(pidof sleep)'
	echo '| .spec.shareProcessNamespace = true | .spec.containers[0].securityContext.capabilities.add = [ "SYS_PTRACE" ]
		| .spec.containers += [ .spec.containers[0] + { name: "second", command: [ "sleep", "3600" ] } ]'
}
case_root_read_only() {
	script 'touch /x; touch /tmp/x; touch /data/x && echo data'
	echo '| .spec.volumes = [ { name: "data", emptyDir: {} } ]
		| .spec.containers[0] += { volumeMounts: [ { name: "data", mountPath: "/data" } ],
			securityContext: { readOnlyRootFilesystem: true } }'
}
case_identity() {
	script 'id; touch /data/x && ls -ln /data | tail -1 | cut -c1-30; ls -ldn /data | cut -c1-30; '"$STATUS"
	echo '| .spec.securityContext = { runAsUser: 12, runAsGroup: 34, fsGroup: 56, supplementalGroups: [ 78 ] }
		| .spec.volumes = [ { name: "data", emptyDir: {} } ]
		| .spec.containers[0].volumeMounts = [ { name: "data", mountPath: "/data" } ]'
}
case_not_root() {
	script 'echo never'
	echo '| .spec.securityContext.runAsNonRoot = true | .spec.activeDeadlineSeconds = 6'
}
case_privileges() { script "$STATUS; cat /proc/self/attr/current"; }
case_few_privileges() {
	script "$STATUS; mkdir /sys/fs/cgroup/x; mount -t tmpfs x /tmp; unshare -m true"
	echo '| .spec.containers[0].securityContext = { allowPrivilegeEscalation: false, runAsUser: 9,
		seccompProfile: { type: "RuntimeDefault" }, capabilities: { drop: [ "ALL" ], add: [ "CHOWN" ] } }'
}
case_all_privileges() {
	script "$STATUS; test -e /dev/ubda; echo \$?; mount -t tmpfs x /tmp; echo \$?; cat /proc/self/attr/current"
	echo '| .spec.containers[0].securityContext.privileged = true'
}
# Not cpu.weight: an older runc went from shares to weight by a straight line.
case_cgroups_of_host() {
	script 'cut -d" " -f5,6 /proc/self/mountinfo | grep /sys/fs/cgroup; ls -d /sys/fs/cgroup/kubepods.slice /sys/fs/cgroup/system.slice
		grep -q $$$$ "/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)/cgroup.procs"; echo $?; mkdir /sys/fs/cgroup/x && rmdir /sys/fs/cgroup/x; echo $?'
	echo '| .spec.containers[0].securityContext.privileged = true'
}
case_devices_of_host() {
	script 'ls /dev | grep -v -e ^ubd -e ^vport -e ^tty -e ^pty -e ^loop; ls -l /dev/core'
	echo '| .spec.containers[0].securityContext.privileged = true'
}
# What is mounted there is seen on the node, and by the pod that comes after.
case_propagation() {
	script 'grep " /both " /proc/self/mountinfo | grep -o "shared\|master" ; mkdir -p /both/made && mount -t tmpfs inside /both/made && touch /both/made/file
		test -e /host/made/file; echo $?; umount /both/made; test -e /host/made/file; echo $?'
	echo '| .spec.volumes = [ { name: "host", hostPath: { path: "/var/lib/propagation", type: "DirectoryOrCreate" } } ]
		| .spec.containers[0] += { securityContext: { privileged: true }, volumeMounts: [
		{ name: "host", mountPath: "/both", mountPropagation: "Bidirectional" },
		{ name: "host", mountPath: "/host", mountPropagation: "HostToContainer" } ] }'
}
case_resources() {
	script 'cd /sys/fs/cgroup && cat memory.max memory.low memory.swap.max cpu.max; cat /proc/self/oom_score_adj; ulimit -n -u'
	echo '| .spec.containers[0].resources = { limits: { memory: "40Mi", cpu: "300m" }, requests: { memory: "20Mi", cpu: "100m" } }'
}
case_guaranteed() {
	script 'cd /sys/fs/cgroup && cat memory.max cpu.max; cat /proc/self/oom_score_adj'
	echo '| .spec.containers[0].resources.limits = { memory: "40Mi", cpu: "100m" }'
}
case_names() {
	script 'hostname; hostname -f; cat /etc/resolv.conf; grep -v -e ^# -e "^10\.88" /etc/hosts'
	echo '| .spec += { hostname: "harbour", subdomain: "sea", dnsPolicy: "None", hostAliases: [ { ip: "10.1.2.3", hostnames: [ "quay" ] } ],
		dnsConfig: { nameservers: [ "10.9.8.7" ], searches: [ "sea" ], options: [ { name: "ndots", value: "2" } ] } }'
}
case_sysctl() {
	script 'cat /proc/sys/kernel/shm_rmid_forced /proc/sys/net/ipv4/ip_unprivileged_port_start'
	echo '| .spec.securityContext.sysctls = [ { name: "kernel.shm_rmid_forced", value: "1" },
		{ name: "net.ipv4.ip_unprivileged_port_start", value: "80" } ]'
}
case_terminal() {
	script 'test -t 0; echo $?; test -t 1; echo $?'
	echo '| .spec.containers[0] += { tty: true, stdin: true }'
}
# Where its ids are on the node is another range for each pod.
case_users_own() {
	script 'tr -s " " </proc/self/uid_map | cut -d" " -f2,4; test "$(tr -s " " </proc/self/uid_map | cut -d" " -f3)" -ge 65536; echo $?; id; touch /data/x && stat -c '"'%A %u:%g'"' /data/x /data
		cat /words/first; touch /words/x; chown 7:8 /data/x; stat -c %u:%g /data/x; mkdir /sys/fs/cgroup/x; '"$STATUS"
	echo '| .spec.hostUsers = false | .spec.securityContext = { fsGroup: 56, supplementalGroups: [ 78 ] }
		| .spec.volumes = [ { name: "data", emptyDir: {} }, { name: "words", configMap: { name: "words" } } ]
		| .spec.containers[0] += { volumeMounts: [ { name: "data", mountPath: "/data" }, { name: "words", mountPath: "/words" } ],
			securityContext: { capabilities: { add: [ "SYS_ADMIN" ] } } }'
}
case_image_volume() {
	script 'cat /image/www/index.html /page/index.html; touch /image/x; grep -o " /image [^ ]* " /proc/mounts'
	echo '| .spec.volumes = [ { name: "image", image: { reference: "strake/nginx:1", pullPolicy: "IfNotPresent" } } ]
		| .spec.containers[0].volumeMounts = [ { name: "image", mountPath: "/image" }, { name: "image", mountPath: "/page", subPath: "www" } ]'
}
case_no_such_directory() {
	script 'pwd'
	echo '| .spec.containers[0].workingDir = "/made/for/it"'
}

setup_file() {
	k apply -f - >/dev/null <<-'END'
		apiVersion: v1
		kind: ConfigMap
		metadata: {name: words}
		data: {first: "word\n"}
		---
		apiVersion: v1
		kind: Secret
		metadata: {name: hidden}
		stringData: {word: "secret\n"}
	END
	class_of_stock
	eventually 30 k get serviceaccount default >/dev/null
}

teardown() {
	pods_gone
}

teardown_file() {
	k delete runtimeclass/stock configmap/words secret/hidden >/dev/null
}

has_ended() { [[ "$(phase "$1")" =~ ^(Succeeded|Failed)$ ]]; }

# told POD: what of a pod that has ended must be the same.
told() {
	local container
	k get pod "$1" -o json | jq '.status | { phase, reason, containers: [ .initContainerStatuses[]?, .containerStatuses[]?
		| { name, restartCount, state: (.state | map_values(del(.containerID, .startedAt, .finishedAt))) } ] }'
	for container in $(k get pod "$1" -o jsonpath='{.spec.initContainers[*].name} {.spec.containers[*].name}'); do
		echo "--- $container"
		k logs "$1" -c "$container" 2>&1 | sed "s/$1/POD/g; s/[0-9a-f]\{64\}/ID/g"
	done
}

alike() { # name
	local class
	for class in stock strake; do
		told "$class-$1" >"$BATS_TEST_TMPDIR/$class"
	done
	cmp -s "$BATS_TEST_TMPDIR/stock" "$BATS_TEST_TMPDIR/strake"
}

same() { # name
	local name=${1//_/-} class
	for CLASS in stock strake; do
		pod "$CLASS-$name" "$("case_$1")"
	done
	for class in stock strake; do
		eventually 150 has_ended "$class-$name" || {
			k describe pod "$class-$name"
			return 1
		}
	done
	# kubelet may say more of a pod that has failed: a container that never was is told of later.
	eventually 20 alike "$name" || {
		cat "$BATS_TEST_TMPDIR/strake"
		diff -U 3 "$BATS_TEST_TMPDIR/stock" "$BATS_TEST_TMPDIR/strake"
	}
}

@test "plain" { same plain; }
@test "words" { same words; }
@test "environment" { same environment; }
@test "volumes" { same volumes; }
@test "hostpath" { same hostpath; }
@test "sequence" { same sequence; }
@test "init fails" { same init_fails; }
@test "hook" { same hook; }
@test "liveness" { same liveness; }
@test "deadline" { same deadline; }
@test "network of host" { same network_of_host; }
@test "processes of host" { same processes_of_host; }
@test "processes shared" { same processes_shared; }
@test "root read only" { same root_read_only; }
@test "identity" { same identity; }
@test "not root" { same not_root; }
@test "privileges" { same privileges; }
@test "few privileges" { same few_privileges; }
@test "all privileges" { same all_privileges; }
@test "cgroups of host" { same cgroups_of_host; }
@test "devices of host" { same devices_of_host; }
@test "propagation" { same propagation; }
@test "resources" { same resources; }
@test "guaranteed" { same guaranteed; }
@test "names" { same names; }
@test "sysctl" { same sysctl; }
@test "terminal" { same terminal; }
@test "no such directory" { same no_such_directory; }

# Debian's runc cannot map the ids of mounts, so kubelet lets no pod have users of its own under the stock shim:
# ours is compared with what it has to be.
@test "users own" {
	CLASS=strake pod own "$(case_users_own)"
	eventually 150 has_ended own
	diff -U 3 - <(k logs own) <<-'END'
		0 65536
		0
		uid=0(root) gid=0(root) groups=0(root),56,78
		-rw-r--r-- 0:56
		drwxrwsrwx 0:56
		word
		touch: /words/x: Read-only file system
		7:8
		mkdir: can't create directory '/sys/fs/cgroup/x': Read-only file system
		Uid:	0	0	0	0
		Gid:	0	0	0	0
		Groups:	0 56 78 
		CapInh:	0000000000000000
		CapPrm:	00000000a82425fb
		CapEff:	00000000a82425fb
		CapBnd:	00000000a82425fb
		CapAmb:	0000000000000000
		NoNewPrivs:	0
		Seccomp:	0
	END
}
@test "image volume" { same image_volume; }
