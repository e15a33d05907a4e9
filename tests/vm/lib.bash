# SPDX-License-Identifier: Apache-2.0
# What the tests in the guest share. Sourced by bats: `load lib`.

# bundle_make DIR: a bundle of a static busybox that does nothing; $BUNDLE names it.
bundle_make() {
	BUNDLE=$1
	mkdir -p "$BUNDLE/rootfs"/{dev,etc,proc,sys,tmp,root,home,var,usr/bin}
	ln -s usr/bin "$BUNDLE/rootfs/bin"
	cp /usr/bin/busybox "$BUNDLE/rootfs/usr/bin/"
	/usr/bin/busybox --install -s "$BUNDLE/rootfs/usr/bin"
	echo root:x:0:0:root:/root:/bin/sh >"$BUNDLE/rootfs/etc/passwd"
	(cd "$BUNDLE" && rm -f config.json && crun spec)
	bundle_set '.process.terminal = false | .process.args = ["true"] | .root.readonly = false'
}

# bundle_set FILTER [JQ OPTION...]: change its config.json.
bundle_set() {
	local filter=$1
	shift
	jq "$@" "$filter" "$BUNDLE/config.json" >"$BUNDLE/config.json.new"
	mv "$BUNDLE/config.json.new" "$BUNDLE/config.json"
}

# eventually SECONDS COMMAND...: run it until it succeeds, for so long at most.
eventually() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		if ((SECONDS >= end)); then
			echo "not in time: $*" >&2
			return 1
		fi
		sleep 0.05
	done
}

# fresh_policy, no_policy: the node policy that a fresh install has on.
fresh_policy() {
	mkdir -p /etc/strake/policy.d/seccomp
	cp /opt/strake/policies/seccomp/default.json /etc/strake/policy.d/seccomp/
	cp /opt/strake/policies/default.json /etc/strake/policy.d/
}

no_policy() { rm -rf /etc/strake; }

# user_session: start the manager of the ordinary user named user.
user_session() {
	loginctl enable-linger user
	eventually 20 test -S /run/user/1000/bus
}

as_user() {
	runuser -u user -- env HOME=/home/user XDG_RUNTIME_DIR=/run/user/1000 \
		DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1000/bus sh -c 'cd && exec "$@"' sh "$@"
}

# cgroups_left: the cgroups of containers that are there. Another's cleaning up may still run, so
# `eventually 5 cgroups_none` is the question after its container has ended.
cgroups_left() {
	find /sys/fs/cgroup -mindepth 1 -type d \( -name 'crun*' -o -name 'runc*' -o -name 'strake*' \
		-o -name 'libpod*' -o -path '*/system.slice/*.scope' \) ! -path '*/user@1000.service/*'
}

cgroups_none() {
	[ -z "$(cgroups_left)" ]
}
