# SPDX-License-Identifier: Apache-2.0
# What the tests of the shim under containerd share. Sourced by bats: `load shim_lib`.

load lib

IMAGE=local/busybox:1
# shellcheck disable=SC2034 # tests use it
RUNTIME=(--runtime io.containerd.strake.v1)
BUNDLES=/run/containerd/io.containerd.runtime.v2.task/default
SHIM=/opt/strake/bin/containerd-shim-strake-v1

# shim_install, shim_remove: where containerd finds it by its name.
shim_install() {
	ln -sf "$SHIM" /usr/local/bin/
}

shim_remove() {
	rm -f /usr/local/bin/containerd-shim-strake-v1
}

# containerd_start: that of /opt/containerd where there is one, the guest's own elsewhere. It stays down
# when a test has ended it, and is started as often as a test likes.
containerd_start() {
	local dir=/run/systemd/system/containerd.service.d
	mkdir -p $dir
	printf '[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=no\n' >$dir/restart.conf
	if [ -x /opt/containerd/containerd ]; then
		cat >$dir/version.conf <<-'END'
			[Service]
			ExecStart=
			ExecStart=/opt/containerd/containerd
			Environment=PATH=/opt/containerd:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
		END
	fi
	systemctl daemon-reload
	systemctl start containerd
	ctr version | sed -n '/Server/,/Version/s/^ *Version: */# containerd /p' >&3
}

containerd_stop() {
	systemctl stop containerd
}

# blob FILE: into the image under its digest, which is printed.
blob() {
	local digest
	digest=$(sha256sum "$1" | cut -d' ' -f1)
	cp "$1" "$2/blobs/sha256/$digest"
	echo "$digest"
}

# image_make DIR: an OCI archive of the static busybox, DIR/image.tar.
image_make() {
	local d=$1 layer config manifest
	mkdir -p "$d"/{root/bin,root/tmp,oci/blobs/sha256}
	cp /usr/bin/busybox "$d/root/bin/"
	/usr/bin/busybox --install -s "$d/root/bin" 2>/dev/null || true
	find "$d/root/bin" -type l -exec ln -sf busybox {} \;
	tar -C "$d/root" -cf "$d/layer.tar" .
	layer=$(blob "$d/layer.tar" "$d/oci")
	jq -n --arg l "sha256:$layer" '{ architecture: "amd64", os: "linux",
		config: { Env: ["PATH=/bin"], Cmd: ["sh"] },
		rootfs: { type: "layers", diff_ids: [$l] } }' >"$d/config.json"
	config=$(blob "$d/config.json" "$d/oci")
	jq -n --arg l "sha256:$layer" --argjson ls "$(stat -c %s "$d/layer.tar")" \
		--arg c "sha256:$config" --argjson cs "$(stat -c %s "$d/config.json")" \
		'{ schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json",
		config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: $c, size: $cs },
		layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", digest: $l, size: $ls }] }' \
		>"$d/manifest.json"
	manifest=$(blob "$d/manifest.json" "$d/oci")
	jq -n --arg m "sha256:$manifest" --argjson ms "$(stat -c %s "$d/manifest.json")" --arg n "$IMAGE" \
		'{ schemaVersion: 2, manifests: [{ mediaType: "application/vnd.oci.image.manifest.v1+json",
		digest: $m, size: $ms, annotations: { "io.containerd.image.name": $n } }] }' >"$d/oci/index.json"
	echo '{"imageLayoutVersion":"1.0.0"}' >"$d/oci/oci-layout"
	tar -C "$d/oci" -cf "$d/image.tar" .
}

# image_import: make it and hand it to containerd.
image_import() {
	image_make "$BATS_FILE_TMPDIR"
	ctr image import "$BATS_FILE_TMPDIR/image.tar"
}

# Kills the task, if there is one, and removes it and its container.
remove() { # id
	ctr task kill -s KILL "$1" 2>/dev/null || true
	eventually 10 stopped "$1"
	ctr task rm "$1" 2>/dev/null || true
	ctr container rm "$1" 2>/dev/null || true
}

status() { # id
	ctr task ls | awk -v id="$1" '$1 == id { print $3 }'
}

is() { # id status
	[ "$(status "$1")" = "$2" ]
}

stopped() { # id
	! is "$1" RUNNING && ! is "$1" PAUSED && ! is "$1" CREATED
}

# Of the shim itself: `start` before it, and its children at work, have the same words, and not their own session.
shim_pid() { # id
	ps -eo pid=,sid=,args= | awk -v id="$1" '$1 == $2 && $0 ~ "containerd-shim-strake-v1 .*-id " id " start" { print $1 }'
}

shim_is_there() { # id
	[ -n "$(shim_pid "$1")" ]
}

# A bundle whose name begins with a dot is one that containerd was killed over removing: it never does.
nothing_left() {
	[ -z "$(pgrep -f containerd-shim-strake-v1)" ] &&
		[ -z "$(find /run/containerd/s /run/containerd/strake/default "$BUNDLES" -mindepth 1 -maxdepth 1 ! -name '.*' 2>/dev/null)" ] &&
		! grep -q "$BUNDLES" /proc/mounts &&
		[ -z "$(ls -d /sys/fs/cgroup/default/*/ 2>/dev/null)" ]
}

# After each test: every container goes, and nothing of any may stay.
tidy() {
	local id
	for id in $(ctr container ls -q); do remove "$id"; done
	# ctr makes them before the container, and was perhaps interrupted. containerd may be collecting them itself.
	for id in $(ctr snapshot ls | awk '$3 == "Active" { print $1 }'); do
		ctr snapshot rm "$id" || ! ctr snapshot info "$id"
	done
	# A shim that containerd forgot ends itself after ten seconds; one that 1.6 keeps a connection to
	# for no task, thirty later.
	eventually 60 nothing_left || {
		pgrep -af containerd-shim-strake-v1
		find /run/containerd/s /run/containerd/strake/default "$BUNDLES" -mindepth 1 -maxdepth 1
		grep "$BUNDLES" /proc/mounts
		ls -d /sys/fs/cgroup/default/*/
		return 1
	}
	# They would keep containerd from removing the next bundle of that name.
	rm -rf "$BUNDLES"/.[!.]*
}
