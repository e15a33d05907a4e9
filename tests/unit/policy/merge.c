/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/merge.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/mem.h"
#include "order.h"
#include "policy/field.h"
#include "policy/parse.h"
#include "spec/parse.h"

/* POLICY_CASES=1000000 asks for more. */
#define CASES 20000

static size_t cases = CASES;

/* --- chance, the same each time ------------------------------------------------------------------ */

static uint64_t seed = 88172645463325252ull;

static uint32_t rnd(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 33) % n;
}

static bool coin(void)
{
	return rnd(3) == 0;
}

static struct opt_u64 maybe(uint32_t n)
{
	return coin() ? (struct opt_u64){ .set = true, .value = rnd(n) }
		      : (struct opt_u64){ 0 };
}

static struct opt_i64 maybe_limit(uint32_t n)
{
	return coin() ? (struct opt_i64){ .set = true, .value = (int64_t)rnd(n) - 1 }
		      : (struct opt_i64){ 0 };
}

static char words[][16] = {
	"/proc/a", "/proc/b", "/sys/c", "x.y", "run.oci.z", "bind", "proc"
};
#define WORDS (ARRAY_SIZE(words))

static struct spec_strings some_words(struct arena *a, bool often)
{
	struct spec_strings s = { 0 };
	size_t i;

	if (!often && !coin())
		return s;
	s.v = arena_array(a, WORDS + 1, sizeof(char *));
	for (i = 0; i < WORDS; i++)
		if (rnd(2))
			s.v[s.n++] = words[i];
	return s;
}

static struct spec_device_rule some_device(bool policy)
{
	return (struct spec_device_rule){
		.allow = policy || rnd(3) > 0,
		.type = policy ? "cb"[rnd(2)] : "acb"[rnd(3)],
		.major = (int64_t)rnd(5) - 1,
		.minor = (int64_t)rnd(5) - 1,
		.access = 1 + rnd(7),
	};
}

/* --- a rule, a spec ------------------------------------------------------------------------------ */

static void some_process_rule(struct arena *a, struct policy_process *p)
{
	p->no_new_privileges = coin();
	p->root = rnd(8) == 0;
	p->caps_set = coin();
	p->caps_ceiling = rnd(256);
	p->clear_inheritable = coin();
	p->clear_ambient = coin();
	p->n_rlimits = rnd(3);
	p->rlimits = arena_array(a, 4, sizeof(*p->rlimits));
	for (size_t i = 0; i < p->n_rlimits; i++)
		p->rlimits[i] = (struct policy_rlimit){ .resource = (int)rnd(4),
							.name = "RLIMIT_X",
							.max = maybe(100),
							.fallback = maybe(100) };
	p->min_oom_score_adj = maybe_limit(100);
	p->no_realtime = coin();
	p->min_nice = maybe_limit(20);
	p->min_gid = rnd(12) ? (struct opt_u64){ 0 } : maybe(2);
}

static struct policy_limit some_limit(void)
{
	return (struct policy_limit){ maybe(100), maybe(100) };
}

static void some_devices(struct arena *a, struct policy_resources *r)
{
	static const int64_t numbers[][2] = { { -1, -1 }, { 8, 0 }, { 8, 2 } };
	size_t i, k;

	r->cpu_shares = maybe(2000);
	r->cpu_shares.value += 2;
	r->io_weight = maybe(1000);
	r->hugetlb = some_limit();
	r->rdma = (struct policy_rdma){ some_limit(), some_limit() };
	r->n_disks = rnd(3);
	r->disks = arena_array(a, 3, sizeof(*r->disks));
	for (i = 0; i < r->n_disks; i++) {
		k = rnd(3);
		r->disks[i] = (struct policy_disk){
			"x", numbers[k][0], numbers[k][1], { { { 0 } } }
		};
		for (k = 0; k < POLICY_RATES; k++) {
			r->disks[i].rates[k] = some_limit();
			/* A policy with a rate of 0 is refused when it is read. */
			r->disks[i].rates[k].max.value++;
			r->disks[i].rates[k].fallback.value++;
		}
	}
}

/* --- who a rule is for --------------------------------------------------------------------------- */

static char folders[][8] = { "/pods", "/pods/a", "/pods/ab", "/" };
static char callers[][8] = { "k8s.io", "moby", "prod" };

static struct spec_strings one_or_two(struct arena *a, char *first, char *second)
{
	struct spec_strings s = { 0 };

	s.v = arena_array(a, 3, sizeof(char *));
	s.v[s.n++] = first;
	if (rnd(2))
		s.v[s.n++] = second;
	return s;
}

static struct spec_strings some_folders(struct arena *a)
{
	return one_or_two(a, folders[rnd(4)], folders[rnd(4)]);
}

