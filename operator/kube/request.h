/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <curl/curl.h>

#include "base/buf.h"
#include "kube/connection.h"

/*
 * One call as libcurl has it: its handle, what goes out and what came back. Which request is sent
 * when, and who hears of its answer, is the connection's business.
 */
struct server {
	struct access *access;
	struct curl_slist *connect_to; /* where its name leads to, if that is not its address */
	bool (*may_write)(void *arg);
	void *may_write_arg;
};

struct request {
	struct request *prev, *next; /* the connection's */
	struct connection *c;
	const struct server *server;
	CURL *easy;
	struct curl_slist *headers;
	char *url;
	struct call call; /* its strings are gone once sent, but `path` */
	char *method;
	char *type;
	char *accept;
	struct buf sent;
	size_t sent_off; /* so much of it is out */
	struct buf got;
	uint64_t started_ms;
	unsigned retry_after_ms;
	bool waiting; /* in a queue of the connection */
	bool again;   /* was sent a second time, with fresh credentials */
	int refused;  /* why data() ended the stream */
	char words[CURL_ERROR_SIZE];
};

int server_init(struct server *s, struct access *a, struct error *e);
void server_done(struct server *s);
bool server_may_write(const struct server *s);

/* Copies the call. NULL without memory. */
struct request *request_new(const struct server *s, const struct call *call);
void request_free(struct request *r);

/* Makes the handle, ready for a multi. */
int request_set_up(struct request *r, struct error *e);

/* Makes ready to be sent once more, with fresh credentials. */
int request_renew(struct request *r, struct error *e);

/* Not sent, or not to its end: the lease is not ours any more. */
int request_no_leader(struct error *e);

/* What became of it. `a` borrows from the request. */
void request_result(const struct request *r, CURLcode code, struct answer *a);
