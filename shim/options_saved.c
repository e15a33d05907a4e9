/* SPDX-License-Identifier: Apache-2.0 */

/* The options in the bundle, where `delete` finds them when the shim is gone. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "options.h"

#define OPTIONS_MAX_BYTES 65536
#define OPTIONS_TREE_MAX  (1u << 20)

/* In the bundles of containerd's own shim: the name of its runtime, and the options. */
#define OPTIONS_THEIR_RUNTIME "runtime"
#define OPTIONS_THEIR_FILE    "options.json"

int options_save(const struct options *o, const char *bundle, struct error *e)
{
	autojson *w = json_writer_new(false);
	autobuf text = { .max = OPTIONS_MAX_BYTES };
	char path[PATH_MAX];

	if (!w)
		return error_set(e, ENOMEM, "remember the options");
	json_write_object(w);
	json_put_string(w, "root", o->root);
	json_put_string(w, "binary", o->binary);
	json_put_bool(w, "systemdCgroup", o->systemd_cgroup);
	json_write_end(w);
	if (json_writer_end(w, &text) < 0)
		return error_set(e, EINVAL, "remember the options");
	if (str_format(path, sizeof(path), "%s/" OPTIONS_FILE, bundle) < 0)
		return error_set(e, ENAMETOOLONG, "%s", bundle);
	return file_replace(AT_FDCWD, path, text.data, text.len, 0600, e);
}

static bool options_get_bool(const struct json *doc, const char *key)
{
	const struct json *j = json_get(doc, key);

	return j && j->type == JSON_BOOL && j->boolean;
}

/* The document in BUNDLE/name; -ENOENT where there is none. */
static int options_read_file(const char *bundle, const char *name, struct arena *a,
			     struct json **ret, struct error *e)
{
	autobuf text = { 0 };
	char path[PATH_MAX];
	int r;

	if (str_format(path, sizeof(path), "%s/%s", bundle, name) < 0)
		return error_set(e, ENAMETOOLONG, "%s", bundle);
	r = file_read(AT_FDCWD, path, OPTIONS_MAX_BYTES, &text, e);
	return r < 0 ? r : json_parse(a, path, text.data, text.len, ret, e);
}

static int options_take_ours(const struct json *doc, struct options *ret, struct error *e)
{
	const char *root = json_get_string(doc, "root");
	const char *binary = json_get_string(doc, "binary");

	if (str_empty(root))
		return error_say(e, EINVAL, OPTIONS_FILE ": no root");
	ret->systemd_cgroup = options_get_bool(doc, "systemdCgroup");
	if (str_copy(ret->root, sizeof(ret->root), root) < 0 ||
	    str_copy(ret->binary, sizeof(ret->binary), binary ?: "") < 0)
		return error_set(e, ENAMETOOLONG, OPTIONS_FILE);
	return 0;
}

/* Theirs may leave out every key, and the whole file. */
static int options_take_theirs(const struct json *doc, const char *runtime, const char *ns,
			       struct options *ret, struct error *e)
{
	const char *root = doc ? json_get_string(doc, "root") : NULL;

	ret->systemd_cgroup = doc && options_get_bool(doc, "systemd_cgroup");
	if (str_copy(ret->binary, sizeof(ret->binary), str_empty(runtime) ? "runc" : runtime) <
	    0)
		return error_set(e, ENAMETOOLONG, OPTIONS_THEIR_RUNTIME);
	return options_set_root(ret, root, ns, e);
}

static int options_load_theirs(const char *bundle, const char *ns, struct arena *a,
			       struct options *ret, struct error *e)
{
	char path[PATH_MAX], runtime[sizeof(ret->binary)] = "";
	struct json *doc = NULL;
	int r;

	if (str_format(path, sizeof(path), "%s/" OPTIONS_THEIR_RUNTIME, bundle) < 0)
		return error_set(e, ENAMETOOLONG, "%s", bundle);
	r = file_read_line(AT_FDCWD, path, runtime, sizeof(runtime));
	if (r == -ENOENT)
		return options_set_root(ret, NULL, ns, e);
	if (r < 0)
		return error_set(e, -r, "read %s", path);
	r = options_read_file(bundle, OPTIONS_THEIR_FILE, a, &doc, e);
	if (r < 0 && r != -ENOENT)
		return r;
	return options_take_theirs(r == 0 ? doc : NULL, runtime, ns, ret, e);
}

int options_load(const char *bundle, const char *ns, struct options *ret, struct error *e)
{
	struct json *doc = NULL;
	struct arena a;
	int r;

	*ret = (struct options){ 0 };
	arena_init(&a, OPTIONS_TREE_MAX);
	r = options_read_file(bundle, OPTIONS_FILE, &a, &doc, e);
	if (r == 0)
		r = options_take_ours(doc, ret, e);
	else if (r == -ENOENT)
		r = options_load_theirs(bundle, ns, &a, ret, e);
	arena_done(&a);
	return r;
}
