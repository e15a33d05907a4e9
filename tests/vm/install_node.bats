# SPDX-License-Identifier: Apache-2.0
# manifests/node-installer/install-node: puts the shim beside what a node has, and takes nothing else away.
# length: containerd
# containerd: 1.6 1.7 2.1 2.3 2.4
# parts: cni cri-tools
# needs: systemd memory pids strake
# deadline: 240

load cri_lib

INSTALL=/opt/strake/manifests/node-installer/install-node
CONFIG=/etc/containerd/config.toml
INSTALLED=/usr/local/bin/containerd-shim-strake-v1

setup() {
	export CONTAINERD=/opt/containerd/containerd
	format=3
	[[ "$(containerd --version)" != *" 1."* && "$(containerd --version)" != *" v1."* ]] || format=2
	rm -rf /etc/containerd
	mkdir -p /etc/containerd
	rm -rf "$INSTALLED" /usr/local/bin/strake /usr/local/share/strake /etc/strake /run/strake-restart-due
}

teardown() {
	systemctl stop containerd
}

# A node's own configuration, without a newline at its end.
own() {
	local cri=io.containerd.cri.v1.runtime
	[ "$format" -eq 3 ] || cri=io.containerd.grpc.v1.cri
	printf '# ours\nversion = %s\nroot = "/var/lib/containerd"\n[plugins."%s".containerd]\n  default_runtime_name = "runc"\n[debug]\n  level = "info"' \
		"$format" "$cri" >"$CONFIG"
	chmod 640 "$CONFIG"
	cp -p "$CONFIG" "$BATS_TEST_TMPDIR/own.toml"
}

@test "added to a node's configuration, checked, and removed" {
	own
	run "$INSTALL" check
	[ "$status" -eq 1 ]
	run "$INSTALL" add /opt/strake/bin
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *restart* ]]
	cmp "$INSTALLED" /opt/strake/bin/containerd-shim-strake-v1
	cmp "$CONFIG.before-strake" "$BATS_TEST_TMPDIR/own.toml"
	[ "$(stat -c %a "$CONFIG")" = 640 ]
	"$INSTALL" check
	# What the node had said is still said.
	containerd config dump | grep -qE "default_runtime_name = ['\"]runc['\"]"
	[ "$format" -eq 2 ] || containerd config dump | grep -qE 'SystemdCgroup = true'
	"$INSTALL" remove
	echo >>"$BATS_TEST_TMPDIR/own.toml" # its last line has an end now
	cmp "$CONFIG" "$BATS_TEST_TMPDIR/own.toml"
	[ "$(stat -c %a "$CONFIG")" = 640 ]
	[ ! -e "$INSTALLED" ]
	[ ! -e "$CONFIG.before-strake" ]
	run "$INSTALL" check
	[ "$status" -eq 1 ]
}

@test "adding and removing twice changes nothing the second time" {
	own
	"$INSTALL" add /opt/strake/bin
	cp -p "$CONFIG" "$BATS_TEST_TMPDIR/first"
	local inode
	inode=$(stat -c %i "$CONFIG")
	run "$INSTALL" add /opt/strake/bin
	[ "$status" -eq 0 ]
	[[ "$output" == *already* && "$output" != *"is added"* ]]
	cmp "$CONFIG" "$BATS_TEST_TMPDIR/first"
	[ "$(stat -c %i "$CONFIG")" = "$inode" ]
	cmp "$CONFIG.before-strake" "$BATS_TEST_TMPDIR/own.toml"
	"$INSTALL" remove
	"$INSTALL" remove
}

@test "a node without a configuration gets one, and loses it again" {
	rm -f "$CONFIG"
	"$INSTALL" add /opt/strake/bin
	"$INSTALL" check
	grep -qrx "version = $format" /etc/containerd
	"$INSTALL" remove
	[ -z "$(find /etc/containerd -type f)" ]
}

@test "where the configuration imports a folder, the handler is a file there, and may be the default" {
	[ "$format" -eq 3 ] || skip "containerd $(containerd --version) takes an imported file's tables instead of its own"
	own
	sed -i 's#^root = #imports = ["/etc/containerd/conf.d/*.toml"]\n&#' "$CONFIG"
	cp -p "$CONFIG" "$BATS_TEST_TMPDIR/own.toml"
	"$INSTALL" add /opt/strake/bin
	cmp "$CONFIG" "$BATS_TEST_TMPDIR/own.toml"
	"$INSTALL" check
	containerd config dump | grep -qE "default_runtime_name = ['\"]runc['\"]"
	run env DEFAULT_RUNTIME=1 "$INSTALL" add /opt/strake/bin
	[[ "$output" == *"is added"*restart* ]]
	containerd config dump | grep -qE "default_runtime_name = ['\"]strake['\"]"
	containerd config dump | grep -qE "runtimes.runc\]"
	"$INSTALL" remove
	cmp "$CONFIG" "$BATS_TEST_TMPDIR/own.toml"
	[ ! -e /etc/containerd/conf.d ]
}

@test "a node without a folder of policies gets the default one, and one that has such a folder keeps what is there" {
	own
	run "$INSTALL" add /opt/strake/bin
	[[ "$output" == *"policies that are in force now: default.json"* ]]
	cmp /etc/strake/policy.d/default.json /opt/strake/policies/default.json
	"$INSTALL" check
	"$INSTALL" add /opt/strake/bin
	"$INSTALL" remove
	[ ! -e /etc/strake ]
	POLICIES='' "$INSTALL" add /opt/strake/bin
	[ ! -e /etc/strake ]
	"$INSTALL" remove
	mkdir -p /etc/strake/policy.d
	"$INSTALL" add /opt/strake/bin
	[ -z "$(ls -A /etc/strake/policy.d)" ]
	"$INSTALL" remove
}

