// SPDX-License-Identifier: Apache-2.0
#include "kube/connection.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>

#include "base/proc.h"
#include "base/str.h"
#include "kube/loop.h"
#include "kube/request.h"

#define LOOP_FDS_MAX 56
#define FDS_MAX      64

struct list {
	struct request *first, *last;
};

struct connection {
	struct loop *loop;
	struct server server;
	CURLM *multi;
	/* The lease's. One for both would do, but libcurl forgets that a server multiplexes as soon
	 * as a connection to it speaks HTTP/1.1. */
	CURLM *lease;
	struct list active;
	struct list waiting; /* of LANE_API */
	struct list urgent;  /* of the other lanes: sent in the next turn */
	unsigned most, in_flight, queued;
	unsigned long kill_at, moments;
	void (*told)(void *arg, const struct call_record *r);
	void *told_arg;
};

/* --- lists --- */

static void list_add(struct list *l, struct request *r)
{
	r->prev = l->last;
	r->next = NULL;
	*(l->last ? &l->last->next : &l->first) = r;
	l->last = r;
}

static void list_remove(struct list *l, struct request *r)
{
	*(r->prev ? &r->prev->next : &l->first) = r->next;
	*(r->next ? &r->next->prev : &l->last) = r->prev;
	r->prev = r->next = NULL;
}

static CURLM *multi_of(const struct request *r)
{
	return r->call.lane == LANE_LEASE ? r->c->lease : r->c->multi;
}

static void moment(struct connection *c)
{
	if (c->kill_at && ++c->moments == c->kill_at)
		raise(SIGKILL);
}

/* --- the story of one request --- */

static struct list *waiting_list(struct request *r)
{
	return r->call.lane == LANE_API ? &r->c->waiting : &r->c->urgent;
}

static void leave(struct request *r)
{
	struct connection *c = r->c;

	if (r->waiting) {
		list_remove(waiting_list(r), r);
		c->queued--;
		return;
	}
	list_remove(&c->active, r);
	if (r->easy)
		curl_multi_remove_handle(multi_of(r), r->easy);
	if (r->call.lane == LANE_API)
		c->in_flight--;
}

static void answer(struct request *r, const struct answer *a)
{
	struct connection *c = r->c;
	struct call_record record = { r->method, a->status, proc_now_ms() - r->started_ms };

	leave(r);
	if (c->told)
		c->told(c->told_arg, &record);
	r->call.done(r->call.arg, a);
	request_free(r);
}

static void answer_error(struct request *r, const struct error *e)
{
	struct answer a = { .error = *e };

	answer(r, &a);
}

static void launch(struct request *r)
{
	struct connection *c = r->c;
	struct error e = ERROR_INIT;
	CURLMcode code;

	list_add(&c->active, r);
	if (r->call.lane == LANE_API)
		c->in_flight++;
	r->started_ms = proc_now_ms();
	if (r->call.write && !server_may_write(&c->server)) {
		request_no_leader(&e);
		answer_error(r, &e);
		return;
	}
	if (r->call.write)
		moment(c);
	if (request_set_up(r, &e) < 0) {
		answer_error(r, &e);
		return;
	}
	code = curl_multi_add_handle(multi_of(r), r->easy);
	if (code != CURLM_OK) {
		error_say(&e, ENOMEM, "%s", curl_multi_strerror(code));
		answer_error(r, &e);
	}
}

static void launch_waiting(struct connection *c)
{
	while (c->urgent.first || (c->waiting.first && c->in_flight < c->most)) {
		struct request *r = c->urgent.first ? c->urgent.first : c->waiting.first;

		/* analyser: one that was freed has left its list */
		list_remove(waiting_list(r), r);
		c->queued--;
		r->waiting = false;
		launch(r);
	}
}

/* Credentials run out while we hold them. One more try; a second 401 is the answer. */
static bool try_again(struct request *r, long status)
{
	struct error e = ERROR_INIT;

	if (status != 401 || r->again)
		return false;
	curl_multi_remove_handle(multi_of(r), r->easy);
	if (request_renew(r, &e) < 0 || curl_multi_add_handle(multi_of(r), r->easy) != CURLM_OK)
		return false;
	return true;
}

static void finished(struct request *r, CURLcode code)
{
	struct answer a;
	long status = 0;

	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	if (code == CURLE_OK && try_again(r, status))
		return;
	if (r->call.write)
		moment(r->c);
	request_result(r, code, &a);
	answer(r, &a);
}

static bool finish(CURLM *multi)
{
	bool any = false;
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(multi, &left))) {
		struct request *r = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&r);
		finished(r, m->data.result);
		any = true;
	}
	return any;
}

static bool perform_all(struct connection *c)
{
	int running;
	bool any;

	launch_waiting(c);
	curl_multi_perform(c->lease, &running);
	curl_multi_perform(c->multi, &running);
	any = finish(c->lease);
	any |= finish(c->multi);
	launch_waiting(c);
	return any;
}

/* The lease's one or two sockets are waited for among the strangers of the other. */
static unsigned add_lease_fds(struct connection *c, struct curl_waitfd *fds, unsigned n,
			      int *timeout_ms)
{
	fd_set in, out, odd;
	long most = -1;
	int last = -1;

	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_ZERO(&odd);
	curl_multi_fdset(c->lease, &in, &out, &odd, &last);
	for (int fd = 0; fd <= last && n < FDS_MAX; fd++) {
		short events = (short)((FD_ISSET(fd, &in) ? CURL_WAIT_POLLIN : 0) |
				       (FD_ISSET(fd, &out) ? CURL_WAIT_POLLOUT : 0));

		if (events)
			fds[n++] = (struct curl_waitfd){ .fd = fd, .events = events };
	}
	curl_multi_timeout(c->lease, &most);
	if (most >= 0 && most < *timeout_ms)
		*timeout_ms = (int)most;
	return n;
}

