# SPDX-License-Identifier: Apache-2.0
# What the tests of CRI share: containerd with our handler beside the stock one, both by systemd
# cgroups, a CNI bridge, a registry on loopback. Sourced by bats: `load cri_lib`.

load shim_lib

PATH=/opt/cri-tools:$PATH
PAUSE=registry.k8s.io/pause:3.10
# shellcheck disable=SC2034 # tests use it
BUSYBOX=registry.k8s.io/e2e-test-images/busybox:1.29-2
REGISTRY_PORT=5000

cni_configure() {
	mkdir -p /etc/cni/net.d
	cat >/etc/cni/net.d/10-bridge.conflist <<-'END'
		{"cniVersion": "1.0.0", "name": "bridge", "plugins": [
		 {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true, "hairpinMode": true,
		  "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.88.0.0/16"}]],
		           "routes": [{"dst": "0.0.0.0/0"}]}},
		 {"type": "portmap", "capabilities": {"portMappings": true}}]}
	END
	sysctl -qw net.ipv4.ip_forward=1
}

# Every registry's images come from that on loopback.
registry_configure() {
	mkdir -p /etc/containerd/certs.d/_default
	cat >/etc/containerd/certs.d/_default/hosts.toml <<-END
		server = "http://127.0.0.1:$REGISTRY_PORT"
		[host."http://127.0.0.1:$REGISTRY_PORT"]
		  capabilities = ["pull", "resolve"]
	END
}

# Formats 2, of containerd 1.x, and 3 of its configuration: the same under other names.
configure_2() {
	cat <<-END
		version = 2
		[plugins."io.containerd.grpc.v1.cri"]
		  sandbox_image = "$PAUSE"
		[plugins."io.containerd.grpc.v1.cri".registry]
		  config_path = "/etc/containerd/certs.d"
		[plugins."io.containerd.grpc.v1.cri".cni]
		  bin_dir = "/opt/cni"
		[plugins."io.containerd.grpc.v1.cri".containerd]
	END
}

configure_3() {
	local imports=${CONTAINERD_IMPORTS:+\"$CONTAINERD_IMPORTS/*.toml\"}
	cat <<-END
		version = 3
		imports = [$imports]
		[plugins."io.containerd.cri.v1.images".pinned_images]
		  sandbox = "$PAUSE"
		[plugins."io.containerd.cri.v1.images".registry]
		  config_path = "/etc/containerd/certs.d"
		[plugins."io.containerd.cri.v1.runtime".cni]
		  bin_dirs = ["/opt/cni"]
		[plugins."io.containerd.cri.v1.runtime".containerd]
	END
}

# As a node has it before ours is added: install-node does that, to a file of its own where the
# configuration imports the folder $CONTAINERD_IMPORTS. No policy is in force, so that pods are as the stock shim's.
containerd_configure() {
	local format=3 cri=io.containerd.cri.v1.runtime
	case ${CONTAINERD:-} in 1.*) format=2 cri=io.containerd.grpc.v1.cri ;; esac
	mkdir -p /etc/containerd
	configure_$format >/etc/containerd/config.toml
	cat >>/etc/containerd/config.toml <<-END
		  default_runtime_name = "runc"
		[plugins."$cri".containerd.runtimes.runc]
		  runtime_type = "io.containerd.runc.v2"
		  runtime_path = "/opt/containerd/containerd-shim-runc-v2"
		  [plugins."$cri".containerd.runtimes.runc.options]
		    SystemdCgroup = true
	END
	POLICIES='' CONTAINERD=/opt/containerd/containerd /opt/strake/manifests/node-installer/install-node add /opt/strake/bin
}

# sandboxer_configure, after cri_prepare: a handler whose sandboxes the shim makes. It has no options, as
# containerd refuses pods with users of their own where there are others than runc's.
sandboxer_configure() {
	cat >>/etc/containerd/config.toml <<-'END'
		[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.strake-sandbox]
		  runtime_type = "io.containerd.strake.v1"
		  sandboxer = "shim"
	END
}

# What of the node must be there before containerd is started; a test may add to it, then cri_start.
cri_prepare() {
	cni_configure
	registry_configure
	containerd_configure
}

