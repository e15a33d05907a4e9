/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "spec/spec.h"

/* One document with a value of its own in every field; each test looks at a part of it. */
static struct spec full;

static int full_parse(void **state)
{
	struct error e = ERROR_INIT;
	autobuf b = { 0 };
	int r;

	(void)state;
	r = file_read(AT_FDCWD, "tests/fixtures/full.json", SPEC_MAX_BYTES, &b, &e);
	if (r == 0)
		r = spec_parse("config.json", b.data, b.len, &full, &e);
	if (r < 0)
		print_error("%s\n", e.text);
	return r;
}

static int full_done(void **state)
{
	(void)state;
	spec_done(&full);
	assert_null(full.arena.blocks);
	spec_done(&full);
	return 0;
}

static void assert_strings(const struct spec_strings *list, const char *const *want)
{
	size_t i;

	for (i = 0; want[i]; i++) {
		assert_true(i < list->n);
		assert_string_equal(list->v[i], want[i]);
	}
	assert_int_equal(list->n, i);
	assert_null(list->v[i]);
}

#define ASSERT_STRINGS(list, ...) \
	assert_strings(&(list), (const char *const[]){ __VA_ARGS__, NULL })

static void assert_pair(const struct spec_pairs *pairs, size_t i, const char *key,
			const char *value)
{
	assert_true(i < pairs->n);
	assert_string_equal(pairs->v[i].key, key);
	assert_string_equal(pairs->v[i].value, value);
}

static void test_top(void **state)
{
	(void)state;
	assert_string_equal(full.file, "config.json");
	assert_non_null(full.doc);
	assert_string_equal(full.oci_version, "1.3.0");
	assert_true(full.root_present);
	assert_string_equal(full.root_path, "rootfs");
	assert_true(full.root_readonly);
	assert_string_equal(full.hostname, "slartibartfast");
	assert_string_equal(full.domainname, "example.test");
	assert_int_equal(full.warnings.n, 0);
	assert_int_equal(full.annotations.n, 3);
	assert_pair(&full.annotations, 0, "com.example.gpu-cores", "2");
	assert_pair(&full.annotations, 1, "com.example.empty", "");
	assert_pair(&full.annotations, 2, "com.example.text", "two\nlines");
	assert_string_equal(spec_annotation(&full, "com.example.gpu-cores"), "2");
	assert_null(spec_annotation(&full, "com.example"));
}

static void test_process(void **state)
{
	const struct spec_process *p = &full.process;

	(void)state;
	assert_true(p->present);
	assert_true(p->terminal);
	assert_int_equal(p->console_height, 25);
	assert_int_equal(p->console_width, 80);
	assert_int_equal(p->user.uid, 1000);
	assert_int_equal(p->user.gid, 1001);
	assert_true(p->user.set_umask);
	assert_int_equal(p->user.umask, 077);
	assert_int_equal(p->user.n_additional_gids, 3);
	assert_int_equal(p->user.additional_gids[0], 5);
	assert_int_equal(p->user.additional_gids[1], 6);
	assert_int_equal(p->user.additional_gids[2], 4294967);
	assert_string_equal(p->user.username, "containeruser");
	ASSERT_STRINGS(p->args, "/usr/bin/server", "--listen", "", "-v");
	ASSERT_STRINGS(p->env, "PATH=/usr/bin:/bin", "TERM=xterm", "EMPTY=", "NAKED");
	assert_string_equal(p->cwd, "/srv");
	assert_true(p->no_new_privileges);
	assert_string_equal(p->apparmor_profile, "acme_secure_profile");
	assert_string_equal(p->selinux_label, "system_u:system_r:svirt_lxc_net_t:s0:c124,c675");
	assert_true(p->oom_score_adj.set);
	assert_int_equal(p->oom_score_adj.value, -100);
	assert_string_equal(p->exec_cpu_initial, "7");
	assert_string_equal(p->exec_cpu_final, "0-3,7");
}

