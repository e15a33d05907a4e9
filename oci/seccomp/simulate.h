/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seccomp_data;
struct sock_filter;

/*
 * A filter run without the kernel. Pure.
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
