/* SPDX-License-Identifier: Apache-2.0 */
/* A filter without the kernel does what it does in the kernel: the same programs, run by both. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "seccomp/abi.h"
#include "seccomp/simulate.h"

#define CALL        5000 /* no system call's number: each program of a child answers one */
#define PROGRAMS    40   /* of a child, which runs all of them for each call */
#define CHILDREN    25
#define INSNS_MAX   256
#define RESULT_MASK 0x7ffU /* an errno may be no more than 4095 */
#define ARG(i)      (offsetof(struct seccomp_data, args) + 4 * (i))

static uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);

static uint32_t chance(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 24) % n;
}

/* Small ones, large ones, and what lies about a shift's width. */
static uint32_t number(void)
{
	static const uint32_t edges[] = {
		0, 1, 31, 32, 33, 0x7fffffff, 0x80000000, 0xffffffff
	};

	return chance(3) ? edges[chance(ARRAY_SIZE(edges))] : chance(UINT32_MAX);
}

struct program {
	struct sock_filter insns[INSNS_MAX];
	unsigned short n;
};

static void put(struct program *p, uint32_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
	assert_true(p->n < INSNS_MAX);
	p->insns[p->n++] = (struct sock_filter){ (uint16_t)code, jt, jf, k };
}

static void put_arithmetic(struct program *p)
{
	static const uint16_t ops[] = { BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_AND,
					BPF_OR,  BPF_XOR, BPF_LSH, BPF_RSH };
	uint16_t op = ops[chance(ARRAY_SIZE(ops))];
	uint32_t k = number();

	if (chance(2)) {
		put(p, BPF_ALU | op | BPF_X, 0, 0, 0);
		return;
	}
	if (op == BPF_LSH || op == BPF_RSH)
		k %= 32;
	if (op == BPF_DIV && k == 0)
		k = 3;
	put(p, BPF_ALU | op | BPF_K, 0, 0, k);
}

static void put_move(struct program *p)
{
	static const uint16_t words[] = { BPF_LD | BPF_MEM, BPF_LDX | BPF_MEM, BPF_ST,
					  BPF_STX };
	static const uint16_t plain[] = { BPF_LD | BPF_W | BPF_LEN, BPF_LDX | BPF_W | BPF_LEN,
					  BPF_MISC | BPF_TAX, BPF_MISC | BPF_TXA,
					  BPF_ALU | BPF_NEG };

	switch (chance(4)) {
	case 0:
		put(p, words[chance(ARRAY_SIZE(words))], 0, 0, chance(BPF_MEMWORDS));
		return;
	case 1:
		put(p, plain[chance(ARRAY_SIZE(plain))], 0, 0, 0);
		return;
	case 2:
		put(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, ARG(chance(12)));
		return;
	default:
		put(p, chance(2) ? BPF_LD | BPF_IMM : BPF_LDX | BPF_IMM, 0, 0, number());
	}
}

/* Both ways lead on, to one of the next two instructions. */
static void put_jump(struct program *p)
{
	static const uint16_t ops[] = { BPF_JEQ, BPF_JGE, BPF_JGT, BPF_JSET };
	uint16_t op = ops[chance(ARRAY_SIZE(ops))];

	if (chance(5) == 0)
		put(p, BPF_JMP | BPF_JA, 0, 0, chance(2));
	else
		put(p, BPF_JMP | op | (chance(2) ? BPF_X : BPF_K), (uint8_t)chance(2),
		    (uint8_t)chance(2), number());
	put_move(p);
	put_arithmetic(p);
}

/* Every bit of A has its share in the errno. */
static void put_result(struct program *p)
{
	static const uint32_t shifts[] = { 16, 8 };

	for (size_t i = 0; i < ARRAY_SIZE(shifts); i++) {
		put(p, BPF_MISC | BPF_TAX, 0, 0, 0);
		put(p, BPF_ALU | BPF_RSH | BPF_K, 0, 0, shifts[i]);
		put(p, BPF_ALU | BPF_XOR | BPF_X, 0, 0, 0);
	}
	put(p, BPF_ALU | BPF_AND | BPF_K, 0, 0, RESULT_MASK);
	put(p, BPF_ALU | BPF_OR | BPF_K, 0, 0, SECCOMP_RET_ERRNO);
	put(p, BPF_RET | BPF_A, 0, 0, 0);
}

