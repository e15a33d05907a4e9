// SPDX-License-Identifier: Apache-2.0
#include "kube/kubeconfig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "kube/access.h"
#include "kube/base64.h"
#include "kube/yaml.h"

/* --- merging --- */

static const char *const path_members[] = { "certificate-authority", "client-certificate",
					    "client-key", "tokenFile" };

static json_t *absolute(const char *dir, const char *path)
{
	return *path == '/' || !*dir ? json_string(path) : json_sprintf("%s/%s", dir, path);
}

/* Makes the paths of one entry absolute. A command counts as a path only where it has a slash. */
static void resolve(json_t *body, const char *dir)
{
	const char *command = tree_string(body, "exec.command");

	for (size_t i = 0; i < ARRAY_SIZE(path_members); i++) {
		const char *path = tree_string(body, path_members[i]);

		if (!str_empty(path))
			json_object_set_new(body, path_members[i], absolute(dir, path));
	}
	if (command && strchr(command, '/'))
		json_object_set_new(tree_get(body, "exec"), "command", absolute(dir, command));
}

static json_t *find(const json_t *list, const char *name)
{
	json_t *entry;
	size_t i;

	json_array_foreach(list, i,
			   entry) if (str_eq(tree_string(entry, "name"), name)) return entry;
	return NULL;
}

static int merge_list(json_t *into, const json_t *file, const char *path, const char *dir,
		      const char *list, const char *body, struct error *e)
{
	json_t *from = tree_get(file, list), *all = tree_get(into, list), *entry;
	size_t i;

	if (from && !json_is_array(from) && !json_is_null(from))
		return error_say(e, EINVAL, "%s: %s must be a list", path, list);
	json_array_foreach(from, i, entry)
	{
		const char *name = tree_string(entry, "name");

		if (!name || !json_is_object(tree_get(entry, body)))
			return error_say(e, EINVAL, "%s: %s[%zu] must have a name and a %s",
					 path, list, i, body);
		if (find(all, name))
			continue;
		resolve(tree_get(entry, body), dir);
		json_array_append(all, entry);
	}
	return 0;
}

static int merge_file(json_t *into, const char *path, struct error *e)
{
	static const char *const lists[][2] = { { "clusters", "cluster" },
						{ "users", "user" },
						{ "contexts", "context" } };
	autofree char *dir = strdup(path);
	json_auto_t *documents = NULL;
	json_t *file;
	int r;

	if (!dir)
		return error_set(e, ENOMEM, "%s", path);
	*(strrchr(dir, '/') ? strrchr(dir, '/') : dir) = 0;
	r = yaml_read(path, &documents, e);
	if (r < 0)
		return r;
	file = json_array_get(documents, 0);
	if (file && !json_is_object(file))
		return error_say(e, EINVAL, "%s: not a kubeconfig: it must be a mapping", path);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		r = merge_list(into, file, path, dir, lists[i][0], lists[i][1], e);
		if (r < 0)
			return r;
	}
	if (!str_empty(tree_string(file, "current-context")) &&
	    !tree_string(into, "current-context"))
		tree_set_string(into, "current-context", tree_string(file, "current-context"));
	return 0;
}

/* --- reading --- */

static int copy(char **at, const json_t *body, const char *member)
{
	const char *value = tree_string(body, member);

	if (str_empty(value))
		return 0;
	*at = strdup(value);
	return *at ? 0 : -ENOMEM;
}

static int decode(char **at, const json_t *body, const char *member, const char *name,
		  struct error *e)
{
	const char *value = tree_string(body, member);
	int r;

	if (str_empty(value))
		return 0;
	r = base64_decode(value, at);
	return r < 0 ? error_set(e, -r, "kubeconfig: %s of \"%s\"", member, name) : 0;
}

static char **strings(const json_t *list, size_t extra)
{
	char **array = calloc(json_array_size(list) + extra + 1, sizeof(*array));
	json_t *item;
	size_t i;

	if (!array)
		return NULL;
	json_array_foreach(list, i, item)
	{
		array[i + extra] = strdup(json_is_string(item) ? json_string_value(item) : "");
		if (!array[i + extra])
			break;
	}
	return array;
}

static int read_exec(const json_t *body, const char *user, struct access_exec **ret,
		     struct error *e)
{
	const json_t *env = tree_get(body, "env");
	struct access_exec *x;
	json_t *pair;
	size_t i;

	if (str_empty(tree_string(body, "command")))
		return error_say(e, EINVAL, "kubeconfig: user \"%s\": exec.command is missing",
				 user);
	*ret = x = calloc(1, sizeof(*x));
	if (!x)
		return error_set(e, ENOMEM, "kubeconfig");
	x->argv = strings(tree_get(body, "args"), 1);
	x->envp = calloc(json_array_size(env) + 1, sizeof(*x->envp));
	if (!x->argv || !x->envp || copy(&x->argv[0], body, "command") < 0 ||
	    copy(&x->api_version, body, "apiVersion") < 0 ||
	    copy(&x->hint, body, "installHint") < 0)
		return error_set(e, ENOMEM, "kubeconfig");
	json_array_foreach(env, i, pair)
	{
		const char *name = tree_string(pair, "name"),
			   *value = tree_string(pair, "value");

		if (asprintf(&x->envp[i], "%s=%s", name ? name : "", value ? value : "") < 0) {
			x->envp[i] = NULL;
			return error_set(e, ENOMEM, "kubeconfig");
		}
	}
	if (!x->api_version)
		x->api_version = strdup("client.authentication.k8s.io/v1");
	return x->api_version ? 0 : error_set(e, ENOMEM, "kubeconfig");
}

