// SPDX-License-Identifier: Apache-2.0
#include "operator.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "api/object.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "kube/connection.h"

#define CHILDREN "app.kubernetes.io%2Fmanaged-by%3D" OBJECT_MANAGER
#define END_MS   900
#define TIDY_MS  30000
#define BLIND_MS 300000

/* --- questions others ask --- */

bool operator_may_write(void *arg)
{
	const struct operator_ *o = arg;

	if (o->stopping)
		return false;
	return o->config->leader_elect ? lease_valid(&o->lease) : true;
}

bool operator_synced(const struct operator_ *o)
{
	return o->n_synced == o->n_watches;
}

static struct operator_watch *watch_of(const struct operator_ *o, enum kind kind,
				       const char *namespace)
{
	for (unsigned i = 0; i < o->n_watches; i++) {
		struct operator_watch *w = &o->watches[i];

		if (w->kind == kind &&
		    (!w->namespace || !namespace || str_eq(w->namespace, namespace)))
			return w;
	}
	return NULL;
}

int operator_api(const struct operator_ *o, enum kind kind)
{
	const struct operator_watch *w = watch_of(o, kind, NULL);

	return w && kind_table[kind].apis[1] ? (int)w->watch.path : 0;
}

uint32_t operator_round(const struct operator_ *o, enum kind kind, const char *namespace)
{
	const struct operator_watch *w = watch_of(o, kind, namespace);

	return w ? w->round : 0;
}

void operator_heard(struct operator_ *o, enum kind kind, const json_t *object)
{
	const char *namespace = object_namespace(object);

	if (namespace)
		cache_object((struct cache *)&o->cache, kind, object,
			     operator_round(o, kind, namespace), false);
}

/* --- work --- */

void operator_work(void *arg)
{
	struct operator_ *o = arg;
	struct queue_item *i;

	if (!o->leading || !operator_synced(o) || !operator_may_write(o))
		return;
	while (o->queue.active < (unsigned)o->config->workers && (i = queue_take(&o->queue)))
		reconcile(o, (struct record *)((char *)i - offsetof(struct record, item)));
}

static void wake(void *arg)
{
	struct operator_ *o = arg;

	if (!loop_timer_is_set(&o->work))
		loop_timer_set(&o->loop, &o->work, 0);
}

static void changed(void *arg, struct record *r, int priority)
{
	struct operator_ *o = arg;

	if (!r->item.queue)
		queue_item_init(&o->queue, &r->item);
	queue_add(&r->item, (enum queue_priority)priority);
}

/* Trees come and go by the thousand: what they left empty goes back to the kernel. */
static void tidy(void *arg)
{
	struct operator_ *o = arg;

	malloc_trim(0);
	loop_timer_set(&o->loop, &o->tidy, TIDY_MS);
}

/* --- watches --- */

static void on_begin(void *arg)
{
	struct operator_watch *w = arg;

	w->round++;
	/* The CRD may be another one now. */
	if (w->kind == KIND_DATABASE)
		w->o->no_status = w->o->asked_status = false;
}

static void on_object(void *arg, json_t *object, bool initial)
{
	struct operator_watch *w = arg;

	cache_object(&w->o->cache, w->kind, object, w->round, initial);
}

static void on_gone(void *arg, json_t *object)
{
	struct operator_watch *w = arg;

	cache_gone(&w->o->cache, w->kind, object);
}

static void now_synced(struct operator_watch *w)
{
	struct operator_ *o = w->o;

	if (!w->synced) {
		w->synced = true;
		o->n_synced++;
	}
	if (operator_synced(o) && !o->told_ready) {
		o->told_ready = true;
		log_info("%zu Databases known after %llu ms", o->cache.records,
			 (unsigned long long)(proc_now_ms() - o->started_ms));
		wake(o);
	}
}

static void on_synced(void *arg)
{
	struct operator_watch *w = arg;

	if (w->kind == KIND_SECRET)
		w->o->blind = false;
	cache_sweep(&w->o->cache, w->kind, w->namespace, w->round);
	now_synced(w);
}

