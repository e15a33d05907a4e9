/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct error;
struct runtime_target;

#define INVOCATION_MAX_WORDS 48
#define INVOCATION_MAX_BYTES (1u << 20) /* of what it says */

/* How long it may take where its client says nothing: the kubelet waits as long for a pod. */
#define INVOCATION_MS 240000

/*
 * One call of another runtime's command line, from its beginning to its end. It dies with the caller. Its
 * log goes into the bundle while it runs, and is where the words of an error come from.
 */
struct invocation {
	const char *binary;
	const char *bundle; /* "": no log is kept */
	const char *verb;
	const char *words[INVOCATION_MAX_WORDS];
	size_t n_words;
	int stdio[3];     /* -1: /dev/null, or the other two of these */
	const char *text; /* what it reads from stdin; NULL: stdio[0] */
	size_t text_len;
	uint64_t until;  /* it is killed then, and what it has started in its process group */
	bool listen;     /* keep what it writes, for errors and for `said` */
	struct buf said; /* without its end's white space */
	char log[64];
};

/* BINARY with the flags that say which containers, and the verb. */
void invocation_init(struct invocation *v, const struct runtime_target *t, const char *verb);
void invocation_add(struct invocation *v, const char *word);
void invocation_done(struct invocation *v);

/*
 * -EIO where it ends with a status: the text is what it said. -ETIMEDOUT: it did not end. -ENOENT and
 * others: it cannot be run.
 */
int invocation_run(struct invocation *v, struct error *e);