static struct spec_strings some_callers(struct arena *a)
{
	return one_or_two(a, callers[rnd(3)], callers[rnd(3)]);
}

/* Mostly nobody in particular, so that rules meet. */
static struct policy_match some_match(struct arena *a)
{
	struct policy_match k = { 0 };

	switch (rnd(12)) {
	case 0:
		k.set_user_namespace = true;
		k.user_namespace = rnd(2);
		break;
	case 1:
		k.cgroup_parents = some_folders(a);
		break;
	case 2:
		k.state_folders = some_folders(a);
		break;
	case 3:
		k.containerd_namespaces = some_callers(a);
		break;
	case 4:
		k.kubernetes_namespaces = some_callers(a);
		break;
	case 5:
		k.state_folders = some_folders(a);
		k.kubernetes_namespaces = some_callers(a);
		k.annotations.v = arena_array(a, 1, sizeof(*k.annotations.v));
		k.annotations.v[k.annotations.n++] =
			(struct spec_pair){ "plain", rnd(2) ? "1" : "2" };
		break;
	}
	return k;
}

static struct policy_facts some_facts(void)
{
	static const char *const places[] = { NULL, "/pods", "/pods/a", "/pods/a/b",
					      "/pods/ab" };
	static const char *const names[] = { NULL, "", "k8s.io", "moby", "prod" };
	struct policy_facts f = order_facts();

	f.cgroup = rnd(4) ? "/pods/a" : "";
	f.state_folder = places[rnd(5)];
	f.containerd_namespace = names[rnd(5)];
	f.kubernetes_namespace = names[rnd(5)];
	return f;
}

/* The words of policies/README.md once more, apart from merge.c's. */
static bool in_folder(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	if (!path || strncmp(path, folder, n) != 0)
		return false;
	return folder[n - 1] == '/' || path[n] == '/' || path[n] == '\0';
}

static bool is_for(const struct policy_match *k, const struct spec *s,
		   const struct policy_facts *f)
{
	const struct {
		const struct spec_strings *wanted;
		const char *is;
		bool folder;
	} lists[] = {
		{ &k->cgroup_parents, f->cgroup, true },
		{ &k->state_folders, f->state_folder, true },
		{ &k->containerd_namespaces, f->containerd_namespace, false },
		{ &k->kubernetes_namespaces, f->kubernetes_namespace, false },
	};
	size_t i, n;

	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		bool in = lists[i].wanted->n == 0;

		for (n = 0; n < lists[i].wanted->n && lists[i].is; n++)
			in |= lists[i].folder ? in_folder(lists[i].is, lists[i].wanted->v[n])
					      : strcmp(lists[i].is, lists[i].wanted->v[n]) == 0;
		if (!in)
			return false;
	}
	for (i = 0; i < k->annotations.n; i++)
		if (strcmp(k->annotations.v[i].value,
			   spec_annotation(s, k->annotations.v[i].key) ?: "") != 0)
			return false;
	return !k->set_user_namespace ||
	       k->user_namespace == s->linux_.namespaces[SPEC_NS_USER].present;
}

static bool rule_is_for(const struct policy_rule *r, const struct spec *s,
			const struct policy_facts *f)
{
	size_t i;

	for (i = 0; i < r->n_except; i++)
		if (is_for(&r->except[i], s, f))
			return false;
	return is_for(&r->match, s, f);
}

static const char *const ceilings[] = { "1", "2", "3" };

static struct policy_rule *some_rule(struct arena *a)
{
	static const char *const reports[] = { "/var/log/a", "/var/log/b", "/var/log/c" };
	struct policy_rule *r = arena_alloc(a, sizeof(*r));
	static uint32_t archs[] = { 2, 3 };

