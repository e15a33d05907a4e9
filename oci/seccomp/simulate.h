/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct seccomp_data;
struct seccomp_program;
struct seccomp_rules;
struct seccomp_target;
struct sock_filter;
struct spec_seccomp;

/*
 * A filter run without the kernel, and the proof that it means what the rules say. Pure.
 */

struct seccomp_run {
	uint32_t action; /* what the program returned */
	unsigned steps;  /* instructions it took */
	bool read_args;  /* it looked at an argument or at the instruction pointer */
};

/*
 * Runs any program of the instructions that the kernel lets a seccomp filter use.
 * 0, or -EINVAL: an instruction or a jump the kernel would refuse.
 */
int seccomp_simulate(const struct sock_filter *insns, size_t n, const struct seccomp_data *data,
		     struct seccomp_run *ret);

/*
 * Program against rules_evaluate(), which knows nothing of how programs are made: every number of
 * every ABI from 0 to 16 above the highest known, with and without bit 30, the edges of the
 * number's range and every constant the program compares with, a foreign architecture; and for
 * each number with conditions the tuples of values at, below and above every boundary, with the
 * upper half clear, set and sign-extended.
 * 0, -EBADMSG with the first case that differs (the container is refused), -ENOMEM.
 */
int seccomp_prove(const struct seccomp_program *p, const struct spec_seccomp *spec,
		  const struct seccomp_target *target, struct error *e);
int seccomp_prove_rules(const struct seccomp_program *p, const struct seccomp_rules *rules,
			struct error *e);
