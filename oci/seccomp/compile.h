/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "seccomp/table.h"

struct error;
struct seccomp_program;
struct seccomp_meaning;
struct spec_seccomp;

/*
 * linux.seccomp -> classic BPF. Pure: no system call but for memory.
 *
 * The meaning does not depend on the order of rules: the default action applies unless a rule
 * matches; of the rules that match, the action of highest kernel precedence wins (KILL_PROCESS,
 * KILL_THREAD, TRAP, ERRNO, USER_NOTIF, TRACE, LOG, ALLOW), of two of one kind the one with the
 * smaller data (EPERM beats ENOSYS). rules.h tells what a rule means, number by number.
 *
 * The program: one switch on the architecture, native first; one binary search over the merged
 * ranges of numbers; shared blocks that look at arguments.
 */

struct seccomp_target {
	enum seccomp_abi native;
	uint32_t flags; /* SECCOMP_FILTER_FLAG_* that this kernel knows */
	/*
	 * Two or more EQ on one index of one rule: other runtimes take any of the values. Set:
	 * so do we. Clear: refused. (Any other pair of conditions on one index must hold both.)
	 */
	bool eq_union;
	/*
	 * Rules without conditions that contradict each other about one call. Clear: the highest
	 * precedence wins, as everywhere. Set: the first of them does, as in libseccomp; only for
	 * profiles that nobody else's rules were added to.
	 */
	bool first_wins;
};

/*
 * 0 and a program the caller owns; `ret` is untouched on failure.
 * -EINVAL: what the kernel or the runtime-spec forbids, with the JSON path (an index above 5, an
 * errnoRet on an action that takes none, an unknown flag); -E2BIG: more than 4096 instructions,
 * the text names the rules that cost most; -ENOTSUP: no table for this machine, or a flag that the
 * kernel does not know; -ENOMEM.
 * A profile that is absent (spec->present false) gives an empty program (n == 0).
 */
int seccomp_compile(const struct spec_seccomp *spec, const struct seccomp_target *target,
		    struct seccomp_program *ret, struct error *e);

/* The second half, for who has the meaning already (meaning.h). */
int seccomp_compile_meaning(const struct seccomp_meaning *m, struct seccomp_program *ret,
			    struct error *e);
