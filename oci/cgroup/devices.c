/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/devices.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <string.h>

#include "base/error.h"

#define ACCESS_ALL (SPEC_ACCESS_READ | SPEC_ACCESS_WRITE | SPEC_ACCESS_MKNOD)
#define ALLOW(t, major, minor, access)                \
	{                                             \
		true, (t), (major), (minor), (access) \
	}

const struct spec_device_rule devices_default[] = {
	/* To make a node is not to open it: package managers unpack them. */
	ALLOW('c', SPEC_DEVICE_ANY, SPEC_DEVICE_ANY, SPEC_ACCESS_MKNOD),
	ALLOW('b', SPEC_DEVICE_ANY, SPEC_DEVICE_ANY, SPEC_ACCESS_MKNOD),
	ALLOW('c', 1, 3, ACCESS_ALL),                 /* null */
	ALLOW('c', 1, 5, ACCESS_ALL),                 /* zero */
	ALLOW('c', 1, 7, ACCESS_ALL),                 /* full */
	ALLOW('c', 1, 8, ACCESS_ALL),                 /* random */
	ALLOW('c', 1, 9, ACCESS_ALL),                 /* urandom */
	ALLOW('c', 5, 0, ACCESS_ALL),                 /* tty */
	ALLOW('c', 5, 1, ACCESS_ALL),                 /* console */
	ALLOW('c', 5, 2, ACCESS_ALL),                 /* ptmx */
	ALLOW('c', 136, SPEC_DEVICE_ANY, ACCESS_ALL), /* pts */
};

const size_t devices_default_len = ARRAY_SIZE(devices_default);

/* --- what a list of rules means ----------------------------------------------------------- */

static bool number_covers(int64_t a, int64_t b)
{
	return a == SPEC_DEVICE_ANY || a == b;
}

/* Every device that b names is named by a. */
static bool device_covers(const struct spec_device_rule *a, const struct spec_device_rule *b)
{
	return (a->type == 'a' || a->type == b->type) && number_covers(a->major, b->major) &&
	       number_covers(a->minor, b->minor);
}

static bool device_same(const struct spec_device_rule *a, const struct spec_device_rule *b)
{
	return a->type == b->type && a->major == b->major && a->minor == b->minor;
}

static bool number_meets(int64_t a, int64_t b)
{
	return number_covers(a, b) || b == SPEC_DEVICE_ANY;
}

/* There is a device and a kind of access that both name. */
static bool rule_meets(const struct spec_device_rule *a, const struct spec_device_rule *b)
{
	return (a->type == 'a' || b->type == 'a' || a->type == b->type) &&
	       number_meets(a->major, b->major) && number_meets(a->minor, b->minor) &&
	       (a->access & b->access);
}

static bool rule_is_base(const struct spec_device_rule *r)
{
	return r->type == 'a' && r->major == SPEC_DEVICE_ANY && r->minor == SPEC_DEVICE_ANY &&
	       (r->access & ACCESS_ALL) == ACCESS_ALL;
}

/* Whether some rule from `from` on decides otherwise about what r names. */
static bool filter_opposes(const struct devices_filter *f, size_t from,
			   const struct spec_device_rule *r)
{
	size_t i;

	for (i = from; i < f->n; i++)
		if (f->rules[i].allow != r->allow && rule_meets(&f->rules[i], r))
			return true;
	return false;
}

/* What the new rule decides altogether anew has no effect any more. */
static void filter_drop_covered(struct devices_filter *f, const struct spec_device_rule *r)
{
	size_t out = 0, i;

	for (i = 0; i < f->n; i++)
		if (!device_covers(r, &f->rules[i]) || (f->rules[i].access & ~r->access))
			f->rules[out++] = f->rules[i];
	f->n = out;
}

/* "1:3 r" and later "1:3 w" are one rule, if nothing between them says otherwise. */
static bool filter_merge(struct devices_filter *f, const struct spec_device_rule *r)
{
	size_t i;

	for (i = 0; i < f->n; i++) {
		if (f->rules[i].allow != r->allow || !device_same(&f->rules[i], r) ||
		    filter_opposes(f, i + 1, r))
			continue;
		f->rules[i].access |= r->access;
		return true;
	}
	return false;
}

static int rule_check(const struct spec_device_rule *r, size_t i, struct error *e)
{
	bool type = r->type == 'a' || r->type == 'b' || r->type == 'c';
	bool major = r->major == SPEC_DEVICE_ANY || (r->major >= 0 && r->major <= UINT32_MAX);
	bool minor = r->minor == SPEC_DEVICE_ANY || (r->minor >= 0 && r->minor <= UINT32_MAX);

	if (type && major && minor && r->access && !(r->access & ~ACCESS_ALL))
		return 0;
	return error_say(e, EINVAL,
			 "linux.resources.devices[%zu]: no such device or access (type '%c', "
			 "%" PRId64 ":%" PRId64 ", access %#x)",
			 i, r->type > ' ' ? r->type : '?', r->major, r->minor, r->access);
}

