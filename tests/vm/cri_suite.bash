# SPDX-License-Identifier: Apache-2.0
# How a file of tests of pods by crictl begins and ends: `load cri_suite`.

load cri_lib

# What a file adds to the node's configuration, before containerd is started.
node_add() {
	:
}

setup_file() {
	cri_prepare
	node_add
	cri_start
	crictl pull "$BUSYBOX"
}

teardown_file() {
	cri_stop
}

teardown() {
	cri_tidy
}
