// SPDX-License-Identifier: Apache-2.0
#include "health.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "metrics.h"
#include "operator.h"

#define GUEST_MS   5000
#define ANSWER_MAX (1u << 20)

static void guest_free(struct health_guest *g)
{
	struct health *h = g->health;

	loop_timer_stop(&h->o->loop, &g->deadline);
	loop_fd_remove(&h->o->loop, &g->fd);
	close(g->fd.fd);
	free(g->out);
	for (int i = 0; i < HEALTH_GUESTS; i++)
		if (h->guests[i] == g)
			h->guests[i] = NULL;
	free(g);
}

static void too_late(void *arg)
{
	guest_free(arg);
}

/* --- answers --- */

static int answer_for(const struct operator_ *o, const char *path, const char **type,
		      struct buf *body)
{
	*type = "text/plain; charset=utf-8";
	if (str_eq(path, "/healthz")) {
		buf_adds(body, "ok\n");
		return 200;
	}
	if (str_eq(path, "/readyz")) {
		if (operator_synced(o)) {
			buf_adds(body, "ok\n");
			return 200;
		}
		buf_addf(body, "%u of %u watches have their first list\n", o->n_synced,
			 o->n_watches);
		return 503;
	}
	if (str_eq(path, "/metrics")) {
		*type = "text/plain; version=0.0.4; charset=utf-8";
		return metrics_write(o, body) < 0 ? 500 : 200;
	}
	buf_adds(body, "there are /metrics, /healthz and /readyz\n");
	return 404;
}

static int make_answer(struct health_guest *g)
{
	char method[8] = "", path[256] = "";
	const char *type;
	autobuf body, all;
	int status = 405;

	buf_init(&body, ANSWER_MAX);
	buf_init(&all, ANSWER_MAX);
	if (sscanf(g->question, "%7s %255s", method, path) != 2)
		return -EINVAL;
	path[strcspn(path, "?")] = 0;
	type = "text/plain";
	if (str_eq(method, "GET") || str_eq(method, "HEAD"))
		status = answer_for(g->health->o, path, &type, &body);
	buf_addf(&all,
		 "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
		 "Connection: close\r\n\r\n",
		 status, status == 200 ? "OK" : "No", type, body.len);
	if (!str_eq(method, "HEAD") && body.len)
		buf_add(&all, body.data, body.len);
	g->out_len = all.len;
	g->out = take_ptr(&all.data);
	return g->out ? 0 : -ENOMEM;
}

static void on_guest(void *arg, short revents)
{
	struct health_guest *g = arg;
	ssize_t n;

	(void)revents;
	if (!g->out) {
		n = recv(g->fd.fd, g->question + g->len, sizeof(g->question) - 1 - g->len, 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			guest_free(g);
			return;
		}
		g->len += (size_t)n;
		g->question[g->len] = 0;
		if (!strstr(g->question, "\r\n\r\n") && g->len < sizeof(g->question) - 1)
			return;
		if (make_answer(g) < 0) {
			guest_free(g);
			return;
		}
		g->fd.events = POLLOUT;
	}
	n = send(g->fd.fd, g->out + g->out_done, g->out_len - g->out_done, MSG_NOSIGNAL);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0)
		g->out_done += (size_t)n;
	if (n <= 0 || g->out_done == g->out_len)
		guest_free(g);
}

static void on_listener(void *arg, short revents)
{
	struct health *h = arg;
	int place = 0, fd = accept4(h->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct health_guest *g;

	(void)revents;
	if (fd < 0)
		return;
	while (place < HEALTH_GUESTS && h->guests[place])
		place++;
	g = place < HEALTH_GUESTS ? calloc(1, sizeof(*g)) : NULL;
	if (!g) {
		close(fd);
		return;
	}
	*g = (struct health_guest){
		.health = h,
		.fd = { .fd = fd, .events = POLLIN, .ready = on_guest, .arg = g },
		.deadline = { .fire = too_late, .arg = g },
	};
	h->guests[place] = g;
	loop_fd_add(&h->o->loop, &g->fd);
	loop_timer_set(&h->o->loop, &g->deadline, GUEST_MS);
}

/* --- listening --- */

static int split(const char *address, char *host, size_t size, const char **port)
{
	const char *colon = strrchr(address, ':');
	size_t len;

	if (!colon)
		return -EINVAL;
	len = (size_t)(colon - address);
	if (len && *address == '[' && address[len - 1] == ']') {
		address++;
		len -= 2;
	}
	if (len >= size)
		return -EINVAL;
	memcpy(host, address, len);
	host[len] = 0;
	*port = colon + 1;
	return 0;
}

static int listen_at(const struct addrinfo *a)
{
	int on = 1, off = 0;
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* ":8080" means both families. */
	if (a->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, a->ai_addr, a->ai_addrlen) < 0 || listen(fd, HEALTH_GUESTS) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

int health_start(struct health *h, struct operator_ *o, const char *address, struct error *e)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_PASSIVE | AI_NUMERICSERV },
			*found;
	const char *port;
	char host[64];
	int fd = -EADDRNOTAVAIL;

	*h = (struct health){ .o = o, .listener = { .fd = -1 } };
	if (str_empty(address))
		return 0;
	if (split(address, host, sizeof(host), &port) < 0 ||
	    getaddrinfo(*host ? host : NULL, port, &hints, &found) != 0)
		return error_say(e, EINVAL, "--listen must be HOST:PORT, and is \"%s\"",
				 address);
	for (int six = 1; six >= 0 && fd < 0; six--)
		for (struct addrinfo *a = found; a && fd < 0; a = a->ai_next)
			if ((a->ai_family == AF_INET6) == six)
				fd = listen_at(a);
	freeaddrinfo(found);
	if (fd < 0)
		return error_set(e, -fd, "cannot listen at %s", address);
	h->listener =
		(struct loop_fd){ .fd = fd, .events = POLLIN, .ready = on_listener, .arg = h };
	loop_fd_add(&o->loop, &h->listener);
	return 0;
}

void health_done(struct health *h)
{
	if (!h->o || h->listener.fd < 0)
		return;
	for (int i = 0; i < HEALTH_GUESTS; i++)
		if (h->guests[i])
			guest_free(h->guests[i]);
	loop_fd_remove(&h->o->loop, &h->listener);
	close(h->listener.fd);
	h->listener.fd = -1;
}
