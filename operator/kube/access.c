// SPDX-License-Identifier: Apache-2.0
#include "kube/access.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "kube/base64.h"
#include "kube/exec.h"
#include "kube/tree.h"

#define ACCOUNT_DIR  "/var/run/secrets/kubernetes.io/serviceaccount"
#define TOKEN_MAX    (64u << 10)
#define TOKEN_AGE_MS 50000
#define EXPIRY_EARLY 30000

static void wipe(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

void access_exec_free(struct access_exec *x)
{
	if (!x)
		return;
	for (char **s = x->argv; s && *s; s++)
		free(*s);
	for (char **s = x->envp; s && *s; s++)
		wipe(*s);
	free(x->argv);
	free(x->envp);
	free(x->api_version);
	free(x->hint);
	free(x);
}

void access_done(struct access *a)
{
	free(a->server);
	free(a->server_name);
	free(a->ca_file);
	free(a->ca_data);
	free(a->proxy);
	free(a->namespace);
	free(a->cert_file);
	free(a->key_file);
	free(a->cert_data);
	wipe(a->key_data);
	wipe(a->token);
	free(a->token_file);
	free(a->username);
	wipe(a->password);
	free(a->impersonate);
	access_exec_free(a->exec);
	*a = (struct access){ 0 };
}

static int read_trimmed(const char *path, char **ret, struct error *e)
{
	autobuf text;
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int r;

	buf_init(&text, TOKEN_MAX);
	r = fd < 0 ? -errno : buf_read_fd(&text, fd);
	if (r < 0)
		return error_set(e, -r, "cannot read %s", path);
	while (text.len && strchr(" \t\r\n", text.data[text.len - 1]))
		text.data[--text.len] = 0;
	if (!text.len)
		return error_say(e, EINVAL, "%s is empty", path);
	*ret = take_ptr(&text.data);
	return 0;
}

int access_in_cluster(struct access *a, const char *dir, struct error *e)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");
	autoaccess found = { 0 };
	autofree char *namespace = NULL;
	bool six;
	int r;

	if (str_empty(host) || str_empty(port))
		return 0;
	if (!dir)
		dir = ACCOUNT_DIR;
	six = strchr(host, ':');
	if (asprintf(&found.server, "https://%s%s%s:%s", six ? "[" : "", host, six ? "]" : "",
		     port) < 0 ||
	    asprintf(&found.token_file, "%s/token", dir) < 0 ||
	    asprintf(&found.ca_file, "%s/ca.crt", dir) < 0 ||
	    asprintf(&namespace, "%s/namespace", dir) < 0)
		return error_set(e, ENOMEM, "service account");
	r = read_trimmed(found.token_file, &found.token, e);
	if (r < 0) {
		error_hint(e, "the pod needs automountServiceAccountToken: true");
		return r;
	}
	if (read_trimmed(namespace, &found.namespace, NULL) < 0)
		found.namespace = strdup("default");
	if (!found.namespace)
		return error_set(e, ENOMEM, "service account");
	found.token_read_ms = proc_now_ms();
	*a = found;
	found = (struct access){ 0 };
	return 1;
}

static int reread_token(struct access *a, bool again, struct error *e)
{
	uint64_t now = proc_now_ms();
	char *token;
	int r;

	if (a->token && !again && a->token_read_ms && now - a->token_read_ms < TOKEN_AGE_MS)
		return 0;
	r = read_trimmed(a->token_file, &token, e);
	/* A token that is being replaced is worth less than the one we still have. */
	if (r < 0)
		return a->token ? 0 : r;
	wipe(a->token);
	a->token = token;
	a->token_read_ms = now;
	return 0;
}

/* An RFC 3339 time as a distance from now, so that the rest runs on the steady clock. */
static uint64_t expiry(const char *text)
{
	struct tm tm = { 0 };
	time_t at, now = time(NULL);

	if (!text || !strptime(text, "%Y-%m-%dT%H:%M:%S", &tm))
		return 0;
	at = timegm(&tm);
	return proc_now_ms() + (at > now ? (uint64_t)(at - now) * 1000 : 0);
}

static int replace(char **at, const char *value)
{
	char *copy = value ? strdup(value) : NULL;

	if (value && !copy)
		return -ENOMEM;
	wipe(*at);
	*at = copy;
	return 0;
}

static int run_plugin(struct access *a, bool again, struct error *e)
{
	uint64_t now = proc_now_ms();
	json_auto_t *credential = NULL;
	const json_t *status;
	int r;

	if (a->token_read_ms && !again &&
	    (!a->expires_ms || now + EXPIRY_EARLY < a->expires_ms))
		return 0;
	r = exec_credential(a->exec, a->server, &credential, e);
	if (r < 0)
		return r;
	status = tree_get(credential, "status");
	if (replace(&a->token, tree_string(status, "token")) < 0 ||
	    (tree_string(status, "clientCertificateData") &&
	     (replace(&a->cert_data, tree_string(status, "clientCertificateData")) < 0 ||
	      replace(&a->key_data, tree_string(status, "clientKeyData")) < 0)))
		return error_set(e, ENOMEM, "credential plugin");
	a->token_read_ms = now ? now : 1;
	a->expires_ms = expiry(tree_string(status, "expirationTimestamp"));
	return 0;
}

static int basic(const struct access *a, struct buf *ret)
{
	autofree char *pair = NULL, *text = NULL;
	int len = asprintf(&pair, "%s:%s", a->username, a->password ? a->password : "");

	if (len < 0 || !(text = base64_encode(pair, (size_t)len)))
		return -ENOMEM;
	return buf_addf(ret, "Basic %s", text);
}

int access_authorization(struct access *a, bool again, struct buf *ret, struct error *e)
{
	int r = 0;

	if (a->exec)
		r = run_plugin(a, again, e);
	else if (a->token_file)
		r = reread_token(a, again, e);
	if (r < 0)
		return r;
	if (a->token)
		r = buf_addf(ret, "Bearer %s", a->token);
	else if (a->username)
		r = basic(a, ret);
	return r < 0 ? error_set(e, -r, "credentials") : 0;
}