	r->policy = "p";
	r->name = "r";
	r->mode = rnd(10) == 0 ? POLICY_AUDIT : POLICY_ENFORCE;
	r->match = some_match(a);
	r->n_except = rnd(6) == 0;
	r->except = arena_array(a, 1, sizeof(*r->except));
	r->except[0] = some_match(a);
	some_process_rule(a, &r->process);
	r->seccomp.profile.name = rnd(8) == 0 ? "a" : NULL;
	r->seccomp.profile.text = coin() ? "one" : "two";
	r->seccomp.profile.len = 3;
	r->seccomp.required = rnd(10) == 0;
	r->seccomp.n_ceilings = rnd(3);
	r->seccomp.ceilings = arena_array(a, 2, sizeof(*r->seccomp.ceilings));
	for (size_t i = 0; i < r->seccomp.n_ceilings; i++)
		r->seccomp.ceilings[i] =
			(struct policy_profile){ "c", ceilings[rnd(ARRAY_SIZE(ceilings))], 1 };
	r->seccomp.n_denied = coin();
	r->seccomp.denied = arena_array(a, 1, sizeof(*r->seccomp.denied));
	r->seccomp.denied[0] =
		(struct spec_seccomp_rule){ .names = some_words(a, true), .action = 0x50000 };
	r->seccomp.abis_set = coin();
	r->seccomp.n_abis = rnd(3);
	r->seccomp.abis = archs;
	r->seccomp.report = coin();
	r->seccomp.report_file = rnd(5) ? NULL : reports[rnd(3)];
	r->seccomp.no_spec_allow = coin();
	r->seccomp.listeners = (struct policy_list){ rnd(12) == 0, some_words(a, false) };
	r->mounts.idmap = rnd(12) ? POLICY_IDMAP_ANY : rnd(3);
	r->net_devices = (struct policy_list){ rnd(12) == 0, some_words(a, true) };
	r->landlock.set = coin();
	r->landlock.layer =
		(struct spec_landlock_layer){ rnd(4), coin(), some_words(a, false), coin() };
	r->root_readonly = coin();
	r->mounts.propagation = rnd(10) ? POLICY_PROPAGATION_ANY : rnd(3);
	r->mounts.bind_flags = coin() ? rnd(16) : 0;
	r->masked_paths = some_words(a, false);
	r->readonly_paths = some_words(a, false);
	r->devices.set = coin();
	r->devices.n = rnd(4);
	r->devices.allow = arena_array(a, 4, sizeof(*r->devices.allow));
	for (size_t i = 0; i < r->devices.n; i++)
		r->devices.allow[i] = some_device(true);
	if (rnd(8) == 0)
		r->sysctl = (struct policy_list){ true, some_words(a, true) };
	r->strip_annotations = some_words(a, false);
	r->resources.memory = (struct policy_limit){ maybe(1000), maybe(1000) };
	r->resources.swap_max = maybe(100);
	r->resources.pids = (struct policy_limit){ maybe(100), maybe(100) };
	r->resources.cpu_percent = maybe(400);
	some_devices(a, &r->resources);
	/* Policies with these are refused when they are read. */
	r->resources.memory.max.value++;
	r->resources.memory.fallback.value++;
	if (r->resources.cpu_percent.set)
		r->resources.cpu_percent.value++;
	return r;
}

static void some_throttles(struct arena *a, struct spec_throttles *t)
{
	t->v = arena_array(a, 3, sizeof(*t->v));
	for (t->n = 0; t->n < rnd(4) && t->n < 3; t->n++)
		t->v[t->n] = (struct spec_throttle_device){ 8, rnd(3), rnd(120) };
}

static void some_device_limits(struct arena *a, struct spec_resources *r)
{
	static const char *const sizes[] = { "2MB", "1GB", "64KB" }, *const adapters[] = {
		"mlx0", "mlx1", "mlx2"
	};
	size_t i;

	r->cpu_shares = maybe(3000);
	r->blkio_weight = maybe(1000);
	some_throttles(a, &r->throttle_read_bps);
	some_throttles(a, &r->throttle_write_bps);
	some_throttles(a, &r->throttle_read_iops);
	some_throttles(a, &r->throttle_write_iops);
	r->n_hugepages = rnd(3);
	r->hugepages = arena_array(a, 3, sizeof(*r->hugepages));
	for (i = 0; i < r->n_hugepages; i++)
		r->hugepages[i] = (struct spec_hugepage_limit){ sizes[rnd(3)], rnd(120) };
	r->n_rdma = rnd(3);
	r->rdma = arena_array(a, 3, sizeof(*r->rdma));
	for (i = 0; i < r->n_rdma; i++)
		r->rdma[i] = (struct spec_rdma){ adapters[rnd(3)], maybe(120), maybe(120) };
	r->n_blkio_weight_devices = rnd(2);
	r->blkio_weight_devices = arena_array(a, 1, sizeof(*r->blkio_weight_devices));
	r->blkio_weight_devices[0] =
		(struct spec_weight_device){ 8, 0, { true, rnd(1000) }, { 0 } };
}

