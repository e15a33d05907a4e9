// SPDX-License-Identifier: Apache-2.0
#include "kube/lease.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/stamp.h"
#include "base/str.h"
#include "kube/connection.h"
#include "kube/refusal.h"
#include "kube/tree.h"
#include "kube/verb.h"

static void look(struct lease *l);
static void write_lease(struct lease *l, const char *holder);

static char *path_of(const struct lease *l, bool collection)
{
	char *path = NULL;

	if (asprintf(&path, "/apis/coordination.k8s.io/v1/namespaces/%s/leases%s%s",
		     l->config.namespace, collection ? "" : "/",
		     collection ? "" : l->config.name) < 0)
		return NULL;
	return path;
}

bool lease_valid(const struct lease *l)
{
	return l->held && proc_now_ms() - l->renewed_ms < l->config.renew_ms;
}

static void again(struct lease *l, unsigned in_ms)
{
	loop_timer_set(connection_loop(l->c), &l->timer, in_ms);
}

/* --- what the server says --- */

static void remember(struct lease *l, const json_t *object)
{
	const char *version = tree_string(object, "metadata.resourceVersion");
	const char *holder = tree_string(object, "spec.holderIdentity");

	if (str_eq(version, l->version))
		return;
	str_copy(l->version, sizeof(l->version), version ? version : "");
	str_copy(l->holder, sizeof(l->holder), holder ? holder : "");
	l->transitions = tree_integer(object, "spec.leaseTransitions", 0);
	l->duration_seen_ms = tree_integer(object, "spec.leaseDurationSeconds", 15) * 1000;
	l->seen_ms = proc_now_ms();
}

static void lose(struct lease *l)
{
	if (!l->held)
		return;
	l->held = false;
	l->lost(l->arg);
}

static uint64_t retry_jittered(const struct lease *l)
{
	return loop_random(l->config.retry_ms, l->config.retry_ms * 22 / 10);
}

static void complain(struct lease *l, const struct error *e)
{
	if (l->failed)
		l->failed(l->arg, e);
}

static void not_now(struct lease *l, const struct error *e)
{
	complain(l, e);
	if (!lease_valid(l))
		lose(l);
	again(l, (unsigned)retry_jittered(l));
}

static bool mine(const struct lease *l)
{
	return str_eq(l->holder, l->config.identity);
}

/* The clock is read after `seen_ms` was: what has changed just now has not run out. */
static bool run_out(const struct lease *l)
{
	return proc_now_ms() - l->seen_ms >= (uint64_t)l->duration_seen_ms;
}

static void taken(struct lease *l, const struct answer *a)
{
	json_auto_t *object = tree_load(a->body, a->len);
	/* It may have run out of late, with an answer on its way: what waited since then must hear. */
	bool before = lease_valid(l);

	remember(l, object);
	l->held = true;
	l->renewed_ms = l->sent_ms;
	if (!before)
		l->acquired(l->arg);
	again(l, l->config.retry_ms);
}

static void given_away(struct lease *l)
{
	l->held = false;
	l->released(l->arg);
}

/* What was under way when the end came is over: now the lease as it is goes, if it is ours. */
static void release_seen(struct lease *l)
{
	if (mine(l))
		write_lease(l, "");
	else
		given_away(l);
}

static void release_written(struct lease *l, enum refusal why, const struct answer *a)
{
	json_auto_t *object = NULL;

	if (why == REFUSAL_CONFLICT || why == REFUSAL_EXISTS) {
		look(l);
		return;
	}
	if (why == REFUSAL_NONE) {
		object = tree_load(a->body, a->len);
		remember(l, object);
		release_seen(l);
		return;
	}
	given_away(l);
}

static void on_written(void *arg, const struct answer *a)
{
	struct lease *l = arg;
	struct error e = ERROR_INIT;
	enum refusal why = refusal_of(a, &e);

	l->request = NULL;
	l->answered |= a->status > 0;
	if (l->releasing) {
		release_written(l, why, a);
		return;
	}
	if (why == REFUSAL_NONE) {
		taken(l, a);
		return;
	}
	if (why != REFUSAL_CONFLICT && why != REFUSAL_EXISTS && a->status > 0) {
		not_now(l, &e);
		return;
	}
	if (!a->status)
		complain(l, &e);
	/* Somebody wrote before us, or the answer to our own write was lost: look. */
	look(l);
}

