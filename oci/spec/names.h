/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * The words of config.json and the kernel's numbers for them: one list for each enumeration, for
 * parsing, for messages and for `features`. Each list ends with a NULL name; where two names mean
 * one value, the first is the one to print.
 */
struct spec_name {
	const char *name;
	uint64_t value;
};

extern const struct spec_name spec_rlimit_names[];             /* RLIMIT_* */
extern const struct spec_name spec_scheduler_policy_names[];   /* SCHED_* */
extern const struct spec_name spec_scheduler_flag_names[];     /* SCHED_FLAG_* */
extern const struct spec_name spec_io_priority_class_names[];  /* IOPRIO_CLASS_* */
extern const struct spec_name spec_memory_policy_mode_names[]; /* MPOL_* */
extern const struct spec_name spec_memory_policy_flag_names[]; /* MPOL_F_* */
extern const struct spec_name spec_personality_names[];        /* PER_* */
extern const struct spec_name spec_propagation_names[];    /* MS_*, with MS_REC for "r..." */
extern const struct spec_name spec_seccomp_action_names[]; /* SECCOMP_RET_* */
extern const struct spec_name spec_seccomp_arch_names[];   /* AUDIT_ARCH_*, SPEC_ARCH_X32 */
extern const struct spec_name spec_seccomp_flag_names[];   /* SECCOMP_FILTER_FLAG_* */
extern const struct spec_name spec_seccomp_op_names[];     /* enum spec_seccomp_op */
extern const struct spec_name spec_namespace_names[];      /* enum spec_ns */
extern const struct spec_name spec_hook_stage_names[];     /* enum spec_hook_stage */

/* The entry of a name, or NULL. */
const struct spec_name *spec_name_find(const struct spec_name *names, const char *name);

/* The first name of a value, or NULL. */
const char *spec_name_of(const struct spec_name *names, uint64_t value);

/* "a, b and c", cut where it does not fit. Returns dst. */
const char *spec_names_list(const struct spec_name *names, char *dst, size_t size);