/* Other calls are allowed. The kernel wants each word of memory written before it is read. */
static void make_program(struct program *p, uint32_t call, int steps)
{
	p->n = 0;
	put(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
	put(p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, call);
	put(p, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
	for (uint32_t i = 0; i < BPF_MEMWORDS; i++) {
		put(p, BPF_LD | BPF_IMM, 0, 0, number());
		put(p, BPF_ST, 0, 0, i);
	}
	for (int i = 0; i < steps; i++)
		switch (chance(3)) {
		case 0:
			put_jump(p);
			break;
		case 1:
			put_arithmetic(p);
			break;
		default:
			put_move(p);
		}
	put_result(p);
}

static long load(const struct sock_filter *insns, unsigned short n)
{
	struct sock_fprog program = { n, (struct sock_filter *)insns };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

static int ask(const struct seccomp_data *d)
{
	errno = 0;
	(void)syscall(d->nr, d->args[0], d->args[1], d->args[2], d->args[3], d->args[4],
		      d->args[5]);
	return errno;
}

/* The first program of these that the kernel runs otherwise, as the child's status; 0: none. */
static int differing(const struct program *programs, const struct seccomp_data *data)
{
	for (size_t i = 0; i < PROGRAMS; i++)
		if (load(programs[i].insns, programs[i].n) < 0)
			return 255;
	for (size_t i = 0; i < PROGRAMS; i++) {
		struct seccomp_run run;

		if (seccomp_simulate(programs[i].insns, programs[i].n, &data[i], &run) < 0)
			return 254;
		/* A division by 0 ends the program with 0, which kills: the child must not ask. */
		if (run.action != 0 && ask(&data[i]) != (int)(run.action & SECCOMP_RET_DATA))
			return (int)i + 1;
	}
	return 0;
}

static int status_of(pid_t pid)
{
	int status;

	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void what_the_kernel_answers_is_what_the_simulation_says(void **state)
{
	static struct program programs[PROGRAMS];
	static struct seccomp_data data[PROGRAMS];

	(void)state;
	for (int child = 0; child < CHILDREN; child++) {
		pid_t pid;
		int status;

		for (int i = 0; i < PROGRAMS; i++) {
			make_program(&programs[i], (uint32_t)(CALL + i), 20);
			data[i] = (struct seccomp_data){
				.nr = CALL + i, .arch = seccomp_abi_audit(seccomp_abi_native())
			};
			for (size_t j = 0; j < ARRAY_SIZE(data[i].args); j++)
				data[i].args[j] = (uint64_t)number() << 32 | number();
		}
		pid = fork();
		if (pid == 0)
			_exit(differing(programs, data));
		status = status_of(pid);
		assert_true(WIFEXITED(status));
		if (WEXITSTATUS(status))
			fail_msg("child %d: %d", child, WEXITSTATUS(status));
	}
}

/* X is 0: the whole program ends, and what it returns is 0. */
static void a_division_by_nothing_kills_here_and_there(void **state)
{
	static const struct sock_filter insns[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CALL, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_LDX | BPF_IMM, 0),
		BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct seccomp_data data = { .nr = CALL };
	struct seccomp_run run = { .action = 1 };
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		if (load(insns, ARRAY_SIZE(insns)) == 0)
			ask(&data);
		_exit(1);
	}
	status = status_of(pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(seccomp_simulate(insns, ARRAY_SIZE(insns), &data, &run), 0);
	assert_int_equal(run.action, SECCOMP_RET_KILL_THREAD);
}

static void what_the_kernel_refuses_to_load_is_refused(void **state)
{
	static const struct sock_filter bad[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, sizeof(struct seccomp_data)),
		BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0),
		BPF_STMT(BPF_LD | BPF_MEM, BPF_MEMWORDS),
		BPF_STMT(BPF_ST, BPF_MEMWORDS),
		BPF_STMT(BPF_STX, UINT32_MAX),
		BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0),
		BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 3),
		BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32),
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 33),
		BPF_STMT(BPF_RET | BPF_X, 0),
		BPF_STMT(BPF_JMP | BPF_JA, 1),
		BPF_STMT(BPF_JMP | BPF_JA, UINT32_MAX),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 1),
		BPF_STMT(0xffff, 0),
	};
	struct seccomp_data data = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const struct sock_filter insns[] = { bad[i], BPF_STMT(BPF_RET | BPF_K,
								      SECCOMP_RET_ALLOW) };
		struct seccomp_run run;
		pid_t pid = fork();

		if (pid == 0)
			_exit(load(insns, 2) < 0 && errno == EINVAL ? 0 : 1);
		if (status_of(pid) != 0)
			fail_msg("the kernel takes instruction %zu", i);
		if (seccomp_simulate(insns, 2, &data, &run) != -EINVAL)
			fail_msg("the simulation takes instruction %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_kernel_answers_is_what_the_simulation_says),
		cmocka_unit_test(a_division_by_nothing_kills_here_and_there),
		cmocka_unit_test(what_the_kernel_refuses_to_load_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
