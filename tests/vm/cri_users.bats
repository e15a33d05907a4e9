# SPDX-License-Identifier: Apache-2.0
# Pods with users of their own, as `hostUsers: false` makes them, by crictl. containerd 1.6 has none.
# length: containerd
# containerd: 1.7 2.1 2.3 2.4
# parts: cni cri-tools
# needs: systemd memory pids userns strake
# deadline: 240

load cri_suite

@test "a pod has users of its own" {
	pod a "$(users_own 200000)"
	container c "$(users_own 200000)" sleep 1000
	users_are 200000
	crictl inspectp "$POD" | jq -e '.info.pid > 0 and .info.runtimeSpec.linux.uidMappings[0].hostID == 200000'
	pod b "$(users_own 300000)"
	container d "$(users_own 300000)" sleep 1000
	users_are 300000
}
