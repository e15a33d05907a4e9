// SPDX-License-Identifier: Apache-2.0
#include "kube/connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <poll.h>
#include <sys/select.h>
#include <sys/socket.h>

#include <curl/curl.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "kube/access.h"
#include "kube/loop.h"

#define ANSWER_MAX        (64u << 20)
#define CONNECT_MS        10000
#define UNACKED_MS        30000
#define KEEPALIVE_S       30
#define KEEPALIVE_PROBE_S 15
#define LOOP_FDS_MAX      56
#define FDS_MAX           64

struct request {
	struct request *prev, *next;
	struct connection *c;
	CURL *easy;
	struct curl_slist *headers;
	char *url;
	struct call call; /* its strings but `body` are gone once sent */
	char *method;
	char *type;
	char *accept;
	struct buf sent;
	size_t sent_off; /* so much of it is out */
	struct buf got;
	uint64_t started_ms;
	unsigned retry_after_ms;
	bool waiting; /* in the queue of LANE_API */
	bool again;   /* was sent a second time, with fresh credentials */
	int refused;  /* why data() ended the stream */
	char words[CURL_ERROR_SIZE];
};

struct list {
	struct request *first, *last;
};

struct connection {
	struct loop *loop;
	struct access *access;
	CURLM *multi;
	/* The lease's. One for both would do, but libcurl forgets that a server multiplexes as soon
	 * as a connection to it speaks HTTP/1.1. */
	CURLM *lease;
	struct list active;
	struct list waiting; /* of LANE_API */
	struct list urgent;  /* of the other lanes: sent in the next turn */
	struct curl_slist *connect_to;
	unsigned most, in_flight, queued;
	unsigned long kill_at, moments;
	bool (*may_write)(void *arg);
	void *may_write_arg;
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

/* --- requests --- */

static void request_free(struct request *r)
{
	if (r->easy)
		curl_easy_cleanup(r->easy);
	curl_slist_free_all(r->headers);
	free(r->url);
	free(r->method);
	free(r->type);
	free(r->accept);
	buf_done(&r->sent);
	buf_done(&r->got);
	free(r);
}

static void moment(struct connection *c)
{
	if (c->kill_at && ++c->moments == c->kill_at)
		raise(SIGKILL);
}

static size_t on_data(char *data, size_t size, size_t n, void *arg)
{
	struct request *r = arg;
	long status = 0;

	size *= n;
	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	if (r->call.data && status == 200)
		r->refused = r->call.data(r->call.arg, data, size);
	else
		r->refused = buf_add(&r->got, data, size);
	return r->refused < 0 ? 0 : size;
}

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
	static const char name[] = "retry-after:";
	struct request *r = arg;
	char value[16] = "";
	uint64_t seconds;

	size *= n;
	if (size > strlen(name) && !strncasecmp(data, name, strlen(name))) {
		size_t from = strlen(name), len = 0;

		while (from < size && data[from] == ' ')
			from++;
		while (from + len < size && len < sizeof(value) - 1 &&
		       data[from + len] >= '0' && data[from + len] <= '9') {
			value[len] = data[from + len];
			len++;
		}
		/* The form with a date is not in use; a day is as good as for ever. */
		if (str_to_u64(value, &seconds) == 0 && seconds <= 86400)
			r->retry_after_ms = (unsigned)seconds * 1000;
	}
	return size;
}

/* Bytes that the peer does not acknowledge end the connection, also when nothing is to be read. */
static int on_socket(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	unsigned most = UNACKED_MS;

	(void)arg;
	(void)purpose;
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &most, sizeof(most));
	return CURL_SOCKOPT_OK;
}

static struct curl_blob blob(const char *text)
{
	return (struct curl_blob){ (void *)text, strlen(text), CURL_BLOB_COPY };
}

static void set_tls(CURL *easy, const struct access *a)
{
	struct curl_blob b;

	/* The authority is the cluster's, never one of the machine's. */
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	if (a->insecure) {
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	} else if (a->ca_data) {
		b = blob(a->ca_data);
		curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &b);
	} else if (a->ca_file) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, a->ca_file);
	}
	/* Authorities are replaced while we run: every new connection reads the file. */
	curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
	if (a->cert_data && a->key_data) {
		b = blob(a->cert_data);
		curl_easy_setopt(easy, CURLOPT_SSLCERT_BLOB, &b);
		b = blob(a->key_data);
		curl_easy_setopt(easy, CURLOPT_SSLKEY_BLOB, &b);
	} else if (a->cert_file) {
		curl_easy_setopt(easy, CURLOPT_SSLCERT, a->cert_file);
		curl_easy_setopt(easy, CURLOPT_SSLKEY, a->key_file);
	}
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
}