cri_start() {
	grep -rqs runtimes.strake /etc/containerd || cri_prepare
	ip link set lo up
	systemd-run -q --unit registry /usr/bin/python3 "$BATS_TEST_DIRNAME/images.py" serve $REGISTRY_PORT
	containerd_start
	printf 'runtime-endpoint: unix:///run/containerd/containerd.sock\ntimeout: 90\n' >/etc/crictl.yaml
	eventually 30 sh -c "ss -Hltn | grep -q :$REGISTRY_PORT"
	eventually 30 crictl info >/dev/null
}

cri_stop() {
	containerd_stop
	systemctl stop registry
}

# containerd may still be busy with the end of a shim that was killed, and refuse.
no_pods() {
	crictl rmp -f -a
	[ -z "$(crictl pods -q)" ]
}

# After each test: every pod goes, and nothing of any may stay.
cri_tidy() {
	eventually 90 no_pods
	eventually 20 nothing_of_cri || {
		pgrep -af containerd-shim
		find /run/containerd/io.containerd.runtime.v2.task /run/containerd/s /run/containerd/strake -mindepth 1 -maxdepth 2
		find /sys/fs/cgroup -name 'cri-containerd*'
		grep -E 'k8s.io|/run/netns' /proc/mounts
		false
	}
}

nothing_of_cri() {
	[ -z "$(pgrep -f 'containerd-shim-(strake|runc)')" ] &&
		[ -z "$(find /run/containerd/io.containerd.runtime.v2.task/k8s.io /run/containerd/s \
			/run/containerd/strake/k8s.io /run/netns /var/run/netns -mindepth 1 ! -path '*/.seccomp*' 2>/dev/null)" ] &&
		[ -z "$(find /sys/fs/cgroup -name 'cri-containerd*')" ] &&
		! grep -q k8s.io /proc/mounts
}

# pod NAME [JQ FILTER]: makes and starts one; $POD is its id, $POD_JSON what it was made of.
pod() {
	POD_JSON=$BATS_TEST_TMPDIR/$1.pod.json
	mkdir -p "$BATS_TEST_TMPDIR/logs"
	jq -n --arg n "$1" --arg l "$BATS_TEST_TMPDIR/logs" '{ metadata: { name: $n, namespace: "test", uid: $n },
		log_directory: $l, linux: { cgroup_parent: "/system.slice" } }' | jq "${2:-.}" >"$POD_JSON"
	POD=$(crictl runp --runtime "${HANDLER:-strake}" "$POD_JSON")
}

# container NAME JQ-FILTER COMMAND...: makes and starts one in the last pod; $CONTAINER is its id.
container() {
	local name=$1 filter=$2
	shift 2
	jq -n --arg n "$name" --arg i "$BUSYBOX" '{ metadata: { name: $n }, image: { image: $i },
		command: $ARGS.positional, log_path: ($n + ".log"), linux: {} }' --args -- "$@" |
		jq "$filter" >"$BATS_TEST_TMPDIR/$name.json"
	CONTAINER=$(crictl create "$POD" "$BATS_TEST_TMPDIR/$name.json" "$POD_JSON")
	crictl start "$CONTAINER" >/dev/null
}

# users_own FIRST: the filter that gives a pod, or a container of one, ids of its own from FIRST on.
users_own() {
	printf '.linux.security_context.namespace_options.userns_options = { mode: 0,
		uids: [{ container_id: 0, host_id: %d, length: 65536 }], gids: [{ container_id: 0, host_id: %d, length: 65536 }] }' \
		"$1" "$1"
}

# users_are FIRST: those of the last container are from FIRST on, and it is root of its files.
users_are() {
	local pid
	pid=$(crictl inspect "$CONTAINER" | jq .info.pid)
	[ "$(stat -c %u "/proc/$pid")" = "$1" ]
	[ "$(crictl exec -s "$CONTAINER" cat /proc/self/uid_map | xargs)" = "0 $1 65536" ]
	[ "$(crictl exec -s "$CONTAINER" stat -c %u:%g /bin/busybox)" = 0:0 ]
	[ "$(crictl exec -s "$CONTAINER" sh -c 'echo words >/file && echo more >/dev/shm/file && stat -c %u /file /dev/shm/file' |
		xargs)" = "0 0" ]
	[ "$(readlink "/proc/$pid/ns/user")" != "$(readlink /proc/self/ns/user)" ]
}

state() { # container
	crictl inspect "$1" | jq -r .status.state
}

exited() { # container
	[ "$(state "$1")" = CONTAINER_EXITED ]
}

log_has() { # name, text
	grep -q -- "$2" "$BATS_TEST_TMPDIR/logs/$1.log"
}