int devices_normalise(const struct spec_device_rule *rules, size_t n,
		      struct devices_filter *ret, struct error *e)
{
	size_t i;
	int r;

	ret->base_allow = false;
	ret->n = 0;
	for (i = 0; i < n; i++) {
		const struct spec_device_rule *rule = &rules[i];

		r = rule_check(rule, i, e);
		if (r < 0)
			return r;
		if (rule_is_base(rule)) {
			ret->base_allow = rule->allow;
			ret->n = 0;
			continue;
		}
		filter_drop_covered(ret, rule);
		if (rule->allow == ret->base_allow && !filter_opposes(ret, 0, rule))
			continue;
		if (filter_merge(ret, rule))
			continue;
		if (ret->n == DEVICES_MAX_RULES)
			return error_say(
				e, E2BIG,
				"linux.resources.devices: more than %d rules that matter",
				DEVICES_MAX_RULES);
		ret->rules[ret->n++] = *rule;
	}
	return 0;
}

/* --- the program -------------------------------------------------------------------------- */

#define REG_TYPE   BPF_REG_2
#define REG_ACCESS BPF_REG_3 /* the kinds of access not yet decided */
#define REG_MAJOR  BPF_REG_4
#define REG_MINOR  BPF_REG_5

#define INSN(c, d, s, o, i) \
	((struct bpf_insn){ \
		.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) })

struct program {
	struct bpf_insn *insns;
	size_t n;
};

static void emit(struct program *p, struct bpf_insn insn)
{
	p->insns[p->n++] = insn;
}

static void emit_load(struct program *p, int reg, size_t offset)
{
	emit(p, INSN(BPF_LDX | BPF_MEM | BPF_W, reg, BPF_REG_1, (int16_t)offset, 0));
}

/* To the next rule, if the register is anything else. The distance is filled in later. */
static void emit_unless(struct program *p, int reg, uint32_t value)
{
	emit(p, INSN(BPF_JMP32 | BPF_JNE | BPF_K, reg, 0, 0, (int32_t)value));
}

static void emit_answer(struct program *p, bool allow)
{
	emit(p, INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, allow));
	emit(p, INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
}

static uint32_t kernel_access(uint32_t access)
{
	return (access & SPEC_ACCESS_READ ? BPF_DEVCG_ACC_READ : 0) |
	       (access & SPEC_ACCESS_WRITE ? BPF_DEVCG_ACC_WRITE : 0) |
	       (access & SPEC_ACCESS_MKNOD ? BPF_DEVCG_ACC_MKNOD : 0);
}

static void emit_decision(struct program *p, const struct spec_device_rule *r)
{
	int32_t access = (int32_t)kernel_access(r->access);

	if (r->access == ACCESS_ALL) {
		emit_answer(p, r->allow);
	} else if (r->allow) {
		/* These kinds are settled; allowed, once no kind is open. */
		emit(p, INSN(BPF_ALU64 | BPF_AND | BPF_K, REG_ACCESS, 0, 0, ~access));
		emit(p, INSN(BPF_JMP | BPF_JNE | BPF_K, REG_ACCESS, 0, 2, 0));
		emit_answer(p, true);
	} else {
		emit(p, INSN(BPF_JMP | BPF_JSET | BPF_K, REG_ACCESS, 0, 1, access));
		emit(p, INSN(BPF_JMP | BPF_JA, 0, 0, 2, 0));
		emit_answer(p, false);
	}
}

static void emit_rule(struct program *p, const struct spec_device_rule *r)
{
	size_t start = p->n, tests, i;

	if (r->type != 'a')
		emit_unless(p, REG_TYPE,
			    r->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	if (r->major != SPEC_DEVICE_ANY)
		emit_unless(p, REG_MAJOR, (uint32_t)r->major);
	if (r->minor != SPEC_DEVICE_ANY)
		emit_unless(p, REG_MINOR, (uint32_t)r->minor);
	tests = p->n;
	emit_decision(p, r);
	for (i = start; i < tests; i++)
		p->insns[i].off = (int16_t)(p->n - i - 1);
}

void devices_compile(const struct devices_filter *f, struct bpf_insn *insns, size_t *n)
{
	struct program p = { .insns = insns };
	size_t i;

	/* The low half of the first word is the type, the high half the access. */
	emit_load(&p, REG_TYPE, offsetof(struct bpf_cgroup_dev_ctx, access_type));
	emit_load(&p, REG_MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major));
	emit_load(&p, REG_MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor));
	emit(&p, INSN(BPF_ALU64 | BPF_MOV | BPF_X, REG_ACCESS, REG_TYPE, 0, 0));
	emit(&p, INSN(BPF_ALU64 | BPF_RSH | BPF_K, REG_ACCESS, 0, 0, 16));
	emit(&p, INSN(BPF_ALU64 | BPF_AND | BPF_K, REG_TYPE, 0, 0, 0xffff));

	/* The last rule about a device is the one that counts, so it is asked first. */
	for (i = f->n; i-- > 0;)
		emit_rule(&p, &f->rules[i]);
	emit_answer(&p, f->base_allow);
	*n = p.n;
}