static void test_capabilities(void **state)
{
	const struct spec_capabilities *c = &full.process.capabilities;

	(void)state;
	assert_true(c->present);
	assert_true(c->bounding ==
		    (1ull << CAP_AUDIT_WRITE | 1ull << CAP_KILL | 1ull << CAP_NET_BIND_SERVICE |
		     1ull << CAP_CHECKPOINT_RESTORE));
	assert_true(c->effective == 1ull << CAP_KILL);
	assert_true(c->inheritable == 1ull << CAP_NET_BIND_SERVICE);
	assert_true(c->permitted == (1ull << CAP_AUDIT_WRITE | 1ull << CAP_KILL));
	assert_true(c->ambient == 1ull << CAP_CHOWN);
	assert_int_equal(c->unknown.n, 0);
}

static void test_limits(void **state)
{
	const struct spec_process *p = &full.process;

	(void)state;
	assert_int_equal(p->n_rlimits, 2);
	assert_int_equal(p->rlimits[0].resource, RLIMIT_NOFILE);
	assert_string_equal(p->rlimits[0].name, "RLIMIT_NOFILE");
	assert_int_equal(p->rlimits[0].soft, 1024);
	assert_int_equal(p->rlimits[0].hard, 4096);
	assert_int_equal(p->rlimits[1].resource, RLIMIT_CORE);
	assert_int_equal(p->rlimits[1].soft, 0);
	assert_true(p->rlimits[1].hard == UINT64_MAX);

	assert_true(p->scheduler.present);
	assert_int_equal(p->scheduler.policy, SCHED_DEADLINE);
	assert_int_equal(p->scheduler.nice, -5);
	assert_int_equal(p->scheduler.priority, 10);
	assert_true(p->scheduler.flags == (SCHED_FLAG_RESET_ON_FORK | SCHED_FLAG_DL_OVERRUN));
	assert_int_equal(p->scheduler.runtime, 4000000);
	assert_int_equal(p->scheduler.deadline, 5000000);
	assert_int_equal(p->scheduler.period, 6000000);
	assert_true(p->io_priority.present);
	assert_int_equal(p->io_priority.class, IOPRIO_CLASS_IDLE);
	assert_int_equal(p->io_priority.priority, 4);
}

static void test_mounts(void **state)
{
	const struct spec_mount *m = full.mounts;

	(void)state;
	assert_int_equal(full.n_mounts, 3);
	assert_string_equal(m[0].destination, "/proc");
	assert_string_equal(m[0].type, "proc");
	assert_string_equal(m[0].source, "proc");
	assert_int_equal(m[0].options.n, 0);
	assert_false(m[0].bind);

	ASSERT_STRINGS(m[1].options, "nosuid", "strictatime", "mode=755", "size=65536k");
	ASSERT_STRINGS(m[1].data, "mode=755", "size=65536k");
	assert_true(m[1].attr_set != 0);

	assert_string_equal(m[2].source, "/volumes/testing");
	assert_true(m[2].bind && m[2].bind_rec && m[2].idmap && m[2].idmap_rec);
	assert_true(m[2].propagation == MS_PRIVATE && m[2].propagation_rec);
	assert_int_equal(m[2].n_uid_mappings, 1);
	assert_int_equal(m[2].uid_mappings[0].container_id, 0);
	assert_int_equal(m[2].uid_mappings[0].host_id, 100000);
	assert_int_equal(m[2].uid_mappings[0].size, 1000);
	assert_int_equal(m[2].n_gid_mappings, 2);
	assert_int_equal(m[2].gid_mappings[1].container_id, 1000);
	assert_int_equal(m[2].gid_mappings[1].host_id, 300000);
	assert_int_equal(m[2].gid_mappings[1].size, 1);
}

