/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spec/spec.h"

struct bpf_insn;
struct cgroup;
struct error;

/*
 * The device filter of a cgroup: an eBPF program (BPF_PROG_TYPE_CGROUP_DEVICE, Linux 4.15).
 *
 * Meaning of a list of rules: for each kind of access that is asked for (read, write, mknod)
 * the last rule that names the device and that access decides; what no rule names is denied;
 * the whole is allowed when each kind is. A rule of type 'a' stands for block and character
 * devices.
 */

/*
 * What runtime-spec ("Default Devices") and every runtime let through: mknod of any node, null,
 * zero, full, random, urandom, tty, console, ptmx, pts. The caller appends them to the rules of
 * the spec.
 */
extern const struct spec_device_rule devices_default[];
extern const size_t devices_default_len;

#define DEVICES_MAX_RULES 1024

/* What is left of a list once rules without effect are gone: the base, then exceptions. */
struct devices_filter {
	bool base_allow;
	size_t n;
	struct spec_device_rule rules[DEVICES_MAX_RULES];
};

/* Pure. -E2BIG past DEVICES_MAX_RULES. */
int devices_normalise(const struct spec_device_rule *rules, size_t n,
		      struct devices_filter *ret, struct error *e);

static inline bool devices_allow_all(const struct devices_filter *f)
{
	return f->base_allow && f->n == 0;
}

/*
 * Pure. Writes the program and sets *n; insns has room for DEVICES_INSNS(f->n).
 */
#define DEVICES_INSNS(rules) (16 + 6 * (rules))
void devices_compile(const struct devices_filter *f, struct bpf_insn *insns, size_t *n);

/*
 * Loads the program, attaches it beside what others attached (BPF_F_ALLOW_MULTI) or, where this
 * cgroup has one of ours, replaces that in one step; then asks the kernel whether it really is
 * attached. Rules that allow everything need no program: a former one of ours is detached. 0,
 * or 1: not permitted in this user namespace, nothing was attached; or -errno.
 */
int devices_apply(const struct cgroup *cg, const struct spec_device_rule *rules, size_t n,
		  struct error *e);

/* How many of our programs are attached to the cgroup, or -errno. */
int devices_attached(const struct cgroup *cg, struct error *e);
