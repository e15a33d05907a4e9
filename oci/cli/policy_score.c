/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <stdio.h>

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/policy.h"

/*
 * How much of the machine a container reaches, after the node's policies: items with a weight, each open in
 * part, in full or not at all, as a number from 0 (closed) to 10. It compares bundles and policies with
 * each other; it says nothing of what runs inside.
 */
#define FULL 100 /* percent */

struct item {
	const char *name;
	unsigned int weight;
	unsigned int (*open)(const struct spec *s); /* percent */
	const char *advice;
};

static unsigned int caps_of(const struct spec *s, uint64_t wanted)
{
	uint64_t has = s->process.capabilities.bounding & wanted;

	return (unsigned int)(FULL * __builtin_popcountll(has) / __builtin_popcountll(wanted));
}

#define CAP(name) (1ull << CAP_##name)

static unsigned int open_admin(const struct spec *s)
{
	return caps_of(s, CAP(SYS_ADMIN) | CAP(SYS_MODULE) | CAP(SYS_RAWIO) | CAP(SYS_PTRACE) |
				  CAP(SYS_BOOT) | CAP(DAC_READ_SEARCH) | CAP(BPF) |
				  CAP(PERFMON) | CAP(MAC_ADMIN) | CAP(MAC_OVERRIDE) |
				  CAP(SYSLOG) | CAP(SYS_TIME));
}

static unsigned int open_net(const struct spec *s)
{
	return caps_of(s, CAP(NET_ADMIN) | CAP(NET_RAW));
}

static unsigned int open_files(const struct spec *s)
{
	return caps_of(s, CAP(MKNOD) | CAP(CHOWN) | CAP(FSETID) | CAP(SETFCAP) |
				  CAP(DAC_OVERRIDE) | CAP(FOWNER));
}

static unsigned int open_ids(const struct spec *s)
{
	return caps_of(s, CAP(SETUID) | CAP(SETGID) | CAP(SETPCAP));
}

static unsigned int open_root(const struct spec *s)
{
	bool userns = s->linux_.namespaces[SPEC_NS_USER].present;

	return s->process.user.uid != 0 ? 0 : userns ? FULL / 4 : FULL;
}

static unsigned int open_gain(const struct spec *s)
{
	return s->process.no_new_privileges ? 0 : FULL;
}

/* One that lets through what it does not name is half of one. */
static unsigned int open_filter(const struct spec *s)
{
	const struct spec_seccomp *f = &s->linux_.seccomp;

	return !f->present ? FULL : f->default_action == 0x7fff0000 ? FULL / 2 : 0;
}

static unsigned int open_abis(const struct spec *s)
{
	return !s->linux_.seccomp.present || s->linux_.seccomp.n_architectures > 1 ? FULL : 0;
}

static unsigned int open_lsm(const struct spec *s)
{
	const struct spec_process *p = &s->process;
	bool apparmor =
		!str_empty(p->apparmor_profile) && !str_eq(p->apparmor_profile, "unconfined");

	return apparmor || !str_empty(p->selinux_label) ? 0
	       : s->linux_.landlock.n                   ? FULL / 2
							: FULL;
}

/* A path may be the host's own: `namespaces.require` of a policy tells those apart, this does not. */
static unsigned int open_ns(const struct spec *s, enum spec_ns ns)
{
	const struct spec_namespace *n = &s->linux_.namespaces[ns];

	return n->present && !n->path ? 0 : n->present ? FULL / 4 : FULL;
}

static unsigned int open_pid(const struct spec *s)
{
	return open_ns(s, SPEC_NS_PID);
}

static unsigned int open_network(const struct spec *s)
{
	return open_ns(s, SPEC_NS_NETWORK);
}

static unsigned int open_ipc(const struct spec *s)
{
	return open_ns(s, SPEC_NS_IPC);
}

static unsigned int open_rootfs(const struct spec *s)
{
	return s->root_readonly ? 0 : FULL;
}

static unsigned int open_masks(const struct spec *s)
{
	unsigned int open = 0;

	open += s->linux_.masked_paths.n ? 0 : FULL / 2;
	return open + (s->linux_.readonly_paths.n ? 0 : FULL / 2);
}

