/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct buf;
struct error;

/* Appends io.containerd.cgroups.v2.Metrics of the cgroup, packed. */
int metrics_pack(const char *cgroup, struct buf *out, struct error *e);

/* Appends io.containerd.cgroups.v1.Metrics; `lines` is what cgroup1_of() said. */
int metrics_v1_pack(const char *lines, struct buf *out, struct error *e);
