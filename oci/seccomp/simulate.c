/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/simulate.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>

#define STEP_RETURN UINT64_MAX
#define STEP_BAD    (UINT64_MAX - 1)

struct machine {
	uint32_t a;
	uint32_t x;
	uint32_t memory[BPF_MEMWORDS];
	const struct seccomp_data *data;
	struct seccomp_run run;
};

/* The rare ones: arithmetic, and what moves words about. How many instructions to skip. */
static uint64_t machine_other(struct machine *m, struct sock_filter i)
{
	bool by_x = BPF_SRC(i.code) == BPF_X;
	uint32_t v = by_x ? m->x : i.k;

	switch (i.code & ~(uint32_t)BPF_X) {
	case BPF_ALU | BPF_ADD:
		m->a += v;
		return 0;
	case BPF_ALU | BPF_SUB:
		m->a -= v;
		return 0;
	case BPF_ALU | BPF_MUL:
		m->a *= v;
		return 0;
	case BPF_ALU | BPF_DIV:
		if (v == 0) {
			m->run.action = 0;
			return by_x ? STEP_RETURN : STEP_BAD;
		}
		m->a /= v;
		return 0;
	case BPF_ALU | BPF_AND:
		m->a &= v;
		return 0;
	case BPF_ALU | BPF_OR:
		m->a |= v;
		return 0;
	case BPF_ALU | BPF_XOR:
		m->a ^= v;
		return 0;
	case BPF_ALU | BPF_LSH:
	case BPF_ALU | BPF_RSH:
		if (!by_x && v >= 32)
			return STEP_BAD;
		/* The processor's way, by which the kernel goes: five bits of X count. */
		m->a = BPF_OP(i.code) == BPF_LSH ? m->a << (v & 31) : m->a >> (v & 31);
		return 0;
	case BPF_ALU | BPF_NEG:
		m->a = -m->a;
		return 0;
	default:
		return STEP_BAD;
	}
}

static bool machine_uses_memory(uint32_t code)
{
	switch (BPF_CLASS(code)) {
	case BPF_ST:
	case BPF_STX:
		return true;
	case BPF_LD:
	case BPF_LDX:
		return BPF_MODE(code) == BPF_MEM;
	default:
		return false;
	}
}

static uint64_t machine_move(struct machine *m, struct sock_filter i)
{
	if (machine_uses_memory(i.code) && i.k >= BPF_MEMWORDS)
		return STEP_BAD;
	switch (i.code) {
	case BPF_LD | BPF_IMM:
		m->a = i.k;
		return 0;
	case BPF_LDX | BPF_IMM:
		m->x = i.k;
		return 0;
	case BPF_LD | BPF_W | BPF_LEN:
		m->a = sizeof(*m->data);
		return 0;
	case BPF_LDX | BPF_W | BPF_LEN:
		m->x = sizeof(*m->data);
		return 0;
	case BPF_LD | BPF_MEM:
		m->a = m->memory[i.k];
		return 0;
	case BPF_LDX | BPF_MEM:
		m->x = m->memory[i.k];
		return 0;
	case BPF_ST:
		m->memory[i.k] = m->a;
		return 0;
	case BPF_STX:
		m->memory[i.k] = m->x;
		return 0;
	case BPF_MISC | BPF_TAX:
		m->x = m->a;
		return 0;
	case BPF_MISC | BPF_TXA:
		m->a = m->x;
		return 0;
	default:
		return machine_other(m, i);
	}
}

/* How many instructions to skip. */
static inline uint64_t machine_step(struct machine *m, struct sock_filter i)
{
	switch (i.code) {
	case BPF_LD | BPF_W | BPF_ABS:
		if (i.k % 4 || i.k >= sizeof(*m->data))
			return STEP_BAD;
		memcpy(&m->a, (const char *)m->data + i.k, sizeof(m->a));
		m->run.read_args |= i.k >= offsetof(struct seccomp_data, instruction_pointer);
		return 0;
	case BPF_JMP | BPF_JA:
		return i.k;
	case BPF_JMP | BPF_JEQ | BPF_K:
		return m->a == i.k ? i.jt : i.jf;
	case BPF_JMP | BPF_JGE | BPF_K:
		return m->a >= i.k ? i.jt : i.jf;
	case BPF_JMP | BPF_JGT | BPF_K:
		return m->a > i.k ? i.jt : i.jf;
	case BPF_JMP | BPF_JSET | BPF_K:
		return m->a & i.k ? i.jt : i.jf;
	case BPF_JMP | BPF_JEQ | BPF_X:
		return m->a == m->x ? i.jt : i.jf;
	case BPF_JMP | BPF_JGE | BPF_X:
		return m->a >= m->x ? i.jt : i.jf;
	case BPF_JMP | BPF_JGT | BPF_X:
		return m->a > m->x ? i.jt : i.jf;
	case BPF_JMP | BPF_JSET | BPF_X:
		return m->a & m->x ? i.jt : i.jf;
	case BPF_RET | BPF_K:
		m->run.action = i.k;
		return STEP_RETURN;
	case BPF_RET | BPF_A:
		m->run.action = m->a;
		return STEP_RETURN;
	default:
		return machine_move(m, i);
	}
}

int seccomp_simulate(const struct sock_filter *insns, size_t n, const struct seccomp_data *data,
		     struct seccomp_run *ret)
{
	struct machine m = { .data = data };

	for (uint64_t pc = 0; pc < n; pc++) {
		uint64_t skip = machine_step(&m, insns[pc]);

		m.run.steps++;
		if (skip == STEP_RETURN) {
			*ret = m.run;
			return 0;
		}
		if (skip == STEP_BAD)
			return -EINVAL;
		pc += skip;
	}
	return -EINVAL;
}
