// SPDX-License-Identifier: Apache-2.0
#include "kube/event.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/proc.h"
#include "base/stamp.h"
#include "kube/connection.h"
#include "kube/tree.h"
#include "kube/verb.h"

#define SERIES_MS      600000
#define NOTE_MAX       1000
#define UNDER_WAY_MOST 32

void events_init(struct events *s, struct connection *c, const char *controller,
		 const char *instance)
{
	*s = (struct events){ .c = c, .controller = controller, .instance = instance };
}

static uint64_t key_of(const struct event *e)
{
	uint64_t key = text_digest(e->uid);

	key = key * 31 + text_digest(e->reason);
	key = key * 31 + text_digest(e->note);
	return key ? key : 1;
}

/* Its place, or that of the one which was silent the longest. */
static struct event_memory *place_of(struct events *s, uint64_t key, uint64_t now)
{
	struct event_memory *oldest = &s->memory[0];

	for (unsigned i = 0; i < EVENTS_KEPT; i++) {
		struct event_memory *m = &s->memory[i];

		if (m->key == key && *m->name && now - m->last_ms < SERIES_MS)
			return m;
		if (m->last_ms < oldest->last_ms)
			oldest = m;
	}
	*oldest = (struct event_memory){ .key = key };
	return oldest;
}

static void on_done(void *arg, const struct answer *a)
{
	struct events *s = arg;

	(void)a;
	s->under_way--;
}

static void send(struct events *s, enum verb verb, const char *namespace, const char *name,
		 const json_t *body)
{
	autofree char *path = NULL;

	/* A storm of words must not stand in the way of the work. */
	if (s->under_way >= UNDER_WAY_MOST)
		return;
	if (asprintf(&path, "/apis/events.k8s.io/v1/namespaces/%s/events%s%s", namespace,
		     name ? "/" : "", name ? name : "") < 0)
		return;
	if (verb_send(s->c,
		      &(struct verb_call){
			      .verb = verb,
			      .path = path,
			      .manager = s->controller,
			      .body = body,
			      .done = on_done,
			      .arg = s,
		      },
		      NULL) == 0)
		s->under_way++;
}

static void create(struct events *s, const struct event *e, struct event_memory *m)
{
	char now[STAMP_SIZE], note[NOTE_MAX + 1];
	json_auto_t *body = NULL;
	json_t *regarding;

	stamp_now_micro(now);
	if (e->id)
		snprintf(m->name, sizeof(m->name), "%.60s.%s", e->name, e->id);
	else
		snprintf(m->name, sizeof(m->name), "%.60s.%016llx", e->name,
			 (unsigned long long)(m->key ^ ((uint64_t)time(NULL) << 20) ^
					      ++s->serial));
	snprintf(note, sizeof(note), "%s", e->note);
	/* A cut in the middle of a character would make the whole Event invalid. */
	for (size_t len = strlen(note); len == NOTE_MAX && len && (note[len - 1] & 0x80);)
		note[--len] = 0;
	regarding = tree_strings("apiVersion", e->api_version, "kind", e->kind, "namespace",
				 e->namespace, "name", e->name, "uid", e->uid, NULL);
	body = json_pack("{s:s, s:s, s:{s:s, s:s}, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o}",
			 "apiVersion", "events.k8s.io/v1", "kind", "Event", "metadata", "name",
			 m->name, "namespace", e->namespace, "eventTime", now,
			 "reportingController", s->controller, "reportingInstance", s->instance,
			 "type", e->warning ? "Warning" : "Normal", "reason", e->reason,
			 "action", e->action, "note", note, "regarding", regarding);
	if (body)
		send(s, VERB_CREATE, e->namespace, NULL, body);
}

static void repeat(struct events *s, const struct event *e, struct event_memory *m)
{
	json_auto_t *body = NULL;
	char now[STAMP_SIZE];

	/* Once when it repeats, then each time the count has doubled. */
	if (m->count < 2 * m->told)
		return;
	m->told = m->count;
	stamp_now_micro(now);
	body = json_pack("{s:{s:i, s:s}}", "series", "count", (int)m->count, "lastObservedTime",
			 now);
	send(s, VERB_MERGE, e->namespace, m->name, body);
}

void events_emit(struct events *s, const struct event *e)
{
	uint64_t now = proc_now_ms();
	struct event_memory *m = place_of(s, key_of(e), now);

	m->last_ms = now;
	m->count++;
	if (*m->name) {
		repeat(s, e, m);
		return;
	}
	m->told = 1;
	create(s, e, m);
}