static unsigned add_loop_fds(struct loop *l, struct curl_waitfd *fds, struct loop_fd **order)
{
	unsigned n = 0;

	for (struct loop_fd *f = l->fds; f && n < LOOP_FDS_MAX; f = f->next) {
		fds[n] = (struct curl_waitfd){ .fd = f->fd };
		if (f->events & POLLIN)
			fds[n].events |= CURL_WAIT_POLLIN;
		if (f->events & POLLOUT)
			fds[n].events |= CURL_WAIT_POLLOUT;
		order[n++] = f;
	}
	return n;
}

static int connection_wait(void *arg, struct loop *l, int timeout_ms)
{
	struct connection *c = arg;
	struct curl_waitfd fds[FDS_MAX];
	struct loop_fd *order[LOOP_FDS_MAX];
	unsigned n, all;

	/* After a stop of the whole process the lease may be another's: nothing goes out then. */
	if (!server_may_write(&c->server))
		connection_fence(c);
	/* Whoever turns the loop for one answer wants to know. */
	if (perform_all(c))
		timeout_ms = 0;
	/* What finished may have set timers that are due, or stopped the loop. */
	if (l->stop)
		return 0;
	if (l->timers && l->heap[0]->due_ms <= proc_now_ms())
		timeout_ms = 0;
	if (timeout_ms < 0)
		timeout_ms = 60000;
	n = add_loop_fds(l, fds, order);
	all = add_lease_fds(c, fds, n, &timeout_ms);
	if (curl_multi_poll(c->multi, fds, all, timeout_ms, NULL) != CURLM_OK)
		return -EIO;
	for (unsigned i = 0; i < n; i++)
		if (fds[i].revents)
			order[i]->ready(order[i]->arg, fds[i].revents);
	return 0;
}

/* --- the connection --- */

int connection_new(struct loop *l, struct access *a, unsigned most, struct connection **ret,
		   struct error *e)
{
	struct connection *c = calloc(1, sizeof(*c));
	const char *kill_at = getenv(CONNECTION_KILL_VARIABLE);
	uint64_t n;

	if (!c || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(c);
		return error_set(e, ENOMEM, "connection");
	}
	c->loop = l;
	c->most = most ? most : 1;
	c->multi = curl_multi_init();
	c->lease = curl_multi_init();
	if (!c->multi || !c->lease || server_init(&c->server, a, e) < 0) {
		connection_free(c);
		return error_set(e, ENOMEM, "connection");
	}
	if (kill_at && str_to_u64(kill_at, &n) == 0)
		c->kill_at = n;
	curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	curl_multi_setopt(c->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, 200L);
	l->wait = connection_wait;
	l->wait_arg = c;
	*ret = c;
	return 0;
}

void connection_free(struct connection *c)
{
	if (!c)
		return;
	while (c->active.first)
		request_cancel(c->active.first);
	while (c->waiting.first)
		request_cancel(c->waiting.first);
	while (c->urgent.first)
		request_cancel(c->urgent.first);
	if (c->multi)
		curl_multi_cleanup(c->multi);
	if (c->lease)
		curl_multi_cleanup(c->lease);
	server_done(&c->server);
	free(c);
	curl_global_cleanup();
}

int connection_send(struct connection *c, const struct call *call, struct request **ret)
{
	struct request *r = request_new(&c->server, call);

	if (!r)
		return -ENOMEM;
	r->c = c;
	/* Launched by the next turn of the loop, so that done() never runs under our caller. */
	r->waiting = true;
	c->queued++;
	list_add(call->lane == LANE_API ? &c->waiting : &c->urgent, r);
	if (ret)
		*ret = r;
	return 0;
}

void request_cancel(struct request *r)
{
	if (!r)
		return;
	leave(r);
	request_free(r);
}

static void fence_list(struct list *l, bool all)
{
	struct error e = ERROR_INIT;
	struct request *r = l->first;

	request_no_leader(&e);
	while (r) {
		struct request *next = r->next; /* analyser: no list goes round in circles */

		if (r->call.write || all) {
			answer_error(r, &e);
			/* Its answer may have changed the list. */
			next = l->first;
		}
		r = next;
	}
}

void connection_fence(struct connection *c)
{
	fence_list(&c->waiting, false);
	fence_list(&c->urgent, false);
	fence_list(&c->active, false);
}

void connection_abandon(struct connection *c)
{
	while (c->waiting.first || c->urgent.first || c->active.first) {
		fence_list(&c->waiting, true);
		fence_list(&c->urgent, true);
		fence_list(&c->active, true);
	}
}

void connection_guard(struct connection *c, bool (*may_write)(void *arg), void *arg)
{
	c->server.may_write = may_write;
	c->server.may_write_arg = arg;
}

void connection_observe(struct connection *c,
			void (*told)(void *arg, const struct call_record *r), void *arg)
{
	c->told = told;
	c->told_arg = arg;
}

unsigned connection_busy(const struct connection *c)
{
	return c->in_flight + c->queued;
}

struct loop *connection_loop(struct connection *c)
{
	return c->loop;
}
