# SPDX-License-Identifier: Apache-2.0
# What the tests of CRI share: containerd 2.x with our handler beside the stock one, both by systemd
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

# As a node has it before ours is added: install-node does that.
containerd_configure() {
	cat >/etc/containerd/config.toml <<-END
		version = 3
		[plugins."io.containerd.cri.v1.images".pinned_images]
		  sandbox = "$PAUSE"
		[plugins."io.containerd.cri.v1.images".registry]
		  config_path = "/etc/containerd/certs.d"
		[plugins."io.containerd.cri.v1.runtime".cni]
		  bin_dirs = ["/opt/cni"]
		[plugins."io.containerd.cri.v1.runtime".containerd]
		  default_runtime_name = "runc"
		[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
		  runtime_type = "io.containerd.runc.v2"
		  runtime_path = "/opt/containerd/containerd-shim-runc-v2"
		  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
		    SystemdCgroup = true
	END
	CONTAINERD=/opt/containerd/containerd /opt/strake/manifests/node/install-node add /opt/strake/bin
}

cri_start() {
	cni_configure
	registry_configure
	containerd_configure
	ip link set lo up
	systemd-run -q --unit registry /usr/bin/python3 "$BATS_TEST_DIRNAME/images.py" serve $REGISTRY_PORT
	containerd_start
	printf 'runtime-endpoint: unix:///run/containerd/containerd.sock\ntimeout: 30\n' >/etc/crictl.yaml
	eventually 30 sh -c "ss -Hltn | grep -q :$REGISTRY_PORT"
	eventually 30 crictl info >/dev/null
}

cri_stop() {
	containerd_stop
	systemctl stop registry
}
