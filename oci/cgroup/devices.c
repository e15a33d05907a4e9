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

/*
 * The verifier's time grows with the branches, and it is most of what a filter costs: so there
 * is one branch for the type, then one for each rule, and the answers are shared.
 */
#define REG_TYPE   BPF_REG_2
#define REG_ACCESS BPF_REG_3 /* the kinds of access not yet decided */
#define REG_MAJOR  BPF_REG_4
#define REG_MINOR  BPF_REG_5
#define REG_DEVICE BPF_REG_6 /* both, as in the kernel's dev_t */

#define MINOR_BITS 20
#define MAJOR_MAX  0xfff
#define MINOR_MAX  0xfffff

/* Where a jump goes, until the place is known. */
enum target {
	TARGET_ALLOW = -1,
	TARGET_DENY = -2,
	TARGET_BLOCK = -3, /* the rules for block devices */
};

struct program {
	struct bpf_insn *insns;
	size_t n;
};

static void emit(struct program *p, int code, int dst, int src, int off, int32_t imm)
{
	p->insns[p->n++] = (struct bpf_insn){
		.code = (uint8_t)code,
		.dst_reg = (uint8_t)(dst & 0xf),
		.src_reg = (uint8_t)(src & 0xf),
		.off = (int16_t)off,
		.imm = imm,
	};
}

static void emit_load(struct program *p, int reg, size_t offset)
{
	emit(p, BPF_LDX | BPF_MEM | BPF_W, reg, BPF_REG_1, (int)offset, 0);
}

static void emit_alu(struct program *p, int op, int reg, int32_t value)
{
	emit(p, BPF_ALU64 | BPF_K | op, reg, 0, 0, value);
}

static void emit_if(struct program *p, int op, int reg, uint32_t value, int off)
{
	emit(p, BPF_JMP32 | BPF_K | op, reg, 0, off, (int32_t)value);
}

static uint32_t kernel_access(uint32_t access)
{
	return (access & SPEC_ACCESS_READ ? BPF_DEVCG_ACC_READ : 0) |
	       (access & SPEC_ACCESS_WRITE ? BPF_DEVCG_ACC_WRITE : 0) |
	       (access & SPEC_ACCESS_MKNOD ? BPF_DEVCG_ACC_MKNOD : 0);
}

/* What to compare for the rule's device. False: every device is meant. */
static bool rule_key(const struct spec_device_rule *r, int *reg, uint32_t *value)
{
	if (r->major != SPEC_DEVICE_ANY && r->minor != SPEC_DEVICE_ANY) {
		*reg = REG_DEVICE;
		*value = (uint32_t)r->major << MINOR_BITS | (uint32_t)r->minor;
	} else if (r->major != SPEC_DEVICE_ANY) {
		*reg = REG_MAJOR;
		*value = (uint32_t)r->major;
	} else if (r->minor != SPEC_DEVICE_ANY) {
		*reg = REG_MINOR;
		*value = (uint32_t)r->minor;
	} else {
		return false;
	}
	return true;
}

/* False: this rule decides about every device that is left, nothing can come after it. */
static bool emit_rule(struct program *p, const struct spec_device_rule *r)
{
	uint32_t access = kernel_access(r->access), value;
	int answer = r->allow ? TARGET_ALLOW : TARGET_DENY, reg;
	bool keyed = rule_key(r, &reg, &value);

	/* No device has such a number, and in REG_DEVICE it would stand for another. */
	if (r->major > MAJOR_MAX || r->minor > MINOR_MAX)
		return true;
	if (r->access == ACCESS_ALL) {
		if (keyed)
			emit_if(p, BPF_JEQ, reg, value, answer);
		else
			emit(p, BPF_JMP | BPF_JA, 0, 0, answer, 0);
		return keyed;
	}
	if (keyed)
		emit_if(p, BPF_JNE, reg, value, r->allow ? 2 : 1);
	if (r->allow) {
		/* These kinds are settled; allowed, once no kind is open. */
		emit_alu(p, BPF_AND, REG_ACCESS, (int32_t)~access);
		emit_if(p, BPF_JEQ, REG_ACCESS, 0, answer);
	} else {
		emit_if(p, BPF_JSET, REG_ACCESS, access, answer);
	}
	return true;
}

/* The last rule about a device is the one that counts, so it is asked first. */
static void emit_rules(struct program *p, const struct devices_filter *f, char type)
{
	size_t i;

	for (i = f->n; i-- > 0;) {
		if (f->rules[i].type != 'a' && f->rules[i].type != type)
			continue;
		if (!emit_rule(p, &f->rules[i]))
			return;
	}
	emit(p, BPF_JMP | BPF_JA, 0, 0, f->base_allow ? TARGET_ALLOW : TARGET_DENY, 0);
}

/* Lets the jumps to the target come here. False: there are none. */
static bool program_resolve(struct program *p, enum target target)
{
	bool found = false;
	size_t i;

	for (i = 0; i < p->n; i++) {
		if (p->insns[i].off != target)
			continue;
		p->insns[i].off = (int16_t)(p->n - i - 1);
		found = true;
	}
	return found;
}

/* The verifier refuses what nothing leads to. */
static void emit_answer(struct program *p, bool allow)
{
	if (!program_resolve(p, allow ? TARGET_ALLOW : TARGET_DENY))
		return;
	emit_alu(p, BPF_MOV, BPF_REG_0, allow);
	emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

void devices_compile(const struct devices_filter *f, struct bpf_insn *insns, size_t *n)
{
	struct program p = { .insns = insns };

	/* The low half of the first word is the type, the high half the access. */
	emit_load(&p, REG_TYPE, offsetof(struct bpf_cgroup_dev_ctx, access_type));
	emit_load(&p, REG_MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major));
	emit_load(&p, REG_MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor));
	emit(&p, BPF_ALU64 | BPF_X | BPF_MOV, REG_ACCESS, REG_TYPE, 0, 0);
	emit_alu(&p, BPF_RSH, REG_ACCESS, 16);
	emit_alu(&p, BPF_AND, REG_TYPE, 0xffff);
	emit(&p, BPF_ALU64 | BPF_X | BPF_MOV, REG_DEVICE, REG_MAJOR, 0, 0);
	emit_alu(&p, BPF_LSH, REG_DEVICE, MINOR_BITS);
	emit(&p, BPF_ALU64 | BPF_X | BPF_OR, REG_DEVICE, REG_MINOR, 0, 0);

	emit_if(&p, BPF_JNE, REG_TYPE, BPF_DEVCG_DEV_CHAR, TARGET_BLOCK);
	emit_rules(&p, f, 'c');
	program_resolve(&p, TARGET_BLOCK);
	emit_rules(&p, f, 'b');
	emit_answer(&p, true);
	emit_answer(&p, false);
	*n = p.n;
}