@test "policies are put in force, others instead, and taken away; the node's own stay" {
	own
	export POLICIES="default.json kubernetes.json"
	mkdir -p /etc/strake/policy.d
	echo '{ "schema": "strake/node-policy/1", "name": "node", "rules": [] }' >/etc/strake/policy.d/node.json
	"$INSTALL" add /opt/strake/bin
	[ "$(find /etc/strake -type f | sort | xargs)" = "/etc/strake/policy.d/default.json /etc/strake/policy.d/kubernetes.json /etc/strake/policy.d/node.json /etc/strake/policy.d/seccomp/default.json" ]
	/usr/local/bin/strake policy check
	run "$INSTALL" add /opt/strake/bin
	[[ "$output" == *"in force already"* ]]
	POLICIES=restricted.json "$INSTALL" add /opt/strake/bin
	[ ! -e /etc/strake/policy.d/default.json ]
	[ -e /etc/strake/policy.d/restricted.json ]
	"$INSTALL" remove
	[ "$(find /etc/strake -type f)" = /etc/strake/policy.d/node.json ]
	rm -r /etc/strake
}

@test "a policy that would refuse every container, one that is not there, or of the node's own name is not put in force" {
	own
	mkdir "$BATS_TEST_TMPDIR/p"
	export POLICY_FOLDERS="$BATS_TEST_TMPDIR/p /opt/strake/policies"
	POLICIES=default.json "$INSTALL" add /opt/strake/bin
	echo '{ "schema": "strake/node-policy/1", "name": "edge", "rules": [ { "name": "x", "proces": {} } ] }' >"$BATS_TEST_TMPDIR/p/edge.json"
	run env POLICIES="default.json edge.json" "$INSTALL" add /opt/strake/bin
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *proces*"stay"* ]]
	run env POLICIES="default.json none.json" "$INSTALL" add /opt/strake/bin
	[ "$status" -eq 1 ]
	[[ "$output" == *"no policy none.json"* ]]
	cp /opt/strake/policies/baseline.json /etc/strake/policy.d/
	run env POLICIES="default.json baseline.json" "$INSTALL" add /opt/strake/bin
	[ "$status" -eq 1 ]
	[[ "$output" == *"baseline.json is there, and is not ours"* ]]
	rm /etc/strake/policy.d/baseline.json
	[ "$(find /etc/strake -name '*.json' | wc -l)" -eq 2 ]
	/usr/local/bin/strake policy check
	"$INSTALL" remove
	[ ! -e /etc/strake ]
}

@test "containerd is not restarted, and has the handler once it is" {
	own
	containerd_start
	local pid
	pid=$(systemctl show -P MainPID containerd)
	"$INSTALL" add /opt/strake/bin
	[ "$(systemctl show -P MainPID containerd)" = "$pid" ]
	[ "$(systemctl show -P NRestarts containerd)" = 0 ]
	systemctl restart containerd
	printf 'runtime-endpoint: unix:///run/containerd/containerd.sock\ntimeout: 30\n' >/etc/crictl.yaml
	if [ "$format" -eq 3 ]; then
		eventually 20 crictl info >/dev/null
		crictl info | grep -q '"strake"'
	fi
}

@test "it is not removed while containers are the shim's" {
	own
	"$INSTALL" add /opt/strake/bin
	containerd_start
	image_import
	timeout 20 ctr run -d "${RUNTIME[@]}" "$IMAGE" c sleep 1000
	run "$INSTALL" remove
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *default/c* ]]
	[ -e "$INSTALLED" ]
	"$INSTALL" check
	# Replacing the program disturbs nobody.
	cp "$INSTALLED" "$BATS_TEST_TMPDIR/containerd-shim-strake-v1"
	echo >>"$BATS_TEST_TMPDIR/containerd-shim-strake-v1"
	"$INSTALL" add "$BATS_TEST_TMPDIR"
	[ "$(timeout 20 ctr task exec --exec-id e c echo still)" = still ]
	remove c
	"$INSTALL" remove
}

@test "a handler of that name that is not ours is left alone" {
	own
	local cri=io.containerd.cri.v1.runtime
	[ "$format" -eq 3 ] || cri=io.containerd.grpc.v1.cri
	printf '\n[plugins."%s".containerd.runtimes.strake]\n  runtime_type = "io.containerd.runc.v2"\n' "$cri" >>"$CONFIG"
	cp "$CONFIG" "$BATS_TEST_TMPDIR/own.toml"
	run "$INSTALL" add /opt/strake/bin
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *'not ours'* ]]
	cmp "$CONFIG" "$BATS_TEST_TMPDIR/own.toml"
}

@test "a configuration that containerd cannot read is left as it is" {
	own
	printf '\n[[[\n' >>"$CONFIG"
	cp "$CONFIG" "$BATS_TEST_TMPDIR/own.toml"
	run "$INSTALL" add /opt/strake/bin
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *'does not understand'* ]]
	cmp "$CONFIG" "$BATS_TEST_TMPDIR/own.toml"
	[ "$(find /etc/containerd -name 'config.toml.*' | wc -l)" -eq 0 ]
}

@test "an older format is refused with what to do" {
	printf '[plugins.cri]\n  stream_server_port = "0"\n' >"$CONFIG"
	run "$INSTALL" add /opt/strake/bin
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *'format 1'*migrate* ]]
}