static void test_hooks(void **state)
{
	const struct spec_hooks *h = full.hooks;
	int stage;

	(void)state;
	assert_int_equal(h[SPEC_HOOK_PRESTART].n, 2);
	assert_string_equal(h[SPEC_HOOK_PRESTART].v[0].path, "/usr/bin/fix-mounts");
	ASSERT_STRINGS(h[SPEC_HOOK_PRESTART].v[0].args, "fix-mounts", "arg1");
	ASSERT_STRINGS(h[SPEC_HOOK_PRESTART].v[0].env, "key1=value1");
	assert_int_equal(h[SPEC_HOOK_PRESTART].v[0].timeout, 0);
	assert_string_equal(h[SPEC_HOOK_PRESTART].v[1].path, "/usr/bin/setup-network");
	assert_int_equal(h[SPEC_HOOK_PRESTART].v[1].args.n, 0);
	for (stage = SPEC_HOOK_CREATE_RUNTIME; stage < SPEC_HOOK_STAGES; stage++) {
		assert_int_equal(h[stage].n, 1);
		assert_int_equal(h[stage].v[0].timeout, stage);
	}
	assert_string_equal(h[SPEC_HOOK_CREATE_RUNTIME].v[0].path, "/usr/bin/create-runtime");
	assert_string_equal(h[SPEC_HOOK_CREATE_CONTAINER].v[0].path,
			    "/usr/bin/create-container");
	assert_string_equal(h[SPEC_HOOK_START_CONTAINER].v[0].path, "/usr/bin/refresh-ldcache");
	assert_string_equal(h[SPEC_HOOK_POSTSTART].v[0].path, "/usr/bin/notify-start");
	ASSERT_STRINGS(h[SPEC_HOOK_POSTSTOP].v[0].args, "cleanup.sh", "-f");
}

static void test_linux(void **state)
{
	const struct spec_linux *l = &full.linux_;
	int ns;

	(void)state;
	assert_true(l->present);
	for (ns = 0; ns < SPEC_NS_COUNT; ns++) {
		assert_true(l->namespaces[ns].present);
		if (ns != SPEC_NS_NETWORK)
			assert_null(l->namespaces[ns].path);
	}
	assert_string_equal(l->namespaces[SPEC_NS_NETWORK].path, "/run/netns/neta");

	assert_int_equal(l->n_uid_mappings, 2);
	assert_int_equal(l->uid_mappings[1].container_id, 32000);
	assert_int_equal(l->uid_mappings[1].host_id, 65536);
	assert_int_equal(l->uid_mappings[1].size, 65536);
	assert_int_equal(l->n_gid_mappings, 1);
	assert_int_equal(l->gid_mappings[0].host_id, 2000);

	assert_true(l->offset_monotonic.present);
	assert_int_equal(l->offset_monotonic.secs, 172800);
	assert_int_equal(l->offset_monotonic.nanosecs, 5);
	assert_true(l->offset_boottime.present);
	assert_int_equal(l->offset_boottime.secs, -604800);
	assert_int_equal(l->offset_boottime.nanosecs, 0);

	assert_int_equal(l->n_net_devices, 2);
	assert_string_equal(l->net_devices[0].host_name, "eth0");
	assert_string_equal(l->net_devices[0].name, "container_eth0");
	assert_string_equal(l->net_devices[1].host_name, "ens4");
	assert_null(l->net_devices[1].name);

	assert_string_equal(l->cgroups_path, "/myRuntime/myContainer");
	assert_true(l->rootfs_propagation == MS_SLAVE && l->rootfs_propagation_rec);
	assert_int_equal(l->sysctl.n, 2);
	assert_pair(&l->sysctl, 0, "net.ipv4.ip_forward", "1");
	assert_pair(&l->sysctl, 1, "kernel.shmmax", "65536");
	ASSERT_STRINGS(l->masked_paths, "/proc/kcore", "/proc/keys");
	ASSERT_STRINGS(l->readonly_paths, "/proc/sys");
	assert_string_equal(l->mount_label,
			    "system_u:object_r:svirt_sandbox_file_t:s0:c715,c811");
	assert_true(l->set_personality);
	assert_int_equal(l->personality, PER_LINUX32);
}

static void test_linux_numa_and_rdt(void **state)
{
	const struct spec_intel_rdt *rdt = &full.linux_.intel_rdt;
	const struct spec_memory_policy *policy = &full.linux_.memory_policy;

	(void)state;
	assert_true(rdt->present);
	assert_string_equal(rdt->clos_id, "guaranteed_group");
	ASSERT_STRINGS(rdt->schemata, "L3:0=7f0;1=1f", "MB:0=20;1=70");
	assert_string_equal(rdt->l3_cache_schema, "L3:0=7f0;1=f0");
	assert_string_equal(rdt->mem_bw_schema, "MB:0=20;1=70");
	assert_true(rdt->enable_cmt && rdt->enable_mbm && rdt->enable_monitoring);
	assert_true(policy->present);
	assert_int_equal(policy->mode, 6);
	assert_string_equal(policy->nodes, "2-3");
	assert_int_equal(policy->flags, MPOL_F_STATIC_NODES);
}

