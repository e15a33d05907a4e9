/* SPDX-License-Identifier: Apache-2.0 */
#include "run/witness.h"

#include <errno.h>

#include "base/error.h"
#include "base/file.h"
#include "run/container.h"
#include "run/state.h"

/* A policy that changed since cannot change the filter, and one that is broken names no rule. */
static void witness_find_rules(struct witness *w, const struct container *c)
{
	if (container_read_spec(c, &w->spec, NULL) < 0 ||
	    guard_create(&w->guard, c->rt, c->state.id, c->state.bundle, &w->spec, &w->arena,
			 NULL) < 0)
		guard_done(&w->guard);
}

int witness_open(struct witness *w, const struct container *c, struct error *e)
{
	int r = file_read_line(c->dir_fd, STATE_REPORT, w->where, sizeof(w->where));

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return error_set(e, -r, "read " STATE_REPORT);
	r = seccomp_program_read(c->dir_fd, STATE_FILTER, &w->plain, e);
	if (r < 0)
		return r;
	arena_init(&w->arena, STATE_MAX);
	witness_find_rules(w, c);
	w->options = (struct reporter_options){
		.id = c->state.id,
		.where = *w->where ? w->where : NULL,
		.policy_fd = c->rt->policy_fd,
		.guard = &w->guard,
		.plain = &w->plain,
	};
	return 1;
}

void witness_done(struct witness *w)
{
	reporter_done(&w->reporter);
	guard_done(&w->guard);
	seccomp_program_done(&w->plain);
	spec_done(&w->spec);
	arena_done(&w->arena);
	*w = WITNESS_INIT;
}
