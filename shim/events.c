/* SPDX-License-Identifier: Apache-2.0 */
#include "events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "ttrpc.pb-c.h"

#define EVENTS_SERVICE "containerd.services.events.ttrpc.v1.Events"
#define EVENTS_MESSAGE 65536

struct event {
	TAILQ_ENTRY(event) link;
	bool is_exit;
	size_t len;
	uint8_t request[]; /* a packed ttrpc request */
};

static void events_advance(struct events *ev);

int events_init(struct events *ev, struct loop *l, const char *address, const char *ns)
{
	*ev = (struct events){
		.loop = l, .source = SOURCE_NONE, .retry = TIMER_NONE, .stream = 1
	};
	TAILQ_INIT(&ev->queue);
	frame_reader_init(&ev->reader);
	buf_init(&ev->out, EVENTS_MESSAGE);
	if (str_empty(address))
		return 0;
	if (str_starts(address, "unix://"))
		address += strlen("unix://");
	ev->address = strdup(address);
	ev->namespace = strdup(ns);
	return ev->address && ev->namespace ? 0 : -ENOMEM;
}

static void events_disconnect(struct events *ev)
{
	loop_close(ev->loop, &ev->source);
	frame_reader_done(&ev->reader);
	buf_done(&ev->out);
	buf_init(&ev->out, EVENTS_MESSAGE);
	ev->in_flight = false;
	ev->stream = 1;
}

static void events_drop(struct events *ev, struct event *x)
{
	TAILQ_REMOVE(&ev->queue, x, link);
	ev->n--;
	free(x);
}

void events_done(struct events *ev)
{
	struct event *x, *next;

	events_disconnect(ev);
	timer_done(ev->loop, &ev->retry);
	for (x = TAILQ_FIRST(&ev->queue); x; x = next) {
		next = TAILQ_NEXT(x, link);
		free(x);
	}
	TAILQ_INIT(&ev->queue);
	ev->n = 0;
	free(take_ptr(&ev->address));
	free(take_ptr(&ev->namespace));
}

bool events_acknowledged(const struct events *ev)
{
	return TAILQ_EMPTY(&ev->queue);
}

size_t events_waiting(const struct events *ev)
{
	return ev->n;
}

/* --- the connection ---------------------------------------------------------------------------- */

static void events_retry(struct timer *t)
{
	events_advance(loop_owner(t, struct events, retry));
}

static void events_fail(struct events *ev)
{
	unsigned int ms = ev->failures < 4 ? 250u << ev->failures : 5000;

	events_disconnect(ev);
	ev->failures++;
	if (!TAILQ_EMPTY(&ev->queue))
		timer_set(ev->loop, &ev->retry, ms, events_retry);
}

static void events_answered(struct events *ev, const struct frame *f)
{
	automessage Pb__Response *response = NULL;

	if (!ev->in_flight || f->type != FRAME_RESPONSE || f->stream != ev->stream)
		return;
	response =
		(Pb__Response *)message_unpack(&pb__response__descriptor, f->payload, f->len);
	/* An event that containerd refuses would be refused again. */
	if (response && response->status && response->status->code)
		log_warning("containerd refuses an event: %s", response->status->message);
	ev->in_flight = false;
	ev->failures = 0;
	ev->stream += 2;
	events_drop(ev, TAILQ_FIRST(&ev->queue));
}