static void test_devices(void **state)
{
	const struct spec_device *d = full.linux_.devices;

	(void)state;
	assert_int_equal(full.linux_.n_devices, 4);
	assert_int_equal(d[0].type, 'c');
	assert_string_equal(d[0].path, "/dev/fuse");
	assert_int_equal(d[0].major, 10);
	assert_int_equal(d[0].minor, 229);
	assert_true(d[0].set_file_mode && d[0].set_uid && d[0].set_gid);
	assert_int_equal(d[0].file_mode, 0666);
	assert_int_equal(d[0].uid, 0);
	assert_int_equal(d[0].gid, 3);
	assert_int_equal(d[1].type, 'b');
	assert_int_equal(d[1].file_mode, 0660);
	assert_false(d[1].set_uid || d[1].set_gid);
	assert_int_equal(d[2].type, 'p');
	assert_false(d[2].set_file_mode);
	assert_int_equal(d[3].type, 'u');
	assert_int_equal(d[3].major, 162);
}

static void assert_throttle(const struct spec_throttles *t, size_t n, int minor, uint64_t rate)
{
	assert_true(n < t->n);
	assert_int_equal(t->v[n].major, 8);
	assert_int_equal(t->v[n].minor, minor);
	assert_true(t->v[n].rate == rate);
}

static void test_resources(void **state)
{
	const struct spec_resources *r = &full.linux_.resources;

	(void)state;
	assert_true(r->present);
	assert_true(r->memory_limit.set && r->memory_limit.value == 536870912);
	assert_true(r->memory_reservation.set && r->memory_reservation.value == 268435456);
	assert_true(r->memory_swap.set && r->memory_swap.value == 1073741824);
	assert_true(r->memory_kernel.set && r->memory_kernel.value == -1);
	assert_true(r->memory_kernel_tcp.set && r->memory_kernel_tcp.value == 0);
	assert_true(r->memory_swappiness.set && r->memory_swappiness.value == 60);
	assert_true(r->disable_oom_killer && r->memory_use_hierarchy);
	assert_true(r->memory_check_before_update);
	assert_true(r->cpu_shares.set && r->cpu_shares.value == 1024);
	assert_true(r->cpu_quota.set && r->cpu_quota.value == 50000);
	assert_true(r->cpu_period.set && r->cpu_period.value == 100000);
	assert_true(r->cpu_burst.set && r->cpu_burst.value == 25000);
	assert_true(r->cpu_rt_runtime.set && r->cpu_rt_runtime.value == 950000);
	assert_true(r->cpu_rt_period.set && r->cpu_rt_period.value == 1000000);
	assert_true(r->cpu_idle.set && r->cpu_idle.value == 1);
	assert_string_equal(r->cpu_cpus, "2-3");
	assert_string_equal(r->cpu_mems, "0-7");
	assert_true(r->pids_limit.set && r->pids_limit.value == 32771);
	assert_int_equal(r->n_hugepages, 2);
	assert_string_equal(r->hugepages[0].page_size, "2MB");
	assert_int_equal(r->hugepages[0].limit, 209715200);
	assert_string_equal(r->hugepages[1].page_size, "64KB");
	assert_true(r->network_class_id.set && r->network_class_id.value == 1048577);
	assert_true(r->network_priorities);
	assert_int_equal(r->n_rdma, 2);
	assert_string_equal(r->rdma[0].device, "mlx5_1");
	assert_true(r->rdma[0].hca_handles.set && r->rdma[0].hca_handles.value == 3);
	assert_true(r->rdma[0].hca_objects.set && r->rdma[0].hca_objects.value == 10000);
	assert_string_equal(r->rdma[1].device, "rxe3");
	assert_false(r->rdma[1].hca_handles.set);
	assert_int_equal(r->rdma[1].hca_objects.value, 20000);
	assert_int_equal(r->unified.n, 2);
	assert_pair(&r->unified, 0, "io.max",
		    "259:0 rbps=2097152 wiops=120\n253:0 rbps=2097152 wiops=120");
	assert_pair(&r->unified, 1, "hugetlb.1GB.max", "1073741824");
}

