// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "effect.h"
#include "engine/engine.h"
#include "kube/connection.h"

/*
 * What became of roles, databases and grants only the server knows, and its pod has no way to the API: it
 * says so in its log, and here the end of it is read. A log that cannot be had, or that says nothing, is
 * no failure: the condition tells as much.
 */
#define FAILED_MAX   1024
#define LISTEN_QUERY "/log?container=database&tailLines=1000&limitBytes=1048576"

/* For a condition: not too long, and text whatever language the server speaks. */
static void make_readable(char *text)
{
	size_t len = strlen(text);
	json_t *readable;

	if (len > FAILED_MAX) {
		for (len = FAILED_MAX; len && (text[len] & 0xc0) == 0x80; len--)
			;
		text[len] = 0;
	}
	readable = json_string(text);
	for (char *s = text; !readable && *s; s++)
		if (*s & 0x80)
			*s = '?';
	json_decref(readable);
}

static void on_log(void *arg, const struct answer *a)
{
	struct effect *f = arg;
	struct record *r = f->r;
	struct seen_declared *seen = &r->observed.declared;
	struct error e = ERROR_INIT;
	char *failed = NULL;

	if (refusal_of(a, &e) != REFUSAL_NONE) {
		if (seen->tries == 1)
			log_warning("%s/%s: log of %s: %s", r->namespace, r->name, f->name,
				    e.text);
	} else if (f->engine->outcome(a->body, a->len, f->action.wanted, &failed)) {
		seen->digest = f->action.wanted;
		seen->failed = failed;
		if (failed)
			make_readable(failed);
		free(r->declared_failed);
		r->declared_failed = failed;
	}
	effect_end(f);
}

bool listen_start(struct effect *f, const struct database *d)
{
	autofree char *pod = kind_path(KIND_POD, 0, f->r->namespace, f->name), *path = NULL;
	struct seen_declared *seen = &f->r->observed.declared;

	if (seen->wanted != f->action.wanted)
		*seen = (struct seen_declared){ .digest = seen->failed ? 0 : seen->digest,
						.wanted = f->action.wanted };
	seen->asked = time(NULL);
	seen->tries += seen->tries < LISTEN_TRIES;
	f->engine = d->engine;
	if (!pod || asprintf(&path, "%s" LISTEN_QUERY, pod) < 0)
		return false;
	return verb_send(f->o->connection,
			 &(struct verb_call){
				 .verb = VERB_GET,
				 .path = path,
				 .done = on_log,
				 .arg = f,
			 },
			 NULL) == 0;
}