/* --- what we say --- */

static json_t *body_of(const struct lease *l, const char *holder)
{
	char now[STAMP_SIZE];
	bool fresh = !mine(l);
	json_t *spec;
	json_t *metadata =
		tree_strings("name", l->config.name, "namespace", l->config.namespace, NULL);

	stamp_now_micro(now);
	if (*l->version)
		tree_set_string(metadata, "resourceVersion", l->version);
	spec = json_pack("{s:s, s:I, s:s, s:I}", "holderIdentity", holder,
			 "leaseDurationSeconds",
			 (json_int_t)(*holder ? l->config.duration_ms / 1000 : 1), "renewTime",
			 now, "leaseTransitions",
			 (json_int_t)(l->transitions + (fresh && *l->version ? 1 : 0)));
	if (fresh)
		tree_set_string(spec, "acquireTime", now);
	return json_pack("{s:s, s:s, s:o, s:o}", "apiVersion", "coordination.k8s.io/v1", "kind",
			 "Lease", "metadata", metadata, "spec", spec);
}

static void write_lease(struct lease *l, const char *holder)
{
	bool create = !*l->version;
	json_auto_t *body = body_of(l, holder);
	autofree char *path = path_of(l, create);

	l->sent_ms = proc_now_ms();
	if (!path || verb_send(l->c,
			       &(struct verb_call){
				       .verb = create ? VERB_CREATE : VERB_REPLACE,
				       .path = path,
				       .body = body,
				       .lease = true,
				       .timeout_ms = l->config.renew_ms / 2,
				       .done = on_written,
				       .arg = l,
			       },
			       &l->request) < 0)
		again(l, l->config.retry_ms);
}

static void on_seen(void *arg, const struct answer *a)
{
	struct lease *l = arg;
	struct error e = ERROR_INIT;
	enum refusal why = refusal_of(a, &e);
	json_auto_t *object = NULL;

	l->request = NULL;
	l->answered |= a->status > 0;
	if (l->releasing) {
		object = why == REFUSAL_NONE ? tree_load(a->body, a->len) : NULL;
		if (!object) {
			given_away(l);
			return;
		}
		remember(l, object);
		release_seen(l);
		return;
	}
	if (why == REFUSAL_NOT_FOUND) {
		*l->version = *l->holder = 0;
		write_lease(l, l->config.identity);
		return;
	}
	if (why != REFUSAL_NONE) {
		not_now(l, &e);
		return;
	}
	object = tree_load(a->body, a->len);
	remember(l, object);
	if (l->held && !mine(l)) {
		lose(l);
		again(l, (unsigned)retry_jittered(l));
	} else if (mine(l) || !*l->holder || run_out(l)) {
		write_lease(l, l->config.identity);
	} else {
		again(l, (unsigned)retry_jittered(l));
	}
}

static void look(struct lease *l)
{
	autofree char *path = path_of(l, false);

	if (!path || verb_send(l->c,
			       &(struct verb_call){
				       .verb = VERB_GET,
				       .path = path,
				       .lease = true,
				       .timeout_ms = l->config.renew_ms / 2,
				       .done = on_seen,
				       .arg = l,
			       },
			       &l->request) < 0)
		again(l, l->config.retry_ms);
}

static void turn(void *arg)
{
	struct lease *l = arg;

	if (l->held && !lease_valid(l))
		lose(l);
	/* The usual renewal is one write; only where it fails is the lease read. */
	if (l->held && mine(l))
		write_lease(l, l->config.identity);
	else
		look(l);
}

/* --- life --- */

void lease_init(struct lease *l, struct connection *c, const struct lease_config *config)
{
	*l = (struct lease){ .c = c, .config = *config, .timer = { .fire = turn, .arg = l } };
}

void lease_start(struct lease *l)
{
	look(l);
}

void lease_release(struct lease *l)
{
	loop_timer_stop(connection_loop(l->c), &l->timer);
	l->releasing = true;
	/* A renewal that is on its way may be done or not, so its answer comes first. */
	if (!l->held)
		given_away(l);
	else if (!l->request)
		release_seen(l);
}

void lease_done(struct lease *l)
{
	if (!l->c)
		return;
	loop_timer_stop(connection_loop(l->c), &l->timer);
	request_cancel(l->request);
	l->request = NULL;
	l->held = false;
}