static void some_resources(struct arena *a, struct spec_resources *r)
{
	static const char *const keys[] = { "memory.max", "memory.swap.max", "pids.max" };
	size_t i;

	r->n_devices = rnd(5);
	r->devices = arena_array(a, 5, sizeof(*r->devices));
	for (i = 0; i < r->n_devices; i++)
		r->devices[i] = some_device(false);
	r->memory_limit = maybe_limit(2000);
	if (r->memory_limit.set && r->memory_limit.value > 0 && coin())
		r->memory_swap =
			(struct opt_i64){ true, r->memory_limit.value + (int64_t)rnd(200) };
	if (rnd(10) == 0)
		r->memory_swap = (struct opt_i64){ true, 0 };
	r->pids_limit = maybe_limit(200);
	r->cpu_quota = maybe_limit(300000);
	r->cpu_period = maybe(200000);
	some_device_limits(a, r);
	r->unified.v = arena_array(a, 3, sizeof(*r->unified.v));
	for (i = 0; i < 3; i++)
		if (rnd(4) == 0)
			r->unified.v[r->unified.n++] = (struct spec_pair){
				keys[i], coin() ? "max" : arena_printf(a, "%u", rnd(2000))
			};
}

static void some_spec(struct arena *a, struct spec *s)
{
	struct spec_capabilities *c = &s->process.capabilities;
	static uint32_t archs[] = { 1, 2, 3, 4 };
	size_t i;

	*s = (struct spec){ 0 };
	*c = (struct spec_capabilities){ true,     rnd(256), rnd(256), rnd(256),
					 rnd(256), rnd(256), { 0 } };
	s->process.user.uid = rnd(2);
	s->linux_.namespaces[SPEC_NS_USER].present = rnd(2);
	s->process.no_new_privileges = rnd(2);
	s->process.oom_score_adj = maybe_limit(100);
	s->process.n_rlimits = rnd(2);
	s->process.rlimits = arena_array(a, 1, sizeof(*s->process.rlimits));
	s->process.rlimits[0] =
		(struct spec_rlimit){ (int)rnd(4), "RLIMIT_X", rnd(100), 100 + rnd(100) };
	s->linux_.seccomp = (struct spec_seccomp){ .present = rnd(2),
						   .default_action = 0x7fff0000,
						   .n_architectures = rnd(5),
						   .architectures = archs };
	s->linux_.seccomp.flags = rnd(2) ? SECCOMP_FILTER_FLAG_SPEC_ALLOW : 0;
	s->linux_.seccomp.listener_path =
		s->linux_.seccomp.present && rnd(6) == 0 ? "/proc/a/x" : NULL;
	s->process.scheduler =
		(struct spec_scheduler){ .present = rnd(2), .nice = (int32_t)rnd(40) - 20 };
	s->root_readonly = rnd(2);
	s->n_mounts = 3;
	s->mounts = arena_array(a, 3, sizeof(*s->mounts));
	for (i = 0; i < 3; i++)
		s->mounts[i] = (struct spec_mount){ .destination = "/m",
						    .type = "tmpfs",
						    .source = "/x",
						    .bind = rnd(2),
						    .bind_rec = rnd(2),
						    .attr_set = rnd(16),
						    .attr_clear = rnd(16) };
	for (i = 0; i < 3; i++)
		s->mounts[i].attr_clear &= ~s->mounts[i].attr_set;
	s->linux_.masked_paths = some_words(a, false);
	s->linux_.readonly_paths = some_words(a, false);
	s->annotations.n = 2;
	s->annotations.v = arena_array(a, 2, sizeof(*s->annotations.v));
	s->annotations.v[0] = (struct spec_pair){ "run.oci.z", "1" };
	s->annotations.v[1] = (struct spec_pair){ "plain", "1" };
	some_resources(a, &s->linux_.resources);
}

/* --- the properties ------------------------------------------------------------------------------ */

static int merge_some(const struct policy_facts *f, const struct policy_rule **rules, size_t n,
		      struct spec *s, struct arena *a, struct policy_result *result)
{
	struct policy_set set = { .n_rules = n, .rules = rules };
	struct error e = ERROR_INIT;
	int r = policy_merge(&set, f, POLICY_CREATE, s, a, result, &e);

	assert_true(r == 0 || r == -EPERM);
	assert_true(r == 0 || e.text[0]);
	return r;
}

/* What is told before must be told after, in a file if there was one, and in the first of them. */
static const char *report_lost(const struct policy_result *before,
			       const struct policy_result *after)
{
	if (before->report && !after->report)
		return "the report";
	if (before->report_file &&
	    (!after->report_file || strcmp(after->report_file, before->report_file) > 0))
		return "the report's file";
	return NULL;
}