static void on_watch_failed(void *arg, enum refusal why, const struct error *e,
			    uint64_t wait_ms)
{
	struct operator_watch *w = arg;
	const char *plural = kind_table[w->kind].plural;

	w->o->metrics.watch_failures++;
	if (why == REFUSAL_FORBIDDEN && w->kind == KIND_SECRET) {
		/* The cluster-wide installation has no right to read Secrets, and asks for none. */
		if (!w->o->blind)
			log_info(
				"Secrets cannot be watched: they are created and not repaired");
		w->o->blind = true;
		w->watch.backoff.first_ms = w->watch.backoff.most_ms = BLIND_MS;
		w->watch.backoff.next_ms = BLIND_MS;
		now_synced(w);
		return;
	}
	if (why == REFUSAL_EXPIRED)
		log_debug("watch of %s: %s", plural, e->text);
	else
		log_warning("watch of %s: %s; again in %llu ms", plural, e->text,
			    (unsigned long long)wait_ms);
	if (why == REFUSAL_NOT_FOUND && w->kind == KIND_DATABASE)
		log_warning("is the CustomResourceDefinition of manifests/ installed?");
}

static int watch_add(struct operator_ *o, enum kind kind, const char *namespace)
{
	struct operator_watch *w = &o->watches[o->n_watches];
	struct watch_target target = {
		.selector = kind == KIND_DATABASE ? NULL : CHILDREN,
		.metadata_only = kind == KIND_SECRET,
		.idle_ms = (unsigned)o->config->watch_idle_s * 1000,
	};

	*w = (struct operator_watch){ .o = o, .kind = kind, .namespace = namespace };
	for (int i = 0; i < KIND_APIS && kind_table[kind].apis[i]; i++) {
		w->paths[i] = kind_path(kind, i, namespace, NULL);
		if (!w->paths[i])
			return -ENOMEM;
	}
	o->n_watches++;
	target.paths = (const char *const *)w->paths;
	watch_init(&w->watch, o->connection, &target,
		   &(struct watch_sink){ on_begin, on_object, on_gone, on_synced,
					 on_watch_failed, w });
	return 0;
}

static int watches_start(struct operator_ *o, struct error *e)
{
	static char *const all[] = { NULL, NULL };
	char *const *namespaces = o->config->namespaces;
	size_t n = 0;

	while (namespaces && namespaces[n])
		n++;
	o->watches = calloc((n ? n : 1) * KIND_MAX, sizeof(*o->watches));
	if (!o->watches)
		return error_set(e, ENOMEM, "watches");
	for (size_t i = 0; i < (n ? n : 1); i++)
		for (int k = 0; k < KIND_MAX; k++)
			if (watch_add(o, (enum kind)k, n ? namespaces[i] : all[0]) < 0)
				return error_set(e, ENOMEM, "watches");
	for (unsigned i = 0; i < o->n_watches; i++)
		watch_start(&o->watches[i].watch);
	return 0;
}

/* --- leadership --- */

static void on_acquired(void *arg)
{
	struct operator_ *o = arg;

	log_info("leading as %s", o->config->identity);
	o->leading = true;
	wake(o);
}

static void on_lost(void *arg)
{
	struct operator_ *o = arg;

	log_warning("the lease is lost: no more writes");
	o->leading = false;
	connection_fence(o->connection);
}

static void on_released(void *arg)
{
	struct operator_ *o = arg;

	log_info(*o->lease.holder ? "ended without the lease" : "the lease is released");
	loop_stop(&o->loop);
}

static void on_lease_failed(void *arg, const struct error *e)
{
	(void)arg;
	log_warning("lease: %s", e->text);
}

static void on_request(void *arg, const struct call_record *r)
{
	struct operator_ *o = arg;

	metrics_request(&o->metrics, r);
}

/* --- the end --- */

static void on_deadline(void *arg)
{
	struct operator_ *o = arg;

	log_warning("the lease could not be released in time");
	loop_stop(&o->loop);
}

