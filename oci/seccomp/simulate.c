/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/simulate.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>

struct machine {
	uint32_t a;
	uint32_t x;
	uint32_t memory[BPF_MEMWORDS];
	const struct seccomp_data *data;
	bool read_args;
};

/* One arithmetic instruction: 0 or -EINVAL. */
static int machine_alu(struct machine *m, uint16_t code, uint32_t k)
{
	uint32_t v = BPF_SRC(code) == BPF_X ? m->x : k;

	switch (BPF_OP(code)) {
	case BPF_ADD:
		m->a += v;
		return 0;
	case BPF_SUB:
		m->a -= v;
		return 0;
	case BPF_MUL:
		m->a *= v;
		return 0;
	case BPF_AND:
		m->a &= v;
		return 0;
	case BPF_OR:
		m->a |= v;
		return 0;
	case BPF_XOR:
		m->a ^= v;
		return 0;
	case BPF_LSH:
		m->a = v < 32 ? m->a << v : 0;
		return 0;
	case BPF_RSH:
		m->a = v < 32 ? m->a >> v : 0;
		return 0;
	case BPF_NEG:
		m->a = -m->a;
		return 0;
	default: /* division: no compiler of filters emits it, and it needs a rule for 0 */
		return -EINVAL;
	}
}

static int machine_load(struct machine *m, uint16_t code, uint32_t k)
{
	uint32_t *to = BPF_CLASS(code) == BPF_LDX ? &m->x : &m->a;

	switch (BPF_MODE(code)) {
	case BPF_ABS:
		if (k % 4 || k >= sizeof(*m->data) || to == &m->x)
			return -EINVAL;
		memcpy(to, (const char *)m->data + k, sizeof(*to));
		m->read_args |= k >= offsetof(struct seccomp_data, instruction_pointer);
		return 0;
	case BPF_IMM:
		*to = k;
		return 0;
	case BPF_LEN:
		*to = sizeof(*m->data);
		return 0;
	case BPF_MEM:
		if (k >= BPF_MEMWORDS)
			return -EINVAL;
		*to = m->memory[k];
		return 0;
	default:
		return -EINVAL;
	}
}

static int machine_compare(const struct machine *m, uint16_t code, uint32_t k, bool *ret)
{
	uint32_t v = BPF_SRC(code) == BPF_X ? m->x : k;

	switch (BPF_OP(code)) {
	case BPF_JEQ:
		*ret = m->a == v;
		return 0;
	case BPF_JGT:
		*ret = m->a > v;
		return 0;
	case BPF_JGE:
		*ret = m->a >= v;
		return 0;
	case BPF_JSET:
		*ret = m->a & v;
		return 0;
	default:
		return -EINVAL;
	}
}

/* One instruction that is no return: how many follow it that are skipped, or -EINVAL. */
static int64_t machine_step(struct machine *m, struct sock_filter insn)
{
	bool holds;
	int r;

	switch (BPF_CLASS(insn.code)) {
	case BPF_LD:
	case BPF_LDX:
		return BPF_SIZE(insn.code) == BPF_W ? machine_load(m, insn.code, insn.k)
						    : -EINVAL;
	case BPF_ST:
	case BPF_STX:
		if (insn.k >= BPF_MEMWORDS)
			return -EINVAL;
		m->memory[insn.k] = BPF_CLASS(insn.code) == BPF_ST ? m->a : m->x;
		return 0;
	case BPF_ALU:
		return machine_alu(m, insn.code, insn.k);
	case BPF_MISC:
		if (BPF_MISCOP(insn.code) == BPF_TAX)
			m->x = m->a;
		else
			m->a = m->x;
		return 0;
	case BPF_JMP:
		if (BPF_OP(insn.code) == BPF_JA)
			return insn.k;
		r = machine_compare(m, insn.code, insn.k, &holds);
		return r < 0 ? r : holds ? insn.jt : insn.jf;
	default:
		return -EINVAL;
	}
}

int seccomp_simulate(const struct sock_filter *insns, size_t n, const struct seccomp_data *data,
		     struct seccomp_run *ret)
{
	struct machine m = { .data = data };
	unsigned steps = 0;

	for (size_t pc = 0; pc < n; pc++) {
		int64_t skip;

		steps++;
		if (BPF_CLASS(insns[pc].code) == BPF_RET) {
			bool from_a = BPF_RVAL(insns[pc].code) == BPF_A;

			*ret = (struct seccomp_run){ from_a ? m.a : insns[pc].k, steps,
						     m.read_args };
			return 0;
		}
		skip = machine_step(&m, insns[pc]);
		if (skip < 0)
			return (int)skip;
		if ((uint64_t)skip >= n - pc)
			return -EINVAL;
		pc += (size_t)skip;
	}
	return -EINVAL;
}
