/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/*
 * How long to wait before trying again: doubles from `first_ms` to `most_ms`, with as much again
 * of jitter, and starts anew after `quiet_ms` without a failure.
 */
struct backoff {
	uint32_t first_ms, most_ms, quiet_ms;
	uint32_t next_ms;
	uint64_t last_ms; /* when it was asked last */
};

#define BACKOFF_WATCH \
	((struct backoff){ .first_ms = 800, .most_ms = 30000, .quiet_ms = 120000 })

/* `asked_ms` is what the server asked for (Retry-After), 0: nothing; never less than that. */
uint64_t backoff_next(struct backoff *b, unsigned asked_ms);
void backoff_reset(struct backoff *b);