static void p15_one_more_rule_never_allows_more(void **state)
{
	size_t refused = 0, i;

	(void)state;
	for (i = 0; i < cases; i++) {
		struct policy_result fewer, more;
		const struct policy_rule *rules[5];
		struct policy_facts f = some_facts();
		struct spec before, after;
		const char *wider;
		struct arena a;
		size_t n = rnd(4), k;
		int r;

		arena_init(&a, 16u << 20);
		some_spec(&a, &before);
		after = before;
		for (k = 0; k <= n; k++)
			rules[k] = some_rule(&a);
		r = merge_some(&f, rules, n, &before, &a, &fewer);
		/* Not always behind the others. */
		k = rnd((uint32_t)n + 1);
		const struct policy_rule *other = rules[k];

		rules[k] = rules[n];
		rules[n] = other;
		if (merge_some(&f, rules, n + 1, &after, &a, &more) < 0) {
			refused++;
			arena_done(&a);
			continue;
		}
		assert_int_equal(r, 0);
		wider = order_widened(&before, &after, &f) ?: report_lost(&fewer, &more);
		if (wider)
			fail_msg("case %zu: %s is wider", i, wider);
		arena_done(&a);
	}
	/* Most of them must have come to a comparison. */
	print_message("%zu cases, %zu refused\n", cases, refused);
	assert_true(refused < cases / 2);
}

static void the_result_is_never_wider_than_what_was_asked_for(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < cases; i++) {
		const struct policy_rule *rules[2];
		struct policy_facts f = some_facts();
		struct policy_result result;
		struct spec asked, got;
		const char *wider = NULL;
		struct arena a;

		arena_init(&a, 16u << 20);
		some_spec(&a, &asked);
		got = asked;
		rules[0] = some_rule(&a);
		rules[1] = some_rule(&a);
		if (merge_some(&f, rules, 2, &got, &a, &result) == 0)
			wider = order_widened(&asked, &got, &f);
		if (wider)
			fail_msg("case %zu: %s is wider", i, wider);
		arena_done(&a);
	}
}

static void the_order_of_rules_has_no_part_in_the_result(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < cases; i++) {
		const struct policy_rule *rules[3], *turned[3];
		struct policy_result told_first, told_second;
		const char *one = NULL, *two = NULL;
		struct policy_facts f = some_facts();
		struct spec first, second;
		struct arena a;
		int r;

		arena_init(&a, 16u << 20);
		some_spec(&a, &first);
		second = first;
		for (size_t k = 0; k < 3; k++)
			rules[k] = turned[2 - k] = some_rule(&a);
		r = merge_some(&f, rules, 3, &first, &a, &told_first);
		assert_int_equal(merge_some(&f, turned, 3, &second, &a, &told_second), r);
		if (r == 0) {
			one = order_widened(&first, &second, &f)
				      ?: report_lost(&told_first, &told_second);
			two = order_widened(&second, &first, &f)
				      ?: report_lost(&told_second, &told_first);
		}
		if (one || two)
			fail_msg("case %zu: %s depends on the order", i, one ?: two);
		arena_done(&a);
	}
}

static void a_rule_is_for_whom_its_words_name_and_for_nobody_else(void **state)
{
	size_t i, k, n, left_out = 0;

	(void)state;
	for (i = 0; i < cases; i++) {
		const struct policy_rule *all[4], *meant[4];
		struct policy_result told_all, told_meant;
		struct policy_facts f = some_facts();
		struct spec asked, of_all, of_meant;
		const char *other = NULL;
		struct arena a;
		int r;

		arena_init(&a, 16u << 20);
		some_spec(&a, &asked);
		of_all = of_meant = asked;
		for (k = n = 0; k < ARRAY_SIZE(all); k++) {
			struct policy_rule *rule = some_rule(&a);
			struct policy_rule *plain = arena_alloc(&a, sizeof(*plain));

			all[k] = rule;
			if (!rule_is_for(rule, &asked, &f))
				continue;
			*plain = *rule;
			plain->match = (struct policy_match){ 0 };
			plain->n_except = 0;
			meant[n++] = plain;
		}
		left_out += ARRAY_SIZE(all) - n;
		r = merge_some(&f, all, ARRAY_SIZE(all), &of_all, &a, &told_all);
		assert_int_equal(merge_some(&f, meant, n, &of_meant, &a, &told_meant), r);
		assert_int_equal(told_all.n_matching, n);
		if (r == 0)
			other = order_widened(&of_all, &of_meant, &f) ?:
					order_widened(&of_meant, &of_all, &f) ?:
					report_lost(&told_all, &told_meant) ?:
					report_lost(&told_meant, &told_all);
		if (other)
			fail_msg("case %zu: %s is another", i, other);
		arena_done(&a);
	}
	print_message("%zu of %zu rules were not meant\n", left_out, 4 * cases);
	assert_in_range(left_out, cases / 2, 3 * cases);
}

/* --- each row of the table does something -------------------------------------------------------- */

#define CONFIG(more)                                                      \
	"{ 'ociVersion': '1.0.2', 'root': { 'path': 'r' }, 'process': { " \
	"'args': [ 'x' ], 'cwd': '/', 'user': { 'uid': 0, 'gid': 0 } }" more " }"
