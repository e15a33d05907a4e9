# SPDX-License-Identifier: Apache-2.0
# podman drives strake as it drives crun: the same commands (podman_smoke.bash), the same answers.
# needs: systemd memory pids cpu io cpuset userns strake
# length: long
# deadline: 600

load lib

setup_file() {
	strake --version | sed -n '1s/^/# /p' >&3
	crun --version | sed -n '1s/^/# /p' >&3
	podman --version | sed 's/^/# /' >&3
	mkdir -p /etc/containers/containers.conf.d
	printf '%s\n' '[engine]' 'runtime_supports_json = [ "crun", "runc", "strake" ]' \
		'runtime_supports_nocgroup = [ "crun", "strake" ]' \
		'runtime_supports_nocgroups = [ "crun", "strake" ]' \
		'[engine.runtimes]' 'strake = [ "/opt/strake/bin/strake" ]' \
		>/etc/containers/containers.conf.d/strake.conf
}

# image_of COMMAND...: an image of busybox, for who runs COMMAND.
image_of() {
	bundle_make "$BATS_TEST_TMPDIR/b"
	printf '#!/bin/sh\nexec sleep 100000\n' >"$BUNDLE/rootfs/usr/bin/pause"
	chmod 755 "$BUNDLE/rootfs/usr/bin/pause"
	tar -C "$BUNDLE/rootfs" -cf /tmp/image.tar .
	chmod 644 /tmp/image.tar
	"$@" podman import -q /tmp/image.tar localhost/bb
	rm /tmp/image.tar
}

# Refused by the policy of what it is: what follows mkdir's failure is compared, not its reason.
seccomp_profile() {
	jq -n '{ defaultAction: "SCMP_ACT_ALLOW", architectures: [ "SCMP_ARCH_X86_64" ],
		syscalls: [ { names: [ "mkdir", "mkdirat" ], action: "SCMP_ACT_ERRNO", errnoRet: 13 } ] }'
}

# What differs, and why.
#	cpu shares: before 1.23 crun went from shares to weight by a straight line, which made 20 of 512;
#	since then it does as runc and we do.
explained() {
	sed '/^== cpu shares$/,/^==/s/^20$/59/'
}

# compare WHO COMMAND...: the smoke, by both, and what differs.
compare() {
	local who=$1 runtime
	shift
	for runtime in crun strake; do
		mkdir "/tmp/$who-$runtime"
		chmod 777 "/tmp/$who-$runtime"
		seccomp_profile >"/tmp/$who-$runtime/seccomp.json"
		chmod 644 "/tmp/$who-$runtime/seccomp.json"
		"$@" bash /opt/strake/tests/vm/podman_smoke.bash "$runtime" localhost/bb "/tmp/$who-$runtime" |
			sed "s/\\b$runtime\\b/RUNTIME/g; s,/tmp/$who-$runtime,DIR,g" >"/tmp/$who-$runtime.txt"
	done
	local all good
	all=$(grep -c '^==' "/tmp/$who-strake.txt") good=$(grep -c '^status 0' "/tmp/$who-strake.txt")
	echo "# $who: $all commands, $good of them succeed" >&3
	[ "$good" -ge 60 ]
	sed 's/^/# in words: /' "/tmp/$who-strake/words"
	diff -U 4 <(explained <"/tmp/$who-crun.txt") "/tmp/$who-strake.txt"
}

@test "root: what podman does by strake and by crun is the same" {
	image_of env
	compare root env
	eventually 5 cgroups_none
	[ -z "$(find /run/strake -mindepth 1 -maxdepth 1 ! -name '.*')" ]
}

@test "an ordinary user: what podman does by strake and by crun is the same" {
	user_session
	image_of as_user
	compare user as_user
}

# Its filter is there where the client leaves his out, and a user's engine is root in a user namespace that lacks
# the host's root, whose the policies are.
@test "with the policies of a fresh install both run containers, which are held to them" {
	local who
	mkdir -p /etc/strake
	cp -r /opt/strake/policies /etc/strake/policy.d
	find /etc/strake/policy.d -maxdepth 1 -type f ! -name default.json -delete
	user_session
	for who in env as_user; do
		image_of "$who"
		"$who" podman --runtime strake run -d --name held --network none --security-opt seccomp=unconfined localhost/bb sleep 600
		[ "$("$who" podman --runtime strake exec held awk '/^Seccomp:/ { print $2 }' /proc/self/status)" = 2 ]
		"$who" podman --runtime strake rm -f -t 0 held
	done
	rm -r /etc/strake
}