static void set_transport(struct request *r)
{
	struct connection *c = r->c;
	bool lease = r->call.lane == LANE_LEASE;

	curl_easy_setopt(r->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(r->easy, CURLOPT_HTTP_VERSION,
			 lease ? (long)CURL_HTTP_VERSION_1_1 : (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(r->easy, CURLOPT_PIPEWAIT, lease ? 0L : 1L);
	curl_easy_setopt(r->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(r->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(r->easy, CURLOPT_TIMEOUT_MS, (long)r->call.timeout_ms);
	if (r->call.idle_ms) {
		curl_easy_setopt(r->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
		curl_easy_setopt(r->easy, CURLOPT_LOW_SPEED_TIME,
				 (long)(r->call.idle_ms + 999) / 1000);
	}
	curl_easy_setopt(r->easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(r->easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_S);
	curl_easy_setopt(r->easy, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_PROBE_S);
	curl_easy_setopt(r->easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
	curl_easy_setopt(r->easy, CURLOPT_BUFFERSIZE, 16384L);
	if (c->connect_to)
		curl_easy_setopt(r->easy, CURLOPT_CONNECT_TO, c->connect_to);
	if (c->access->proxy)
		curl_easy_setopt(r->easy, CURLOPT_PROXY, c->access->proxy);
	set_tls(r->easy, c->access);
}

static int add_header(struct request *r, const char *name, const char *value)
{
	autofree char *line = NULL;
	struct curl_slist *more;

	if (asprintf(&line, "%s: %s", name, value) < 0)
		return -ENOMEM;
	more = curl_slist_append(r->headers, line);
	if (!more)
		return -ENOMEM;
	r->headers = more;
	return 0;
}

static int set_headers(struct request *r, struct error *e)
{
	autobuf authorization;
	int n;

	buf_init(&authorization, 1 << 20);
	curl_slist_free_all(r->headers);
	r->headers = NULL;
	n = access_authorization(r->c->access, r->again, &authorization, e);
	if (n < 0)
		return n;
	n = add_header(r, "Accept", r->accept ? r->accept : "application/json");
	if (!n && r->type)
		n = add_header(r, "Content-Type", r->type);
	if (!n && authorization.len)
		n = add_header(r, "Authorization", authorization.data);
	if (!n && r->c->access->impersonate)
		n = add_header(r, "Impersonate-User", r->c->access->impersonate);
	/* libcurl would wait for a 100 before larger bodies. */
	if (!n)
		n = add_header(r, "Expect", "");
	if (authorization.len)
		explicit_bzero(authorization.data, authorization.len);
	if (n < 0)
		return error_set(e, -n, "request");
	curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, r->headers);
	return 0;
}

/*
 * A body goes out as it is asked for: between the launch of a request and this, the whole process may have
 * been stopped for longer than the lease, with other requests in libcurl's hands than this one.
 */
static size_t on_body(char *to, size_t size, size_t n, void *arg)
{
	struct request *r = arg;
	struct connection *c = r->c;
	size_t len = r->sent.len - r->sent_off;

	if (r->call.write && c->may_write && !c->may_write(c->may_write_arg))
		return CURL_READFUNC_ABORT;
	if (len > size * n)
		len = size * n;
	memcpy(to, r->sent.data + r->sent_off, len);
	r->sent_off += len;
	return len;
}

/* A connection that was closed while it waited: the same once more on another one. */
static int on_rewind(void *arg, curl_off_t offset, int origin)
{
	struct request *r = arg;

	if (origin != SEEK_SET || offset < 0 || (size_t)offset > r->sent.len)
		return CURL_SEEKFUNC_FAIL;
	r->sent_off = (size_t)offset;
	return CURL_SEEKFUNC_OK;
}

static void set_body(struct request *r)
{
	r->sent_off = 0;
	curl_easy_setopt(r->easy, CURLOPT_POST, 1L);
	curl_easy_setopt(r->easy, CURLOPT_POSTFIELDSIZE, (long)r->sent.len);
	curl_easy_setopt(r->easy, CURLOPT_READFUNCTION, on_body);
	curl_easy_setopt(r->easy, CURLOPT_READDATA, r);
	curl_easy_setopt(r->easy, CURLOPT_SEEKFUNCTION, on_rewind);
	curl_easy_setopt(r->easy, CURLOPT_SEEKDATA, r);
}

static int set_up(struct request *r, struct error *e)
{
	int n;

	r->easy = curl_easy_init();
	if (!r->easy)
		return error_set(e, ENOMEM, "request");
	n = set_headers(r, e);
	if (n < 0)
		return n;
	set_transport(r);
	curl_easy_setopt(r->easy, CURLOPT_URL, r->url);
	curl_easy_setopt(r->easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(r->easy, CURLOPT_USERAGENT, "strake-operator/" STRAKE_VERSION);
	if (!r->call.data)
		curl_easy_setopt(r->easy, CURLOPT_ACCEPT_ENCODING, "gzip");
	if (r->sent.len)
		set_body(r);
	curl_easy_setopt(r->easy, CURLOPT_CUSTOMREQUEST, r->method);
	curl_easy_setopt(r->easy, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(r->easy, CURLOPT_WRITEDATA, r);
	curl_easy_setopt(r->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(r->easy, CURLOPT_HEADERDATA, r);
	curl_easy_setopt(r->easy, CURLOPT_ERRORBUFFER, r->words);
	curl_easy_setopt(r->easy, CURLOPT_PRIVATE, r);
	return 0;
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
	if (r->call.write && c->may_write && !c->may_write(c->may_write_arg)) {
		error_say(&e, ECANCELED, "not the leader any more");
		answer_error(r, &e);
		return;
	}
	if (r->call.write)
		moment(c);
	if (set_up(r, &e) < 0) {
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
	r->again = true;
	buf_reset(&r->got);
	r->sent_off = 0;
	curl_multi_remove_handle(multi_of(r), r->easy);
	if (set_headers(r, &e) < 0 || curl_multi_add_handle(multi_of(r), r->easy) != CURLM_OK)
		return false;
	return true;
}

static int errno_of(CURLcode code)
{
	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		return ETIMEDOUT;
	case CURLE_COULDNT_CONNECT:
		return ECONNREFUSED;
	case CURLE_OUT_OF_MEMORY:
		return ENOMEM;
	case CURLE_ABORTED_BY_CALLBACK:
		return ECANCELED;
	case CURLE_PEER_FAILED_VERIFICATION:
		return EACCES;
	default:
		return ECONNRESET;
	}
}

static void finished(struct request *r, CURLcode code)
{
	struct answer a = { .body = r->got.data ? r->got.data : "", .len = r->got.len };
	int len = (int)strcspn(r->call.path, "?");
	long status = 0;

	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	if (code == CURLE_OK && try_again(r, status))
		return;
	if (r->call.write)
		moment(r->c);
	a.retry_after_ms = r->retry_after_ms;
	if (r->refused < 0)
		error_set(&a.error, -r->refused, "%s %.*s", r->method, len, r->call.path);
	else if (code != CURLE_OK)
		error_say(&a.error, errno_of(code), "%s %.*s: %s", r->method, len, r->call.path,
			  *r->words ? r->words : curl_easy_strerror(code));
	else
		a.status = (int)status;
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
	if (c->may_write && !c->may_write(c->may_write_arg))
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

static int name_server(struct connection *c, struct error *e)
{
	const char *host = strstr(c->access->server, "://");
	autofree char *line = NULL;

	if (!c->access->server_name)
		return 0;
	/* The URL holds the certificate's name; where it leads is said apart. */
	host += 3;
	if (asprintf(&line, "::%.*s%s", (int)strcspn(host, "/"), host,
		     strchr(host, ':') ? "" : ":443") < 0)
		return error_set(e, ENOMEM, "connection");
	c->connect_to = curl_slist_append(NULL, line);
	return c->connect_to ? 0 : error_set(e, ENOMEM, "connection");
}

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
	c->access = a;
	c->most = most ? most : 1;
	c->multi = curl_multi_init();
	c->lease = curl_multi_init();
	if (!c->multi || !c->lease || name_server(c, e) < 0) {
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
	curl_slist_free_all(c->connect_to);
	free(c);
	curl_global_cleanup();
}

static char *make_url(const struct connection *c, const char *path)
{
	const char *server = c->access->server, *port;
	char *url = NULL;

	if (!c->access->server_name) {
		if (asprintf(&url, "%s%s", server, path) < 0)
			return NULL;
		return url;
	}
	port = strrchr(server, ':');
	if (asprintf(&url, "https://%s%s%s", c->access->server_name,
		     port && port[1] != '/' ? port : "", path) < 0)
		return NULL;
	return url;
}

int connection_send(struct connection *c, const struct call *call, struct request **ret)
{
	struct request *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->c = c;
	r->call = *call;
	buf_init(&r->got, ANSWER_MAX);
	buf_init(&r->sent, ANSWER_MAX);
	r->url = make_url(c, call->path);
	r->method = strdup(call->method);
	r->type = call->type ? strdup(call->type) : NULL;
	r->accept = call->accept ? strdup(call->accept) : NULL;
	if (!r->url || !r->method || (call->type && !r->type) || (call->accept && !r->accept) ||
	    (call->len && buf_add(&r->sent, call->body, call->len) < 0)) {
		request_free(r);
		return -ENOMEM;
	}
	r->call.path = strstr(r->url, call->path);
	r->call.body = NULL;
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

	error_say(&e, ECANCELED, "not the leader any more");
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
	c->may_write = may_write;
	c->may_write_arg = arg;
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
