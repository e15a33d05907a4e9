/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct error;
struct sandbox;

/* Child: linux.sysctl, by files below a private procfs (procfs.h), inside the new namespaces. */
int sysctl_apply(struct sandbox *sb, struct error *e);