static void test_block_io(void **state)
{
	const struct spec_resources *r = &full.linux_.resources;

	(void)state;
	assert_true(r->blkio_weight.set && r->blkio_weight.value == 10);
	assert_true(r->blkio_leaf_weight.set && r->blkio_leaf_weight.value == 20);
	assert_int_equal(r->n_blkio_weight_devices, 2);
	assert_int_equal(r->blkio_weight_devices[0].major, 8);
	assert_int_equal(r->blkio_weight_devices[0].weight.value, 500);
	assert_int_equal(r->blkio_weight_devices[0].leaf_weight.value, 300);
	assert_int_equal(r->blkio_weight_devices[1].minor, 16);
	assert_true(r->blkio_weight_devices[1].weight.set);
	assert_false(r->blkio_weight_devices[1].leaf_weight.set);
	assert_throttle(&r->throttle_read_bps, 0, 0, 600);
	assert_throttle(&r->throttle_write_bps, 0, 1, 601);
	assert_throttle(&r->throttle_read_iops, 0, 2, 602);
	assert_throttle(&r->throttle_write_iops, 0, 3, 603);
	assert_throttle(&r->throttle_write_iops, 1, 4, UINT64_MAX);
}

static void test_device_rules(void **state)
{
	const struct spec_device_rule *d = full.linux_.resources.devices;
	const uint32_t all = SPEC_ACCESS_READ | SPEC_ACCESS_WRITE | SPEC_ACCESS_MKNOD;

	(void)state;
	assert_int_equal(full.linux_.resources.n_devices, 4);
	assert_false(d[0].allow);
	assert_int_equal(d[0].type, 'a');
	assert_int_equal(d[0].major, SPEC_DEVICE_ANY);
	assert_int_equal(d[0].minor, SPEC_DEVICE_ANY);
	assert_int_equal(d[0].access, all);
	assert_true(d[1].allow);
	assert_int_equal(d[1].type, 'c');
	assert_int_equal(d[1].major, 10);
	assert_int_equal(d[1].minor, 229);
	assert_int_equal(d[1].access, SPEC_ACCESS_READ | SPEC_ACCESS_WRITE);
	assert_int_equal(d[2].type, 'b');
	assert_int_equal(d[2].minor, SPEC_DEVICE_ANY);
	assert_int_equal(d[2].access, SPEC_ACCESS_READ);
	assert_int_equal(d[3].access, all);
}

