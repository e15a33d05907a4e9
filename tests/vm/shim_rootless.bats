# SPDX-License-Identifier: Apache-2.0
# The shim under a containerd without root: that of an ordinary user, who is root in a user namespace with mounts,
# processes and a delegated cgroup of its own, as rootlesskit makes it for nerdctl and Docker.
# length: long
# containerd: 1.7 2.3
# needs: systemd memory pids userns strake
# deadline: 180

load shim_lib

setup_file() {
	shim_install
	user_session
	# Where he may read it; containerd's own, where there is one, or the guest's.
	install -D -t /home/user/bin "$SHIM"
	# systemd begins it one below what is delegated, where nothing else may be.
	cat >/home/user/rootless.sh <<-'END'
		if [ "${1:-}" != inside ]; then
			own=$(cut -d: -f3 /proc/self/cgroup)
			echo 0 >"/sys/fs/cgroup/${own%/engine}/cgroup.procs"
			exec unshare --cgroup sh -e "$0" inside
		fi
		mount -t cgroup2 none /sys/fs/cgroup
		echo 0 >/sys/fs/cgroup/engine/cgroup.procs
		echo +memory +pids >/sys/fs/cgroup/cgroup.subtree_control
		mount -t tmpfs tmpfs /run
		mount -t tmpfs tmpfs /var/lib/containerd
		printf 'version = 2\ndisabled_plugins = [ "io.containerd.grpc.v1.cri" ]\n' >/run/config.toml
		exec containerd --config /run/config.toml
	END
	image_make "$BATS_FILE_TMPDIR"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR"
	mkdir -p /var/lib/containerd
	as_user env PATH="/home/user/bin:/opt/containerd:/usr/sbin:/usr/bin:/sbin:/bin" \
		systemd-run --user --quiet --unit rootless -p Delegate=yes -p DelegateSubgroup=engine -E PATH \
		unshare --user --map-root-user --map-auto --mount --pid --fork --mount-proc --kill-child \
		sh -e /home/user/rootless.sh
	eventually 30 rootless_ctr version
	rootless_ctr version | sed -n '/Server/,/Version/s/^ *Version: */# containerd /p' >&3
	rootless_ctr image import "$BATS_FILE_TMPDIR/image.tar"
}

teardown_file() {
	as_user systemctl --user stop rootless
	rm -rf /home/user/bin /home/user/rootless.sh
	shim_remove
}

teardown() {
	local id left=0
	for id in $(rootless_ctr container ls -q); do
		rootless_ctr task rm -f "$id" || true
		rootless_ctr container rm "$id"
	done
	eventually 20 rootless_nothing_left || left=1
	return "$left"
}

# His containerd, the last process that was begun by that name.
rootless() {
	nsenter -t "$(pgrep -n -u user -x containerd)" --all env PATH="/opt/containerd:$PATH" "$@"
}

rootless_ctr() { rootless timeout 20 ctr "$@"; }

rootless_run() { # id, words of ctr's before --, --, command
	local id=$1 words=()
	shift
	while [ "$1" != -- ]; do
		words+=("$1")
		shift
	done
	rootless_ctr run "${RUNTIME[@]}" "${words[@]}" "$IMAGE" "$id" "${@:2}"
}

rootless_stopped() { # id
	[ "$(rootless_ctr task ls | awk -v id="$1" '$1 == id { print $3 }')" = STOPPED ]
}

rootless_nothing_left() {
	! pgrep -u user -f containerd-shim-strake-v1 &&
		[ -z "$(rootless find /run/containerd/s /run/containerd/strake/default /sys/fs/cgroup/default -mindepth 1 \
			\( -path '/run/*' -o -type d \) ! -name '.*' 2>/dev/null)" ]
}

@test "a container of a user's containerd has output, status and his ids" {
	run rootless_run c --rm -- sh -c 'id -u; cat /proc/self/uid_map | tr -s " "; exit 7'
	echo "$output"
	[ "$status" -eq 7 ]
	[[ $output == *" 0 1000 1"* ]]
}

@test "it has limits, is executed in, paused, measured and killed" {
	rootless_run c -d --memory-limit 50000000 -- sleep 1000
	[ "$(rootless cat /sys/fs/cgroup/default/c/memory.max)" = 49999872 ]
	[ "$(rootless_ctr task exec --exec-id e c id -u)" = 0 ]
	rootless_ctr task metrics c | grep -E '^memory.usage_limit +49999872'
	rootless_ctr task pause c
	rootless grep -qx 'frozen 1' /sys/fs/cgroup/default/c/cgroup.events
	rootless_ctr task resume c
	rootless_ctr task kill -s KILL c
	eventually 10 rootless_stopped c
	run rootless_ctr task rm c
	[[ "$output" == *137* ]]
}

@test "without a cgroup, where he may make none and the container asks for none" {
	local root=$BATS_FILE_TMPDIR/root
	mkdir "$root/proc" "$root/sys" "$root/dev"
	chown -R user "$root"
	rootless_ctr oci spec | jq --arg root "$root" '.root.path = $root | .process.args = [ "sleep", "1000" ] |
		.process.terminal = false | del(.linux.cgroupsPath, .linux.resources) |
		.mounts |= map(select(.type != "cgroup"))' >"$BATS_FILE_TMPDIR/spec.json"
	rootless mount -o remount,bind,ro /sys/fs/cgroup
	rootless_ctr run -d "${RUNTIME[@]}" --config "$BATS_FILE_TMPDIR/spec.json" c
	[ "$(rootless_ctr task exec --exec-id e c echo in)" = in ]
	run rootless_ctr task pause c
	[[ "$output" == *"has no cgroup"* ]]
	rootless_ctr task kill -s KILL c
	rootless mount -o remount,bind,rw /sys/fs/cgroup
}

# Both belong to the host's root, who is nobody in there.
@test "a log program that the node's owner has listed takes a container's output" {
	local program=/usr/local/bin/rootless-logger
	mkdir -p /etc/strake
	echo "$program" >/etc/strake/log-programs
	printf '#!/bin/sh\nexec 5>&-\ncat <&3 >/run/logged\n' >$program
	chmod 755 $program
	rootless_run c -d --log-uri "binary://$program" -- echo words
	eventually 10 rootless grep -qx words /run/logged
	eventually 10 rootless_stopped c
	rm -r $program /etc/strake
}
