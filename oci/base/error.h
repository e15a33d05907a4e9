/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdarg.h>

/*
 * What went wrong, in one flat piece of memory, so that a child can write it down a socket whole.
 *
 * Every function that can fail returns 0 or a negative errno and takes a `struct error *` last.
 * The pointer may be NULL. A positive return is a documented answer, never a failure.
 * Text is added where it is known; callers add context in front with error_prefix().
 */
struct error {
	int errnum;    /* positive errno; 0: nothing has gone wrong */
	char step[32]; /* where in the story: "config", "cgroup", "mounts" ...; may be empty */
	char text[1536]; /* one line for a person: the object, what was wrong */
	char hint[448];  /* what to do about it; may be empty */
};

#define ERROR_INIT ((struct error){ 0 })

/* A system call failed: the text, then the kernel's words for errnum. Returns -errnum. */
int error_set(struct error *e, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* We refuse: the text as it stands. Returns -errnum. */
int error_say(struct error *e, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "context: " in front of the text. Returns -e->errnum (or -EIO where e is NULL or empty). */
int error_prefix(struct error *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Names what to do. Keeps an earlier hint, which knew more. */
void error_hint(struct error *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Names the step. Keeps an earlier one, which was deeper. */
void error_step(struct error *e, const char *step);

/* "ENOENT" for 2; a number in decimal where it has no name. Storage of the thread. */
const char *error_name(int errnum);