#define LINUX(more) CONFIG(", 'linux': { " more " }")

static const struct row_case {
	const char *row;
	const char *rule;   /* members of a rule */
	const char *config; /* NULL: CONFIG("") */
	enum policy_scope scope;
} row_cases[] = {
	{ "process.capabilities", "'process': { 'capabilities': { 'ceiling': [] } }",
	  "{ 'ociVersion': '1.0.2', 'root': { 'path': 'r' }, 'process': { 'args': [ 'x' ], "
	  "'cwd': '/', 'capabilities': { 'bounding': [ 'CAP_KILL' ] } } }",
	  POLICY_CREATE },
	{ "process.noNewPrivileges", "'process': { 'noNewPrivileges': true }", NULL,
	  POLICY_CREATE },
	{ "process.user", "'process': { 'user': { 'root': 'never' } }", NULL, POLICY_CREATE },
	{ "process.rlimits", "'process': { 'rlimits': { 'RLIMIT_CORE': { 'max': 0 } } }", NULL,
	  POLICY_CREATE },
	{ "process.oomScoreAdj", "'process': { 'oomScoreAdj': { 'min': 0 } }", NULL,
	  POLICY_CREATE },
	{ "process.realtime", "'process': { 'realtime': false }",
	  "{ 'ociVersion': '1.0.2', 'root': { 'path': 'r' }, 'process': { 'args': [ 'x' ], "
	  "'cwd': '/', 'scheduler': { 'policy': 'SCHED_FIFO', 'priority': 1 } } }",
	  POLICY_CREATE },
	{ "process.nice", "'process': { 'nice': { 'min': 0 } }",
	  "{ 'ociVersion': '1.0.2', 'root': { 'path': 'r' }, 'process': { 'args': [ 'x' ], "
	  "'cwd': '/', 'scheduler': { 'policy': 'SCHED_OTHER', 'nice': -1 } } }",
	  POLICY_CREATE },
	{ "process.apparmor", "'process': { 'apparmor': { 'allow': [ 'a' ] } }", NULL,
	  POLICY_CREATE },
	{ "process.selinux", "'process': { 'selinux': { 'allow': [ 'a_t' ] } }", NULL,
	  POLICY_CREATE },
	{ "exec", "'exec': { 'sameAsContainer': true }", NULL, POLICY_EXEC },
	{ "seccomp.default", "'seccomp': { 'default': 'x' }", NULL, POLICY_CREATE },
	{ "seccomp.ceiling", "'seccomp': { 'ceiling': [ 'x' ] }", NULL, POLICY_CREATE },
	{ "seccomp.required", "'seccomp': { 'required': true }", NULL, POLICY_CREATE },
	{ "seccomp.deny", "'seccomp': { 'deny': [ { 'names': [ 'bpf' ] } ] }", NULL,
	  POLICY_CREATE },
	{ "seccomp.abis", "'seccomp': { 'abis': [ 'native' ] }", NULL, POLICY_CREATE },
	{ "seccomp.listeners", "'seccomp': { 'listeners': [] }",
	  LINUX("'seccomp': { 'defaultAction': 'SCMP_ACT_ALLOW', 'listenerPath': '/run/x' }"),
	  POLICY_CREATE },
	{ "seccomp.specAllow", "'seccomp': { 'specAllow': false }",
	  LINUX("'seccomp': { 'defaultAction': 'SCMP_ACT_ALLOW', 'flags': [ "
		"'SECCOMP_FILTER_FLAG_SPEC_ALLOW' ] }"),
	  POLICY_CREATE },
	{ "seccomp.report", "'seccomp': { 'report': true }", NULL, POLICY_CREATE },
	{ "landlock", "'landlock': { 'scoped': [ 'signal' ] }", NULL, POLICY_CREATE },
	{ "namespaces", "'namespaces': { 'require': [ 'pid' ] }", NULL, POLICY_CREATE },
	{ "userNamespace", "'userNamespace': { 'hostIdMin': 1000 }",
	  LINUX("'namespaces': [ { 'type': 'user' } ], 'uidMappings': [ { 'containerID': 0, "
		"'hostID': 0, 'size': 1 } ]"),
	  POLICY_CREATE },
	{ "root.readonly", "'root': { 'readonly': true }", NULL, POLICY_CREATE },
	{ "mounts.denySources", "'mounts': { 'denySources': [ '/etc' ] }",
	  CONFIG(", 'mounts': [ { 'destination': '/x', 'type': 'bind', 'source': '/etc/x', "
		 "'options': [ 'bind' ] } ]"),
	  POLICY_CREATE },
	{ "mounts.denySources.layers", "'mounts': { 'denySources': [ '/etc' ] }",
	  CONFIG(", 'mounts': [ { 'destination': '/x', 'type': 'overlay', 'source': 'x', "
		 "'options': [ 'lowerdir=/a:/etc/x' ] } ]"),
	  POLICY_CREATE },
	{ "mounts.denySources.root", "'mounts': { 'denySources': [ '/etc' ] }",
	  "{ 'ociVersion': '1.0.2', 'root': { 'path': '/' }, 'process': { 'args': [ 'x' ], "
	  "'cwd': '/' } }",
	  POLICY_CREATE },
	{ "mounts.idmap", "'mounts': { 'idmap': 'own' }",
	  CONFIG(", 'mounts': [ { 'destination': '/x', 'type': 'bind', 'source': '/x', "
		 "'options': [ 'bind', 'idmap=uids=0-1000-1;gids=0-1000-1' ] } ]"),
	  POLICY_CREATE },
	{ "mounts.types", "'mounts': { 'types': [ 'bind' ] }",
	  CONFIG(", 'mounts': [ { 'destination': '/x', 'type': 'tmpfs', 'source': 'x' } ]"),
	  POLICY_CREATE },
	{ "mounts.bindFlags", "'mounts': { 'bindFlags': [ 'nodev' ] }",
	  CONFIG(", 'mounts': [ { 'destination': '/x', 'type': 'bind', 'source': '/etc/x', "
		 "'options': [ 'bind' ] } ]"),
	  POLICY_CREATE },
	{ "mounts.propagation", "'mounts': { 'propagation': 'private' }",
	  LINUX("'rootfsPropagation': 'shared'"), POLICY_CREATE },
	{ "paths.masked", "'paths': { 'masked': [ '/proc/x' ] }", NULL, POLICY_CREATE },
	{ "paths.readonly", "'paths': { 'readonly': [ '/proc/x' ] }", NULL, POLICY_CREATE },
	{ "paths.proc", "'paths': { 'masked': [ '/proc/x' ] }",
	  CONFIG(", 'mounts': [ { 'destination': '/x', 'type': 'proc', 'source': 'x' } ], "
		 "'linux': { 'maskedPaths': [ '/proc/x' ] }"),
	  POLICY_CREATE },
	{ "sysctl", "'sysctl': { 'allow': [] }", LINUX("'sysctl': { 'net.ipv4.x': '1' }"),
	  POLICY_CREATE },
	{ "devices.rules", "'devices': { 'allow': [] }",
	  LINUX("'resources': { 'devices': [ { 'allow': true, 'access': 'rwm' } ] }"),
	  POLICY_UPDATE },
	{ "devices.nodes", "'devices': { 'allow': [] }",
	  LINUX("'devices': [ { 'path': '/dev/x', 'type': 'c', 'major': 1, 'minor': 1 } ]"),
	  POLICY_CREATE },
	{ "hooks", "'hooks': { 'allow': [] }",
	  CONFIG(", 'hooks': { 'poststop': [ { 'path': '/x' } ] }"), POLICY_CREATE },
	{ "netDevices", "'netDevices': { 'allow': [ 'veth*' ] }",
	  LINUX("'namespaces': [ { 'type': 'network' } ], 'netDevices': { 'eth0': {} }"),
	  POLICY_CREATE },
	{ "intelRdt", "'intelRdt': { 'allow': [ 'gold' ] }",
	  LINUX("'intelRdt': { 'closID': 'lead' }"), POLICY_CREATE },
	{ "annotations", "'annotations': { 'strip': [ 'run.' ] }",
	  CONFIG(", 'annotations': { 'run.x': 'y' }"), POLICY_CREATE },
	{ "cgroup.parents", "'cgroup': { 'parents': [ '/other' ] }", NULL, POLICY_CREATE },
	{ "resources.memory", "'resources': { 'memory': { 'max': '1M' } }", NULL,
	  POLICY_CREATE },
	{ "resources.swap", "'resources': { 'swap': { 'max': '0' } }", NULL, POLICY_CREATE },
	{ "resources.pids", "'resources': { 'pids': { 'max': 1 } }", NULL, POLICY_CREATE },
	{ "resources.cpu", "'resources': { 'cpu': { 'max': '1%' } }", NULL, POLICY_CREATE },
	{ "resources.cpu.shares", "'resources': { 'cpu': { 'shares': { 'max': 512 } } }", NULL,
	  POLICY_CREATE },
	{ "resources.io.weight", "'resources': { 'io': { 'weight': { 'max': 100 } } }",
	  LINUX("'resources': { 'blockIO': { 'weight': 500 } }"), POLICY_UPDATE },
	{ "resources.io.disks",
	  "'resources': { 'io': { 'disks': { '*': { 'wbps': { 'max': '1M' } } } } }", NULL,
	  POLICY_CREATE },
	{ "resources.hugetlb", "'resources': { 'hugetlb': { 'max': '0' } }", NULL,
	  POLICY_CREATE },
	{ "resources.rdma", "'resources': { 'rdma': { 'hcaHandles': { 'default': 1 } } }", NULL,
	  POLICY_CREATE },
	{ "resources.unified", "'resources': { 'unified': { 'allow': [] } }",
	  LINUX("'resources': { 'unified': { 'memory.high': '1' } }"), POLICY_CREATE },
	{ "resources.unified.values", "'resources': { 'pids': { 'max': 1 } }",
	  LINUX("'resources': { 'pids': { 'limit': 1 }, 'unified': { 'pids.max': 'max' } }"),
	  POLICY_CREATE },
};