static int read_cluster(const json_t *body, const char *name, struct access *a, struct error *e)
{
	size_t len;

	if (copy(&a->server, body, "server") < 0 ||
	    copy(&a->server_name, body, "tls-server-name") < 0 ||
	    copy(&a->ca_file, body, "certificate-authority") < 0 ||
	    copy(&a->proxy, body, "proxy-url") < 0)
		return error_set(e, ENOMEM, "kubeconfig");
	if (!a->server ||
	    (!str_starts(a->server, "https://") && !str_starts(a->server, "http://")))
		return error_say(e, EINVAL,
				 "kubeconfig: cluster \"%s\": server must be an https:// URL",
				 name);
	for (len = strlen(a->server); len && a->server[len - 1] == '/';)
		a->server[--len] = 0;
	a->insecure = tree_true(body, "insecure-skip-tls-verify");
	return decode(&a->ca_data, body, "certificate-authority-data", name, e);
}

static int read_user(const json_t *body, const char *name, struct access *a, struct error *e)
{
	const json_t *exec = tree_get(body, "exec");
	int r;

	if (copy(&a->cert_file, body, "client-certificate") < 0 ||
	    copy(&a->key_file, body, "client-key") < 0 || copy(&a->token, body, "token") < 0 ||
	    copy(&a->token_file, body, "tokenFile") < 0 ||
	    copy(&a->username, body, "username") < 0 ||
	    copy(&a->password, body, "password") < 0 ||
	    copy(&a->impersonate, body, "act-as") < 0)
		return error_set(e, ENOMEM, "kubeconfig");
	if (tree_get(body, "auth-provider"))
		return error_say(e, ENOTSUP,
				 "kubeconfig: user \"%s\": auth-provider was removed from "
				 "Kubernetes: use exec",
				 name);
	r = decode(&a->cert_data, body, "client-certificate-data", name, e);
	if (!r)
		r = decode(&a->key_data, body, "client-key-data", name, e);
	if (!r && json_is_object(exec))
		r = read_exec(exec, name, &a->exec, e);
	return r;
}

static const json_t *named(const json_t *merged, const char *list, const char *body,
			   const char *name, struct error *e)
{
	const json_t *entry = name ? find(tree_get(merged, list), name) : NULL;

	if (!entry) {
		error_say(e, ENOENT, "kubeconfig: %s has no \"%s\"", list, name ? name : "");
		return NULL;
	}
	return tree_get(entry, body);
}

int kubeconfig_read(const json_t *merged, const char *context, struct access *ret,
		    struct error *e)
{
	const json_t *ctx, *cluster, *user;
	autoaccess a = { 0 };
	int r;

	if (!context)
		context = tree_string(merged, "current-context");
	if (str_empty(context))
		return error_say(e, ENOENT, "kubeconfig: no current-context");
	ctx = named(merged, "contexts", "context", context, e);
	cluster = ctx ? named(merged, "clusters", "cluster", tree_string(ctx, "cluster"), e)
		      : NULL;
	if (!cluster)
		return -ENOENT;
	r = read_cluster(cluster, tree_string(ctx, "cluster"), &a, e);
	if (r < 0)
		return r;
	if (!str_empty(tree_string(ctx, "user"))) {
		user = named(merged, "users", "user", tree_string(ctx, "user"), e);
		if (!user)
			return -ENOENT;
		r = read_user(user, tree_string(ctx, "user"), &a, e);
		if (r < 0)
			return r;
	}
	if (copy(&a.namespace, ctx, "namespace") < 0 ||
	    (!a.namespace && !(a.namespace = strdup("default"))))
		return error_set(e, ENOMEM, "kubeconfig");
	*ret = a;
	a = (struct access){ 0 };
	return 0;
}

int kubeconfig_load(const char *paths, const char *context, struct access *ret, struct error *e)
{
	json_auto_t *merged = json_pack("{s:[], s:[], s:[]}", "clusters", "users", "contexts");
	autofree char *list = strdup(paths);
	bool one = !strchr(paths, ':'), any = false;
	char *rest = list, *path;

	if (!merged || !list)
		return error_set(e, ENOMEM, "kubeconfig");
	while ((path = strsep(&rest, ":"))) {
		int r;

		/* Of a list, files may be missing; a file named alone must be there. */
		if (!*path || (!one && access(path, F_OK) < 0))
			continue;
		r = merge_file(merged, path, e);
		if (r < 0)
			return r;
		any = true;
	}
	if (!any)
		return error_say(e, ENOENT, "kubeconfig: none of %s exists", paths);
	return kubeconfig_read(merged, context, ret, e);
}

char *kubeconfig_paths(void)
{
	const char *list = getenv("KUBECONFIG"), *home = getenv("HOME");
	char *path = NULL;

	if (!str_empty(list))
		return strdup(list);
	if (str_empty(home) || asprintf(&path, "%s/.kube/config", home) < 0)
		return NULL;
	if (access(path, R_OK) < 0) {
		free(path);
		return NULL;
	}
	return path;
}
