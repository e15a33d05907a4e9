/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "cgroup/limits.h"
#include "spec/spec.h"

/* What the tests of limits share: resources by their values, and an arena for each test's plans. */

#define SET(v)            \
	{                 \
		true, (v) \
	}

/* What cgroup v1 alone can do, every one of it. */
static const struct spec_resources resources_of_v1 = {
	.memory_kernel = SET(1),
	.memory_kernel_tcp = SET(1),
	.memory_swappiness = SET(60),
	.disable_oom_killer = true,
	.cpu_rt_runtime = SET(1),
	.cpu_rt_period = SET(1),
	.blkio_leaf_weight = SET(10),
	.network_class_id = SET(1),
	.network_priorities = true,
};

static struct arena arena;

static inline int arena_setup(void **state)
{
	(void)state;
	arena_init(&arena, 1u << 20);
	return 0;
}

static inline int arena_teardown(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

#define WITH_ARENA(name, f)                                \
	{                                                  \
		name, f, arena_setup, arena_teardown, NULL \
	}