/* "'" stands for '"'. */
static char *quoted(struct arena *a, const char *text)
{
	char *s = arena_strdup(a, text), *p;

	for (p = s; *p; p++)
		if (*p == '\'')
			*p = '"';
	return s;
}

static size_t row_effects(const struct row_case *c, const struct policy_field *fields, size_t n)
{
	struct policy_facts f = order_facts();
	struct spec_process container = { .no_new_privileges = true };
	struct policy_set set = { 0 };
	struct policy_result result = { 0 };
	const struct policy_change *change;
	struct error e = ERROR_INIT;
	struct spec spec;
	char *rule, *config;
	size_t effects = 0;
	int r;

	arena_init(&set.arena, 16u << 20);
	rule = arena_printf(&set.arena,
			    "{ 'schema': '" POLICY_SCHEMA "', 'name': 'p', 'rules': [ { "
			    "'name': 'r', %s } ] }",
			    c->rule);
	rule = quoted(&set.arena, rule);
	set.policies = arena_alloc(&set.arena, sizeof(*set.policies));
	r = policy_parse(&set.arena, "p.json", rule, strlen(rule), set.policies, &e);
	if (r < 0)
		fail_msg("%s: %s", c->row, e.text);
	set.n = 1;
	set.policies[0].rules[0].seccomp.profile.text = "";
	if (set.policies[0].rules[0].seccomp.n_ceilings)
		set.policies[0].rules[0].seccomp.ceilings[0].text = "";
	assert_int_equal(policy_set_order(&set, &e), 0);
	config = quoted(&set.arena, c->config ?: CONFIG(""));
	r = spec_parse("config.json", config, strlen(config), &spec, &e);
	if (r < 0)
		fail_msg("%s: %s", c->row, e.text);
	f.container = c->scope == POLICY_EXEC ? &container : NULL;
	r = policy_merge_fields(fields, n, &set, &f, c->scope, &spec, &set.arena, &result, &e);
	assert_true(r == 0 || r == -EPERM);
	for (change = result.first; change; change = change->next)
		effects++;
	spec_done(&spec);
	policy_set_done(&set);
	return effects;
}

