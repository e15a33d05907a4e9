/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct error;
struct pod;

/* In a worker: below `root`, owned by the pod's root. */
int pod_write_files(const struct pod *p, const char *root, struct error *e);
