/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/proc.h"

struct conn {
	LIST_ENTRY(conn) link;
	struct server *server;
	struct source source;
	struct frame_reader reader;
	struct buf out;
	size_t sent; /* of out */
	struct call_list calls;
	size_t n_calls;
	uint32_t last_stream;
	bool broken; /* to be closed by whoever is at the top of the stack */
};

static void server_save_fd(struct server *s)
{
	if (s->spare_fd < 0)
		s->spare_fd = fcntl(s->listener.fd, F_DUPFD_CLOEXEC, 3);
}

static void conn_free(struct conn *c)
{
	struct server *s = c->server;
	struct call *call;

	while ((call = LIST_FIRST(&c->calls))) {
		LIST_REMOVE(call, of_conn);
		call->conn = NULL;
		if (call->waiting) {
			LIST_REMOVE(call, of_waiters);
			free(call);
		}
	}
	loop_close(s->loop, &c->source);
	frame_reader_done(&c->reader);
	buf_done(&c->out);
	LIST_REMOVE(c, link);
	s->n_conns--;
	free(c);
	/* It may have been out of descriptors. */
	if (!server_is_closed(s)) {
		server_save_fd(s);
		loop_set(s->loop, &s->listener, EPOLLIN);
	}
	if (!s->n_conns && s->alone)
		s->alone(s);
}

/* --- writing ----------------------------------------------------------------------------------- */

static void conn_flush(struct conn *c)
{
	uint32_t events = EPOLLIN;
	ssize_t n;

	while (c->sent < c->out.len) {
		n = send(c->source.fd, c->out.data + c->sent, c->out.len - c->sent,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			events |= EPOLLOUT;
			break;
		}
		if (n < 0) {
			c->broken = true;
			break;
		}
		c->sent += (size_t)n;
	}
	if (c->sent == c->out.len) {
		buf_done(&c->out);
		buf_init(&c->out, SERVER_MAX_UNREAD);
		c->sent = 0;
	}
	/* Hang-up is reported in any case, and ends it in conn_ready(). */
	if (loop_set(c->server->loop, &c->source, c->broken ? EPOLLIN | EPOLLOUT : events) < 0)
		c->broken = true;
}

static void call_end(struct call *call, const Pb__Response *response)
{
	struct conn *c = call->conn;
	autobuf payload = { .max = FRAME_MAX };

	if (c) {
		LIST_REMOVE(call, of_conn);
		c->n_calls--;
		if (message_pack(&response->base, &payload) < 0 ||
		    frame_put(&c->out, call->stream, FRAME_RESPONSE, payload.data,
			      payload.len) < 0)
			c->broken = true;
		conn_flush(c);
	}
	free(call);
}

void call_reply(struct call *call, const ProtobufCMessage *m)
{
	Pb__Response response = PB__RESPONSE__INIT;
	autobuf payload = { .max = FRAME_MAX };
	void (*translate)(struct call *, const ProtobufCMessage *) = call->translate;

	if (translate) {
		call->translate = NULL;
		translate(call, m);
		return;
	}
	if (m && message_pack(m, &payload) < 0) {
		call_fail(call, CODE_RESOURCE_EXHAUSTED, "the answer is too long");
		return;
	}
	response.payload.data = (uint8_t *)payload.data;
	response.payload.len = payload.len;
	call_end(call, &response);
}

void call_fail(struct call *call, enum code code, const char *fmt, ...)
{
	Pb__Response response = PB__RESPONSE__INIT;
	Pb__RpcStatus status = PB__RPC_STATUS__INIT;
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	status.code = (int32_t)code;
	status.message = text;
	response.status = &status;
	call_end(call, &response);
}

/* --- reading ----------------------------------------------------------------------------------- */

static struct call *call_new(struct conn *c, uint32_t stream)
{
	struct call *call = calloc(1, sizeof(*call));

	if (!call) {
		c->broken = true;
		return NULL;
	}
	call->conn = c;
	call->stream = stream;
	LIST_INSERT_HEAD(&c->calls, call, of_conn);
	c->n_calls++;
	return call;
}

static void conn_request(struct conn *c, const struct frame *f)
{
	automessage Pb__Request *rq = NULL;
	struct call *call = call_new(c, f->stream);

	if (!call)
		return;
	if (f->stream % 2 == 0 || f->stream <= c->last_stream) {
		call_fail(call, CODE_INVALID_ARGUMENT,
			  "stream %u: the client's streams are odd and rise (the last was %u)",
			  f->stream, c->last_stream);
		return;
	}
	c->last_stream = f->stream;
	rq = (Pb__Request *)message_unpack(&pb__request__descriptor, f->payload, f->len);
	if (!rq)
		call_fail(call, CODE_INVALID_ARGUMENT, "this is no ttrpc request");
	else if (c->n_calls > SERVER_MAX_CALLS)
		call_fail(call, CODE_RESOURCE_EXHAUSTED,
			  "%d requests of this connection are unanswered", SERVER_MAX_CALLS);
	else {
		if (rq->timeout_nano > 0)
			call->until = proc_now_ms() + (uint64_t)rq->timeout_nano / 1000000;
		c->server->handle(c->server, call, rq);
	}
}

