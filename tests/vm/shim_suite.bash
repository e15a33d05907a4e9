# SPDX-License-Identifier: Apache-2.0
# How a file of tests of the shim by ctr begins and ends: `load shim_suite`. A file may have another teardown.

load shim_lib

setup_file() {
	shim_install
	containerd_start
	image_import
}

teardown_file() {
	containerd_stop
	shim_remove
}

teardown() {
	tidy
}