/* First nothing new is written, then the lease goes to whoever waits for it. */
static void on_signal(void *arg, short revents)
{
	struct operator_ *o = arg;
	struct signalfd_siginfo info;

	(void)revents;
	if (read(o->signals.fd, &info, sizeof(info)) != sizeof(info) || o->stopping)
		return;
	log_info("signal %u: ending", info.ssi_signo);
	o->stopping = true;
	o->leading = false;
	connection_fence(o->connection);
	if (!o->config->leader_elect) {
		loop_stop(&o->loop);
		return;
	}
	loop_timer_set(&o->loop, &o->deadline, END_MS);
	lease_release(&o->lease);
}

static int signals_start(struct operator_ *o, struct error *e)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return error_set(e, errno, "signalfd");
	o->signals =
		(struct loop_fd){ .fd = fd, .events = POLLIN, .ready = on_signal, .arg = o };
	loop_fd_add(&o->loop, &o->signals);
	return 0;
}

/* --- life --- */

int operator_init(struct operator_ *o, const struct config *config, struct error *e)
{
	int r;

	*o = (struct operator_){
		.config = config,
		.signals = { .fd = -1 },
		.health = { .listener = { .fd = -1 } },
		.started_ms = proc_now_ms(),
	};
	/* Small pieces come and go by the thousand: what is free at the top goes back early. */
	mallopt(M_TRIM_THRESHOLD, 256 << 10);
	mallopt(M_MMAP_THRESHOLD, 256 << 10);
	loop_init(&o->loop);
	o->work = (struct loop_timer){ .fire = operator_work, .arg = o };
	o->deadline = (struct loop_timer){ .fire = on_deadline, .arg = o };
	o->tidy = (struct loop_timer){ .fire = tidy, .arg = o };
	loop_timer_set(&o->loop, &o->tidy, TIDY_MS);
	queue_init(&o->queue, &o->loop, wake, o);
	cache_init(&o->cache, changed, o);
	r = config_access(config, &o->access, e);
	if (r < 0)
		return r;
	r = connection_new(&o->loop, &o->access, (unsigned)config->requests, &o->connection, e);
	if (r < 0)
		return r;
	connection_guard(o->connection, operator_may_write, o);
	connection_observe(o->connection, on_request, o);
	events_init(&o->events, o->connection, OBJECT_MANAGER, config->identity);
	return signals_start(o, e);
}

int operator_run(struct operator_ *o, struct error *e)
{
	const struct config *c = o->config;
	int r = health_start(&o->health, o, c->listen, e);

	if (!r)
		r = watches_start(o, e);
	if (r < 0)
		return r;
	log_info("strake-operator " STRAKE_VERSION " serves %s at %s",
		 c->namespaces ? "some namespaces" : "all namespaces", o->access.server);
	if (c->leader_elect) {
		lease_init(&o->lease, o->connection,
			   &(struct lease_config){
				   .namespace = c->lease_namespace ? c->lease_namespace
								   : o->access.namespace,
				   .name = c->lease_name,
				   .identity = c->identity,
				   .duration_ms = (unsigned)c->lease_duration_s * 1000,
				   .renew_ms = (unsigned)c->lease_renew_s * 1000,
				   .retry_ms = (unsigned)c->lease_retry_s * 1000,
			   });
		o->lease.acquired = on_acquired;
		o->lease.lost = on_lost;
		o->lease.released = on_released;
		o->lease.failed = on_lease_failed;
		o->lease.arg = o;
		lease_start(&o->lease);
	} else {
		o->leading = true;
	}
	r = loop_run(&o->loop);
	return r < 0 ? error_set(e, -r, "event loop") : 0;
}

void operator_done(struct operator_ *o)
{
	health_done(&o->health);
	lease_done(&o->lease);
	for (unsigned i = 0; i < o->n_watches; i++) {
		watch_done(&o->watches[i].watch);
		for (int k = 0; k < KIND_APIS; k++)
			free(o->watches[i].paths[k]);
	}
	free(o->watches);
	/* Whoever waits for an answer gets it, so that nothing is left over. */
	if (o->connection) {
		o->stopping = true;
		connection_abandon(o->connection);
		connection_free(o->connection);
	}
	cache_done(&o->cache);
	if (o->signals.fd >= 0)
		close(o->signals.fd);
	access_done(&o->access);
	loop_done(&o->loop);
}