/* Mutation: without its row nothing of the rule is left, so no other row does its work. */
static void every_row_of_the_table_is_missed_when_it_is_gone(void **state)
{
	size_t i, k, killed = 0;

	(void)state;
	assert_int_equal(ARRAY_SIZE(row_cases), policy_fields_len);
	for (i = 0; i < policy_fields_len; i++) {
		struct policy_field without[128];
		size_t n = 0;

		assert_string_equal(row_cases[i].row, policy_fields[i].name);
		for (k = 0; k < policy_fields_len; k++)
			if (k != i)
				without[n++] = policy_fields[k];
		if (row_effects(&row_cases[i], policy_fields, policy_fields_len) == 0)
			fail_msg("%s: no effect", row_cases[i].row);
		if (row_effects(&row_cases[i], without, n) == 0)
			killed++;
		else
			print_message("%s: survives\n", row_cases[i].row);
	}
	print_message("%zu of %zu rows are missed\n", killed, policy_fields_len);
	assert_int_equal(killed, policy_fields_len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(p15_one_more_rule_never_allows_more),
		cmocka_unit_test(the_result_is_never_wider_than_what_was_asked_for),
		cmocka_unit_test(the_order_of_rules_has_no_part_in_the_result),
		cmocka_unit_test(a_rule_is_for_whom_its_words_name_and_for_nobody_else),
		cmocka_unit_test(every_row_of_the_table_is_missed_when_it_is_gone),
	};

	if (getenv("POLICY_CASES"))
		cases = strtoul(getenv("POLICY_CASES"), NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