static void test_seccomp(void **state)
{
	const struct spec_seccomp *s = &full.linux_.seccomp;
	const struct spec_seccomp_rule *clone = &s->rules[1];

	(void)state;
	assert_true(s->present);
	assert_int_equal(s->default_action, SECCOMP_RET_ERRNO);
	assert_true(s->set_default_errno);
	assert_int_equal(s->default_errno, 38);
	assert_int_equal(s->n_architectures, 3);
	assert_int_equal(s->architectures[0], AUDIT_ARCH_X86_64);
	assert_int_equal(s->architectures[1], AUDIT_ARCH_I386);
	assert_int_equal(s->architectures[2], SPEC_ARCH_X32);
	assert_true(s->flags_present);
	assert_int_equal(s->flags,
			 SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
	assert_string_equal(s->listener_path, "/run/agent.sock");
	assert_string_equal(s->listener_metadata, "opaque");
	assert_int_equal(s->n_rules, 3);
	ASSERT_STRINGS(s->rules[0].names, "getcwd", "chmod");
	assert_int_equal(s->rules[0].action, SECCOMP_RET_ALLOW);
	assert_false(s->rules[0].set_errno);
	assert_int_equal(s->rules[0].n_args, 0);
	assert_int_equal(clone->action, SECCOMP_RET_ERRNO);
	assert_true(clone->set_errno);
	assert_int_equal(clone->errno_ret, 1);
	assert_int_equal(clone->n_args, 2);
	assert_int_equal(clone->args[0].index, 0);
	assert_int_equal(clone->args[0].value, 2114060288);
	assert_int_equal(clone->args[0].value_two, 5);
	assert_int_equal(clone->args[0].op, SPEC_SECCOMP_MASKED_EQ);
	assert_int_equal(clone->args[1].index, 5);
	assert_true(clone->args[1].value == UINT64_MAX);
	assert_int_equal(clone->args[1].op, SPEC_SECCOMP_NE);
	assert_int_equal(s->rules[2].action, SECCOMP_RET_USER_NOTIF);
}

/* --- smaller documents ----------------------------------------------------------------------- */

static void parse(struct spec *s, const char *text)
{
	struct error e = ERROR_INIT;

	if (spec_parse("config.json", text, strlen(text), s, &e) < 0)
		fail_msg("%s: %s", text, e.text);
}

static void test_empty(void **state)
{
	struct spec s, zero;

	(void)state;
	parse(&s, "{}");
	memset(&zero, 0, sizeof(zero));
	zero.arena = s.arena;
	zero.file = s.file;
	zero.doc = s.doc;
	assert_memory_equal(&s, &zero, sizeof(s));
	spec_done(&s);
}

static void test_null_is_absent(void **state)
{
	struct spec s;

	(void)state;
	parse(&s,
	      "{\"process\":{\"args\":null,\"user\":null,\"capabilities\":{\"bounding\":null}},"
	      "\"hooks\":null,\"mounts\":null,\"root\":null,\"annotations\":null,"
	      "\"linux\":{\"seccomp\":null,\"resources\":null,\"namespaces\":null}}");
	assert_true(s.process.present);
	assert_int_equal(s.process.args.n, 0);
	assert_true(s.process.capabilities.present);
	assert_false(s.root_present);
	assert_true(s.linux_.present);
	assert_false(s.linux_.seccomp.present);
	assert_false(s.linux_.resources.present);
	spec_done(&s);
}

static void test_empty_strings_are_absent(void **state)
{
	struct spec s;

	(void)state;
	parse(&s, "{\"hostname\":\"\",\"process\":{\"apparmorProfile\":\"\",\"cwd\":\"\"},"
		  "\"linux\":{\"cgroupsPath\":\"\",\"rootfsPropagation\":\"\"}}");
	assert_null(s.hostname);
	assert_null(s.process.apparmor_profile);
	assert_null(s.process.cwd);
	assert_null(s.linux_.cgroups_path);
	assert_int_equal(s.linux_.rootfs_propagation, 0);
	spec_done(&s);
}

static void test_repeated_keys(void **state)
{
	struct spec s;

	(void)state;
	parse(&s, "{\"hostname\":\"a\",\"annotations\":{\"a\":\"1\",\"b\":\"2\",\"a\":\"3\","
		  "\"c\":\"4\",\"b\":\"5\",\"a\":\"6\"},\"hostname\":\"b\"}");
	assert_string_equal(s.hostname, "b");
	assert_int_equal(s.annotations.n, 3);
	assert_pair(&s.annotations, 0, "c", "4");
	assert_pair(&s.annotations, 1, "b", "5");
	assert_pair(&s.annotations, 2, "a", "6");
	spec_done(&s);
}

static void test_unknown_capabilities(void **state)
{
	struct spec s;

	(void)state;
	parse(&s, "{\"process\":{\"capabilities\":{"
		  "\"bounding\":[\"KILL\",\"CAP_FLY\",\"cap_chown\",\"CAP_FLY\"],"
		  "\"ambient\":[\"CAP_SWIM\",\"CAP_FLY\",\"40\",\"\"]}}}");
	assert_true(s.process.capabilities.bounding == (1ull << CAP_KILL | 1ull << CAP_CHOWN));
	assert_true(s.process.capabilities.ambient == 0);
	ASSERT_STRINGS(s.process.capabilities.unknown, "CAP_FLY", "CAP_SWIM", "40", "");
	spec_done(&s);
}

static void test_many_unknown_capabilities(void **state)
{
	struct spec s;
	autobuf b;
	int i;

	(void)state;
	buf_init(&b, 1 << 20);
	buf_adds(&b, "{\"process\":{\"capabilities\":{\"bounding\":[\"KILL\"");
	for (i = 0; i < 10000; i++)
		buf_addf(&b, ",\"CAP_%d_\"", i);
	buf_adds(&b, "]}}}");
	parse(&s, b.data);
	assert_int_equal(s.process.capabilities.unknown.n, 64);
	assert_null(s.process.capabilities.unknown.v[64]);
	spec_done(&s);
}

static void test_relative_destination(void **state)
{
	struct spec s;

	(void)state;
	parse(&s,
	      "{\"mounts\":[{\"destination\":\"/a//b/./../c/\"},\n{\"destination\":\"x/y\"}]}");
	assert_string_equal(s.mounts[0].destination, "/a/c");
	assert_string_equal(s.mounts[1].destination, "/x/y");
	ASSERT_STRINGS(s.warnings, "config.json:2: mounts[1].destination: \"x/y\" is relative, "
				   "which is deprecated: taken below \"/\"");
	spec_done(&s);
}

static void test_unknown_bind_option(void **state)
{
	struct spec s;

	(void)state;
	parse(&s,
	      "{\"mounts\":[{\"destination\":\"/t\",\"type\":\"tmpfs\",\"options\":[\"x\"]},\n"
	      "{\"destination\":\"/a\",\"options\":[\"rbind\",\"noexce\",\"y\"]}]}");
	ASSERT_STRINGS(s.warnings,
		       "config.json:2: mounts[1].options: \"noexce\" is not known and "
		       "without effect on a bind mount");
	spec_done(&s);
}

static void test_warnings_are_bounded(void **state)
{
	struct spec s;
	autobuf b;
	int i;

	(void)state;
	buf_init(&b, 1 << 20);
	buf_adds(&b, "{\"mounts\":[{\"destination\":\"x\"}");
	for (i = 0; i < 100; i++)
		buf_adds(&b, ",{\"destination\":\"x\"}");
	buf_adds(&b, "]}");
	parse(&s, b.data);
	assert_int_equal(s.warnings.n, SPEC_MAX_WARNINGS);
	assert_null(s.warnings.v[SPEC_MAX_WARNINGS]);
	spec_done(&s);
}

static void test_parts(void **state)
{
	static const char process[] = "{\"args\":[\"ls\"],\"cwd\":\"/\"}";
	static const char resources[] = "{\"pids\":{\"limit\":0}}";
	static const char seccomp[] = "{\"defaultAction\":\"SCMP_ACT_KILL\"}";
	struct spec_resources r;
	struct spec_process p;
	struct spec_seccomp s;
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	assert_int_equal(spec_parse_process(&a, "p.json", process, strlen(process), &p, NULL),
			 0);
	assert_true(p.present);
	ASSERT_STRINGS(p.args, "ls");
	assert_int_equal(
		spec_parse_resources(&a, "r.json", resources, strlen(resources), &r, NULL), 0);
	assert_true(r.present && r.pids_limit.set && r.pids_limit.value == 0);
	assert_int_equal(spec_parse_seccomp(&a, "s.json", seccomp, strlen(seccomp), &s, NULL),
			 0);
	assert_true(s.present);
	assert_int_equal(s.default_action, SECCOMP_RET_KILL_THREAD);
	assert_int_equal(s.n_rules, 0);
	arena_done(&a);
}

static void test_ns_names(void **state)
{
	(void)state;
	assert_string_equal(spec_ns_name(SPEC_NS_NETWORK), "network");
	assert_string_equal(spec_ns_proc_name(SPEC_NS_NETWORK), "net");
	assert_true(spec_ns_flag(SPEC_NS_NETWORK) == CLONE_NEWNET);
	assert_string_equal(spec_ns_name(SPEC_NS_MOUNT), "mount");
	assert_string_equal(spec_ns_proc_name(SPEC_NS_MOUNT), "mnt");
	assert_true(spec_ns_flag(SPEC_NS_MOUNT) == CLONE_NEWNS);
	assert_string_equal(spec_ns_name(SPEC_NS_TIME), "time");
	assert_true(spec_ns_flag(SPEC_NS_TIME) == CLONE_NEWTIME);
	assert_string_equal(spec_hook_stage_name(SPEC_HOOK_CREATE_RUNTIME), "createRuntime");
}

/* --- large ones ------------------------------------------------------------------------------ */

static void test_five_mebibytes(void **state)
{
	struct spec s;
	autobuf b;
	int n = 0;

	(void)state;
	buf_init(&b, 8u << 20);
	buf_adds(&b, "{\"mounts\":[{\"destination\":\"/0\"}");
	while (b.len < 5u << 20)
		buf_addf(
			&b,
			",\n{\"destination\":\"/mnt/%d\",\"type\":\"none\",\"source\":\"/src/%d\","
			"\"options\":[\"rbind\",\"ro\"]}",
			n, n),
			n++;
	buf_adds(&b, "]}");
	parse(&s, b.data);
	assert_int_equal(s.n_mounts, n + 1);
	assert_string_equal(s.mounts[1].destination, "/mnt/0");
	assert_true(s.mounts[n].bind_rec);
	spec_done(&s);
}

static void test_large_environment(void **state)
{
	char *value = malloc((1u << 20) + 1);
	struct spec s;
	autobuf b;

	(void)state;
	assert_non_null(value);
	memset(value, 'x', 1u << 20);
	value[1u << 20] = '\0';
	buf_init(&b, 8u << 20);
	buf_addf(&b, "{\"process\":{\"env\":[\"A=%s\",\"B=1\"]}}", value);
	parse(&s, b.data);
	assert_int_equal(strlen(s.process.env.v[0]), (1u << 20) + 2);
	assert_string_equal(s.process.env.v[1], "B=1");
	spec_done(&s);
	free(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "the top of the document is read", test_top, NULL, NULL, NULL },
		{ "every field of process is read", test_process, NULL, NULL, NULL },
		{ "capability sets become masks", test_capabilities, NULL, NULL, NULL },
		{ "rlimits, scheduler and I/O priority are read", test_limits, NULL, NULL,
		  NULL },
		{ "mounts are read", test_mounts, NULL, NULL, NULL },
		{ "hooks of all six stages are read", test_hooks, NULL, NULL, NULL },
		{ "every field of linux is read", test_linux, NULL, NULL, NULL },
		{ "memory policy and RDT are read", test_linux_numa_and_rdt, NULL, NULL, NULL },
		{ "devices are read", test_devices, NULL, NULL, NULL },
		{ "resources are read", test_resources, NULL, NULL, NULL },
		{ "block I/O is read", test_block_io, NULL, NULL, NULL },
		{ "device rules are read", test_device_rules, NULL, NULL, NULL },
		{ "seccomp is read", test_seccomp, NULL, NULL, NULL },
		{ "an empty document is an empty spec", test_empty, NULL, NULL, NULL },
		{ "null is the same as absent", test_null_is_absent, NULL, NULL, NULL },
		{ "an empty string is the same as absent", test_empty_strings_are_absent, NULL,
		  NULL, NULL },
		{ "of a repeated key the last one counts", test_repeated_keys, NULL, NULL,
		  NULL },
		{ "unknown capabilities are collected", test_unknown_capabilities, NULL, NULL,
		  NULL },
		{ "few of many unknown capabilities are kept", test_many_unknown_capabilities,
		  NULL, NULL, NULL },
		{ "destinations are cleaned, relative ones noted", test_relative_destination,
		  NULL, NULL, NULL },
		{ "an unknown option of a bind mount is noted", test_unknown_bind_option, NULL,
		  NULL, NULL },
		{ "warnings are bounded", test_warnings_are_bounded, NULL, NULL, NULL },
		{ "parts are read on their own", test_parts, NULL, NULL, NULL },
		{ "namespaces and stages have names", test_ns_names, NULL, NULL, NULL },
		{ "five MiB of mounts are read", test_five_mebibytes, NULL, NULL, NULL },
		{ "a variable of one MiB is read", test_large_environment, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("spec/parse", tests, full_parse, full_done);
}
