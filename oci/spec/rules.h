/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "spec/spec.h"

struct error;
struct json;

/* What the files check_*.c share: who is judged, where in the document, and how it is said. */
struct rules {
	const struct spec *spec; /* the whole, where it is known */
	const char *file;        /* NULL: messages begin with the path */
	const struct json *doc;  /* for line numbers; may be NULL */
	struct error *e;
	char path[256];
	char shown[4][96]; /* rules_show() takes them in turn */
	unsigned int next_shown;
};

/* Names the place of the next refusal: "mounts[%zu].source". Returns r. */
struct rules *rules_at(struct rules *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
int rules_refuse(struct rules *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int rules_unsupported(struct rules *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Text from the document (NULL: none), fit for a message; four of them may stand in one. */
const char *rules_show(struct rules *r, const char *s);

bool rules_is_one_line(const char *s); /* no control character */
bool rules_is_list(const char *s);     /* "0-3,7" of CPUs or nodes */

/* Refuse at r->path what is no absolute path, what is more than one line; NULL is one line. */
int rules_absolute(struct rules *r, const char *s);
int rules_one_line(struct rules *r, const char *s);

/*
 * 1 and *ret: this item equals an earlier one; 0: all differ; -ENOMEM. In n log n: an array may
 * have as many items as a document has room for.
 */
typedef int (*rules_compare)(const void *a, const void *b);
int rules_repeated(const void *const *items, size_t n, rules_compare compare, size_t *ret);

int rules_process(struct rules *r, const struct spec_process *p, const char *path);
int rules_scheduler(struct rules *r, const struct spec_scheduler *s, const char *path);
int rules_mounts(struct rules *r, const struct spec_mount *mounts, size_t n);
int rules_hooks(struct rules *r, const struct spec_hooks *hooks);
int rules_namespaces(struct rules *r, const struct spec_linux *l);
int rules_id_mappings(struct rules *r, const char *path, const struct spec_id_mapping *maps,
		      size_t n);
int rules_net_devices(struct rules *r, const struct spec_linux *l);
int rules_sysctls(struct rules *r, const struct spec *s);
int rules_linux(struct rules *r, const struct spec_linux *l);
int rules_resources(struct rules *r, const struct spec_resources *res, const char *path);
int rules_seccomp(struct rules *r, const struct spec_seccomp *s);
