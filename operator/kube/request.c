// SPDX-License-Identifier: Apache-2.0
#include "kube/request.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "kube/access.h"

#define ANSWER_MAX        (64u << 20)
#define CONNECT_MS        10000
#define UNACKED_MS        30000
#define KEEPALIVE_S       30
#define KEEPALIVE_PROBE_S 15

/* --- the server --- */

static int name_server(struct server *s, struct error *e)
{
	const char *host = strstr(s->access->server, "://");
	autofree char *line = NULL;

	if (!s->access->server_name)
		return 0;
	/* The URL holds the certificate's name; where it leads is said apart. */
	host += 3;
	if (asprintf(&line, "::%.*s%s", (int)strcspn(host, "/"), host,
		     strchr(host, ':') ? "" : ":443") < 0)
		return error_set(e, ENOMEM, "server");
	s->connect_to = curl_slist_append(NULL, line);
	return s->connect_to ? 0 : error_set(e, ENOMEM, "server");
}

int server_init(struct server *s, struct access *a, struct error *e)
{
	*s = (struct server){ .access = a };
	return name_server(s, e);
}

void server_done(struct server *s)
{
	curl_slist_free_all(s->connect_to);
	*s = (struct server){ 0 };
}

bool server_may_write(const struct server *s)
{
	return !s->may_write || s->may_write(s->may_write_arg);
}

static char *make_url(const struct server *s, const char *path)
{
	const char *address = s->access->server, *port;
	char *url = NULL;

	if (!s->access->server_name) {
		if (asprintf(&url, "%s%s", address, path) < 0)
			return NULL;
		return url;
	}
	port = strrchr(address, ':');
	if (asprintf(&url, "https://%s%s%s", s->access->server_name,
		     port && port[1] != '/' ? port : "", path) < 0)
		return NULL;
	return url;
}

/* --- what was asked --- */

struct request *request_new(const struct server *s, const struct call *call)
{
	struct request *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->server = s;
	r->call = *call;
	buf_init(&r->got, ANSWER_MAX);
	buf_init(&r->sent, ANSWER_MAX);
	r->url = make_url(s, call->path);
	r->method = strdup(call->method);
	r->type = call->type ? strdup(call->type) : NULL;
	r->accept = call->accept ? strdup(call->accept) : NULL;
	if (!r->url || !r->method || (call->type && !r->type) || (call->accept && !r->accept) ||
	    (call->len && buf_add(&r->sent, call->body, call->len) < 0)) {
		request_free(r);
		return NULL;
	}
	r->call.path = strstr(r->url, call->path);
	r->call.body = NULL;
	return r;
}

void request_free(struct request *r)
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

/* --- what libcurl asks and tells --- */

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

/* --- the handle --- */

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
	const struct server *s = r->server;
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
	if (s->connect_to)
		curl_easy_setopt(r->easy, CURLOPT_CONNECT_TO, s->connect_to);
	if (s->access->proxy)
		curl_easy_setopt(r->easy, CURLOPT_PROXY, s->access->proxy);
	set_tls(r->easy, s->access);
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
	n = access_authorization(r->server->access, r->again, &authorization, e);
	if (n < 0)
		return n;
	n = add_header(r, "Accept", r->accept ? r->accept : "application/json");
	if (!n && r->type)
		n = add_header(r, "Content-Type", r->type);
	if (!n && authorization.len)
		n = add_header(r, "Authorization", authorization.data);
	if (!n && r->server->access->impersonate)
		n = add_header(r, "Impersonate-User", r->server->access->impersonate);
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
 * A body is handed out when it is asked for: since the launch of the request the whole process may
 * have been stopped for longer than the lease, with this one and others in libcurl's hands already.
 * A write without its body is none to the server.
 */
static size_t on_body(char *to, size_t size, size_t n, void *arg)
{
	struct request *r = arg;
	size_t len = r->sent.len - r->sent_off;

	if (r->call.write && !server_may_write(r->server))
		return CURL_READFUNC_ABORT;
	if (len > size * n)
		len = size * n;
	memcpy(to, r->sent.data + r->sent_off, len);
	r->sent_off += len;
	return len;
}

/* The server had closed the connection before the body was out: once more on another one. */
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

int request_set_up(struct request *r, struct error *e)
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

int request_renew(struct request *r, struct error *e)
{
	r->again = true;
	buf_reset(&r->got);
	r->sent_off = 0;
	return set_headers(r, e);
}

/* --- what became of it --- */

int request_no_leader(struct error *e)
{
	return error_say(e, ECANCELED, "not the leader any more");
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
	case CURLE_PEER_FAILED_VERIFICATION:
		return EACCES;
	default:
		return ECONNRESET;
	}
}

void request_result(const struct request *r, CURLcode code, struct answer *a)
{
	int len = (int)strcspn(r->call.path, "?");
	long status = 0;

	*a = (struct answer){
		.body = r->got.data ? r->got.data : "",
		.len = r->got.len,
		.retry_after_ms = r->retry_after_ms,
	};
	if (r->refused < 0) {
		error_set(&a->error, -r->refused, "%s %.*s", r->method, len, r->call.path);
	} else if (code == CURLE_ABORTED_BY_CALLBACK) {
		request_no_leader(&a->error);
	} else if (code != CURLE_OK) {
		error_say(&a->error, errno_of(code), "%s %.*s: %s", r->method, len,
			  r->call.path, *r->words ? r->words : curl_easy_strerror(code));
	} else {
		curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
		a->status = (int)status;
	}
}
