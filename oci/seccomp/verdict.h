/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct arena;
struct seccomp_step;
struct seccomp_use;
struct seccomp_verdict;

/*
 * The rules at one number -> the steps that decide it. Pure.
 * `otherwise` is the action where no rule matches. 0 or -ENOMEM.
 */
int seccomp_verdict_build(struct arena *a, const struct seccomp_use *uses, size_t n,
			  uint32_t otherwise, struct seccomp_verdict *ret);