static void conn_too_long(struct conn *c, const struct frame *f)
{
	struct call *call;

	if (f->type != FRAME_REQUEST)
		return;
	call = call_new(c, f->stream);
	if (call)
		call_fail(call, CODE_RESOURCE_EXHAUSTED, "a message has more than %u bytes",
			  FRAME_MAX);
	if (f->stream > c->last_stream)
		c->last_stream = f->stream;
}

static void conn_feed(struct conn *c, const uint8_t *data, size_t len)
{
	struct frame f;
	int r;

	while (!c->broken) {
		r = frame_feed(&c->reader, &data, &len, &f);
		if (r == FRAME_MORE)
			return;
		if (r < 0)
			c->broken = true;
		else if (r == FRAME_TOO_LONG)
			conn_too_long(c, &f);
		else if (f.type == FRAME_REQUEST)
			conn_request(c, &f);
		/* Other types, also those to come, are none of ours. */
	}
}

static void conn_ready(struct source *source, uint32_t events)
{
	struct conn *c = loop_owner(source, struct conn, source);
	uint8_t data[4096];
	ssize_t n = 1;

	if (events & EPOLLOUT)
		conn_flush(c);
	if (!c->broken && (events & ~(uint32_t)EPOLLOUT)) {
		n = recv(source->fd, data, sizeof(data), MSG_DONTWAIT);
		if (n > 0)
			conn_feed(c, data, (size_t)n);
	}
	if (c->broken || n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		conn_free(c);
}

/* --- the listener ------------------------------------------------------------------------------ */

static bool server_is_ours(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       peer.uid == geteuid() && peer.gid == getegid();
}

/*
 * Without a free number nobody is heard until a connection has ended: else the loop would spin. Where there
 * is none that could end, the client is let in by the spare one: it may be containerd that is back.
 */
static int server_accept_one(struct server *s)
{
	int flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
	int fd = accept4(s->listener.fd, NULL, NULL, flags);

	if (fd >= 0 || (errno != EMFILE && errno != ENFILE))
		return fd;
	if (!s->n_conns && s->spare_fd >= 0) {
		mem_closep(&s->spare_fd);
		s->spare_fd = -1;
		fd = accept4(s->listener.fd, NULL, NULL, flags);
	}
	if (fd < 0)
		loop_set(s->loop, &s->listener, 0);
	return fd;
}

static void conn_new(struct server *s, int fd)
{
	struct conn *c = server_is_ours(fd) ? calloc(1, sizeof(*c)) : NULL;

	if (!c) {
		close(fd);
		return;
	}
	c->server = s;
	c->source = (struct source){ .fd = fd, .ready = conn_ready };
	frame_reader_init(&c->reader);
	buf_init(&c->out, SERVER_MAX_UNREAD);
	LIST_INSERT_HEAD(&s->conns, c, link);
	s->n_conns++;
	if (loop_set(s->loop, &c->source, EPOLLIN) < 0)
		conn_free(c);
}

static void server_accept(struct source *source, uint32_t events)
{
	struct server *s = loop_owner(source, struct server, listener);
	int fd = server_accept_one(s);

	(void)events;
	if (fd >= 0)
		conn_new(s, fd);
}

bool server_has_others(struct server *s)
{
	int fd;

	while (!server_is_closed(s) && (fd = server_accept_one(s)) >= 0)
		conn_new(s, fd);
	return s->n_conns > 1;
}

void server_close_door(struct server *s)
{
	loop_close(s->loop, &s->listener);
	mem_closep(&s->spare_fd);
	s->spare_fd = -1;
}

bool server_is_closed(const struct server *s)
{
	return s->listener.fd < 0;
}

int server_init(struct server *s, struct loop *l, int fd, struct error *e)
{
	int r;

	s->loop = l;
	s->listener = (struct source){ .fd = fd, .ready = server_accept };
	LIST_INIT(&s->conns);
	s->spare_fd = -1;
	server_save_fd(s);
	r = loop_set(l, &s->listener, EPOLLIN);
	return r < 0 ? error_set(e, -r, "watch the socket") : 0;
}

void server_done(struct server *s)
{
	while (!LIST_EMPTY(&s->conns))
		/* analyser: one that was freed has left the list */
		conn_free(LIST_FIRST(&s->conns));
	server_close_door(s);
}
