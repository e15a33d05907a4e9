/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct sock_filter;

/*
 * An assembler of classic BPF that works backwards, from the last instruction to the first: jumps
 * only go forward there, so everything an instruction can jump to is already in its place. A
 * conditional jump reaches 255 instructions; what lies further is reached through a return or a
 * jump that is emitted next to it.
 *
 * Failures stick (`failed`); labels that follow one mean nothing.
 */
#define EMIT_MAX     (1u << 16) /* far above what the kernel takes: to tell how much too much */
#define EMIT_NO_LOAD UINT32_MAX

struct emit {
	struct sock_filter *code; /* in reverse */
	uint32_t *alias;          /* a nearer place that does the same, or the label itself */
	size_t n;
	size_t capacity;
	size_t n_returns;
	uint32_t returns[32]; /* recent returns; each label names its action */
	int failed;           /* -ENOMEM, -E2BIG */
};

void emit_init(struct emit *m);
void emit_done(struct emit *m); /* safe on a zeroed or finished one */

/* All give the label of the code that starts here. */
uint32_t emit_return(struct emit *m, uint32_t action);
/* Loads a word of struct seccomp_data, then goes on at `next`. */
uint32_t emit_load(struct emit *m, uint32_t offset, uint32_t next);
/* A &= mask, then goes on at `next`. */
uint32_t emit_and(struct emit *m, uint32_t mask, uint32_t next);
/*
 * `op`: BPF_JEQ, BPF_JGE, BPF_JGT, BPF_JSET, against k. `loaded` is the offset of the word that
 * stands in A unchanged, or EMIT_NO_LOAD: a target that would load it again is entered behind that.
 */
uint32_t emit_jump(struct emit *m, uint16_t op, uint32_t k, uint32_t yes, uint32_t no,
		   uint32_t loaded);

/* The program in the order the kernel wants; the caller frees it. NULL after a failure. */
struct sock_filter *emit_take(struct emit *m);
