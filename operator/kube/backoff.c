// SPDX-License-Identifier: Apache-2.0
#include "kube/backoff.h"

#include "base/proc.h"
#include "kube/loop.h"

void backoff_reset(struct backoff *b)
{
	b->next_ms = 0;
}

uint64_t backoff_next(struct backoff *b, unsigned asked_ms)
{
	uint64_t now = proc_now_ms(), wait;

	if (!b->next_ms || now > b->last_ms + b->quiet_ms)
		b->next_ms = b->first_ms;
	wait = loop_random(b->next_ms, 2ull * b->next_ms);
	b->next_ms = b->next_ms > b->most_ms / 2 ? b->most_ms : b->next_ms * 2;
	if (wait > b->most_ms)
		wait = b->most_ms;
	if (wait < asked_ms)
		wait = loop_random(asked_ms, asked_ms + asked_ms / 10 + 1);
	b->last_ms = now + wait;
	return wait;
}
