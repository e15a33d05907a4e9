/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

struct error;
struct oci_runtime;
struct spec;

/*
 * The text of a config.json -> struct spec, checked, on the shortest way. Most of what an engine writes
 * there is the same seccomp profile each time. Where it is known (seccomp/known.h), the rest alone is
 * read; the result is that of spec_parse() and spec_check(), and so are all errors.
 */

/* The profile is kept as well, once all is well. `rt` NULL: nothing is known, or kept. */
int config_read(const struct oci_runtime *rt, const char *name, const char *data, size_t len,
		struct spec *ret, struct error *e);

/* The same of a text that was checked when it was written, as the one in a container's folder. */
int config_read_again(const struct oci_runtime *rt, const char *name, const char *data,
		      size_t len, struct spec *ret, struct error *e);