static int events_read(struct events *ev)
{
	uint8_t data[1024];
	const uint8_t *at = data;
	struct frame f;
	size_t left;
	ssize_t n;
	int r;

	n = recv(ev->source.fd, data, sizeof(data), MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -ECONNRESET;
	left = (size_t)n;
	while ((r = frame_feed(&ev->reader, &at, &left, &f)) > 0)
		if (r == FRAME_WHOLE)
			events_answered(ev, &f);
	return r;
}

static int events_send(struct events *ev)
{
	ssize_t n;

	while (ev->sent < ev->out.len) {
		n = send(ev->source.fd, ev->out.data + ev->sent, ev->out.len - ev->sent,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			return loop_set(ev->loop, &ev->source, EPOLLIN | EPOLLOUT);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			ev->sent += (size_t)n;
	}
	return loop_set(ev->loop, &ev->source, EPOLLIN);
}

static void events_ready(struct source *s, uint32_t events)
{
	struct events *ev = loop_owner(s, struct events, source);
	int r = 0;

	if (events & EPOLLOUT)
		r = events_send(ev);
	if (r == 0 && (events & ~(uint32_t)EPOLLOUT))
		r = events_read(ev);
	if (r < 0)
		events_fail(ev);
	else
		events_advance(ev);
}

static int events_connect(struct events *ev)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int r;

	r = str_copy(to.sun_path, sizeof(to.sun_path), ev->address);
	if (r < 0)
		return r;
	ev->source.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (ev->source.fd < 0 ||
	    connect(ev->source.fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	ev->source.ready = events_ready;
	return loop_set(ev->loop, &ev->source, EPOLLIN);
}

/* Sends the first event, if it is not on its way. */
static void events_advance(struct events *ev)
{
	const struct event *first = TAILQ_FIRST(&ev->queue);
	int r = 0;

	if (!first || ev->in_flight)
		return;
	if (ev->source.fd < 0)
		r = events_connect(ev);
	if (r == 0) {
		buf_reset(&ev->out);
		ev->sent = 0;
		/* analyser: one that was freed has left the queue */
		r = frame_put(&ev->out, ev->stream, FRAME_REQUEST, first->request, first->len);
	}
	if (r == 0) {
		ev->in_flight = true;
		r = events_send(ev);
	}
	if (r < 0)
		events_fail(ev);
}

/* --- the queue --------------------------------------------------------------------------------- */

static void events_make_room(struct events *ev)
{
	struct event *x, *victim = NULL;

	TAILQ_FOREACH (x, &ev->queue, link) {
		if (ev->in_flight && x == TAILQ_FIRST(&ev->queue))
			continue;
		if (!victim || !x->is_exit)
			victim = x;
		if (!x->is_exit)
			break;
	}
	if (victim)
		events_drop(ev, victim);
}

static int events_describe(const struct events *ev, const char *topic, char *type,
			   const ProtobufCMessage *m, struct buf *out)
{
	Pb__KeyValue key = PB__KEY_VALUE__INIT, *keys[] = { &key };
	Pb__ForwardRequest forward = PB__FORWARD_REQUEST__INIT;
	Pb__Envelope envelope = PB__ENVELOPE__INIT;
	Pb__Request request = PB__REQUEST__INIT;
	Pb__Any any = PB__ANY__INIT;
	Pb__Timestamp at;
	autobuf event = { .max = EVENTS_MESSAGE }, payload = { .max = EVENTS_MESSAGE };
	char method[] = "Forward", service[] = EVENTS_SERVICE,
	     name[] = "containerd-namespace-ttrpc";
	struct timespec now;
	int r;

	clock_gettime(CLOCK_REALTIME, &now);
	at = message_time(&now);
	r = message_pack(m, &event);
	any.type_url = type;
	any.value.data = (uint8_t *)event.data;
	any.value.len = event.len;
	envelope.timestamp = &at;
	envelope.namespace_ = ev->namespace;
	envelope.topic = (char *)(uintptr_t)topic;
	envelope.event = &any;
	forward.envelope = &envelope;
	if (r == 0)
		r = message_pack(&forward.base, &payload);
	key.key = name;
	key.value = ev->namespace;
	request.service = service;
	request.method = method;
	request.payload.data = (uint8_t *)payload.data;
	request.payload.len = payload.len;
	request.n_metadata = 1;
	request.metadata = keys;
	return r < 0 ? r : message_pack(&request.base, out);
}

void events_publish(struct events *ev, const char *topic, const char *type,
		    const ProtobufCMessage *m)
{
	autobuf request = { .max = EVENTS_MESSAGE };
	struct event *x = NULL;
	char url[64];

	if (!ev->address)
		return;
	if (str_format(url, sizeof(url), "containerd.events.%s", type) == 0 &&
	    events_describe(ev, topic, url, m, &request) == 0)
		x = malloc(sizeof(*x) + request.len);
	if (!x) {
		log_warning("an event is lost for want of memory: %s", topic);
		return;
	}
	x->is_exit = str_eq(type, "TaskExit");
	x->len = request.len;
	memcpy(x->request, request.data, request.len);
	if (ev->n >= EVENTS_MAX)
		events_make_room(ev);
	TAILQ_INSERT_TAIL(&ev->queue, x, link);
	ev->n++;
	/* While containerd is away, the timer decides when to try again. */
	if (ev->source.fd >= 0 || !ev->failures)
		events_advance(ev);
}