static unsigned int open_binds(const struct spec *s)
{
	size_t i, n = 0;

	for (i = 0; i < s->n_mounts; i++)
		n += (s->mounts[i].bind || s->mounts[i].bind_rec) &&
		     !(s->mounts[i].attr_set & MOUNT_ATTR_RDONLY);
	return n > 4 ? FULL : (unsigned int)(n * FULL / 4);
}

static unsigned int open_memory(const struct spec *s)
{
	const struct spec_resources *r = &s->linux_.resources;

	return r->memory_limit.set && r->memory_limit.value > 0 ? 0 : FULL;
}

static unsigned int open_pids(const struct spec *s)
{
	const struct spec_resources *r = &s->linux_.resources;

	return r->pids_limit.set && r->pids_limit.value >= 0 ? 0 : FULL;
}

/* clang-format off: one item a line */
static const struct item items[] = {
	{ "capabilities of the machine's owner", 2500, open_admin,
	  "process.capabilities.ceiling" },
	{ "root", 2000, open_root, "process.user.root, or a user namespace" },
	{ "no system call filter", 2000, open_filter, "seccomp.default, seccomp.required" },
	{ "the host's processes", 1500, open_pid, "namespaces.require: pid" },
	{ "the host's network", 1500, open_network, "namespaces.require: network" },
	{ "new privileges by exec", 1000, open_gain, "process.noNewPrivileges" },
	{ "capabilities over files", 1000, open_files, "process.capabilities.ceiling" },
	{ "capabilities over users", 1000, open_ids, "process.capabilities.ceiling" },
	{ "no LSM profile", 1000, open_lsm, "process.apparmor.allow, landlock" },
	{ "folders of the host that can be written", 1000, open_binds,
	  "mounts.denySources, mounts.bindFlags" },
	{ "the kernel's files in /proc and /sys", 1000, open_masks, "paths" },
	{ "capabilities over the network", 500, open_net, "process.capabilities.ceiling" },
	{ "the host's shared memory", 500, open_ipc, "namespaces.require: ipc" },
	{ "calls of other ABIs", 500, open_abis, "seccomp.abis" },
	{ "a root file system that can be written", 300, open_rootfs, "root.readonly" },
	{ "memory without limit", 300, open_memory, "resources.memory" },
	{ "processes without limit", 300, open_pids, "resources.pids" },
};
/* clang-format on */

/* Tenths of a point. */
static unsigned int score_of(const struct spec *s)
{
	unsigned long long open = 0, all = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(items); i++) {
		open += (unsigned long long)items[i].weight * items[i].open(s);
		all += (unsigned long long)items[i].weight * FULL;
	}
	return (unsigned int)((open * 100 + all / 2) / all);
}

static void print_text(const struct spec *s, unsigned int score)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(items); i++) {
		unsigned int open = items[i].open(s);

		if (open)
			printf("%5u  %3u %%  %-40s  %s\n", items[i].weight, open, items[i].name,
			       items[i].advice);
	}
	printf("score %u.%u of 10, where 0 is closed\n", score / 10, score % 10);
}

static int print_json(const struct spec *s, unsigned int score, struct error *e)
{
	autojson *w = json_writer_new(true);
	char number[16];
	size_t i;

	if (!w)
		return error_set(e, ENOMEM, "policy score");
	json_write_object(w);
	json_write_key(w, "score");
	json_write_number(w, number,
			  (size_t)snprintf(number, sizeof(number), "%u.%u", score / 10,
					   score % 10));
	json_write_key(w, "items");
	json_write_array(w);
	for (i = 0; i < ARRAY_SIZE(items); i++) {
		json_write_object(w);
		json_put_string(w, "name", items[i].name);
		json_put_u64(w, "weight", items[i].weight);
		json_put_u64(w, "openPercent", items[i].open(s));
		json_put_string(w, "closedBy", items[i].advice);
		json_write_end(w);
	}
	json_write_end(w);
	json_write_end(w);
	return output_json(w, e);
}

int policy_score(struct cli *cli, const struct policy_options *opt)
{
	struct policy_case c;
	unsigned int score;
	int r = policy_case_open(&c, cli, opt);

	if (r == 0) {
		score = score_of(&c.spec);
		if (opt->json)
			r = print_json(&c.spec, score, &cli->error);
		else
			print_text(&c.spec, score);
	}
	policy_case_done(&c);
	return r;
}
