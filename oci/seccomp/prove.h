/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct error;
struct seccomp_program;
struct seccomp_rules;
struct seccomp_target;
struct spec_seccomp;

/*
 * No filter is trusted because of who made it: a program is run, by simulation, against the
 * reference evaluator of rules.h, which knows nothing of how programs are made. Pure.
 *
 * Every number of every ABI from 0 to 16 above the highest known, with and without bit 30, the
 * edges of the range and every constant that the program compares with; a foreign architecture;
 * and for each number with conditions the values at, below and above every boundary of every
 * argument, with the upper half clear, set and sign-extended: all tuples of them where that is
 * bounded, else each around values that satisfy one rule, and a share of the rest.
 * A number without conditions may not even look at an argument.
 * 0, -EBADMSG with the first case that differs (the container is refused), -ENOMEM.
 */
int seccomp_prove(const struct seccomp_program *p, const struct spec_seccomp *spec,
		  const struct seccomp_target *target, struct error *e);
int seccomp_prove_rules(const struct seccomp_program *p, const struct seccomp_rules *rules,
			struct error *e);
