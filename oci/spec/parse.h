/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

struct arena;
struct error;
struct json;
struct spec;
struct spec_process;
struct spec_resources;
struct spec_seccomp;

/*
 * Bytes -> struct spec, by tables, with no system call but for memory. Unknown keys are ignored, as
 * the runtime-spec asks ("config.md", Extensibility); a wrong type, an unknown value of an
 * enumeration or a number out of range is an error that names file, line and JSON path.
 * Only shape is judged here; rules across fields are check.h's.
 */

#define SPEC_MAX_BYTES (16u << 20)

/*
 * `name` is what messages call the document. On success the caller owns *ret (spec_done); on
 * failure nothing is left behind: -EINVAL, -E2BIG, -ENOMEM.
 */
int spec_parse(const char *name, const char *data, size_t len, struct spec *ret,
	       struct error *e);

/*
 * The same where the `n` bytes at `at` are the value of linux.seccomp, and the caller knows what they say
 * (each by itself a whole JSON object): they are not read, and of linux.seccomp only `present` is set.
 * -EAGAIN: that is not their place in this document, so it has to be read whole. So it has after every
 * other failure, whose text is only right about the whole.
 */
int spec_parse_around(const char *name, const char *data, size_t len, size_t at, size_t n,
		      struct spec *ret);

/* Parts that also come on their own; the results live in the arena. */
int spec_parse_process(struct arena *a, const char *name, const char *data, size_t len,
		       struct spec_process *ret, struct error *e); /* exec --process */
int spec_parse_resources(struct arena *a, const char *name, const char *data, size_t len,
			 struct spec_resources *ret, struct error *e); /* update --resources */
int spec_parse_seccomp(struct arena *a, const char *name, const char *data, size_t len,
		       struct spec_seccomp *ret, struct error *e);
