/* SPDX-License-Identifier: Apache-2.0 */

/* What containers get of their pod where the shim has made its sandbox. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "pod.h"
#include "pod_config.h"
#include "runtime.h"
#include "spec/parse.h"

#define POD_TREE_MAX (64u << 20)

/* What every container of the pod has, where it has not something else there. */
static const struct {
	const char *destination;
	const char *source; /* below the pod's root */
	bool may_be_read_only;
} pod_shares[] = {
	{ "/etc/hostname", "etc/hostname", true },
	{ "/etc/hosts", "etc/hosts", true },
	{ "/etc/resolv.conf", "etc/resolv.conf", true },
	{ "/dev/shm", "shm", false },
};

/* containerd gives each container a tmpfs for itself there, if it knows of none of the pod. */
static bool pod_is_replaced(const struct json *mount)
{
	return str_eq(json_get_string(mount, "destination"), "/dev/shm") &&
	       str_eq(json_get_string(mount, "type"), "tmpfs");
}

static bool pod_has_mount(const struct json *mounts, const char *destination)
{
	const struct json *m;

	for (m = mounts ? mounts->child : NULL; m; m = m->next)
		if (str_eq(json_get_string(m, "destination"), destination) &&
		    !pod_is_replaced(m))
			return true;
	return false;
}

/* With the flags of the mount that they are in, which a pod with users of its own cannot take off. */
static int pod_put_shares(struct json_writer *w, const struct json *spec,
			  const char *pod_bundle)
{
	const struct json *mounts = json_get(spec, "mounts"), *m,
			  *root = json_get(spec, "root");
	const struct json *read_only = root ? json_get(root, "readonly") : NULL;
	char source[PATH_MAX];
	size_t i;

	json_write_key(w, "mounts");
	json_write_array(w);
	for (m = mounts ? mounts->child : NULL; m; m = m->next)
		if (!pod_is_replaced(m))
			json_write_tree(w, m);
	for (i = 0; i < ARRAY_SIZE(pod_shares); i++) {
		if (pod_has_mount(mounts, pod_shares[i].destination))
			continue;
		if (str_format(source, sizeof(source), "%s/rootfs/%s", pod_bundle,
			       pod_shares[i].source) < 0)
			return -ENAMETOOLONG;
		pod_put_mount(w, pod_shares[i].destination, "bind", source,
			      read_only && read_only->boolean && pod_shares[i].may_be_read_only
				      ? "rbind rprivate nosuid nodev noexec ro"
				      : "rbind rprivate nosuid nodev noexec rw");
	}
	json_write_end(w);
	return 0;
}

static int pod_rewrite(const struct json *spec, const char *pod_bundle, const char *path,
		       struct error *e)
{
	autobuf text = { .max = SPEC_MAX_BYTES };
	autojson *w = json_writer_new(false);
	const struct json *member;
	int r;

	if (!w)
		return error_set(e, ENOMEM, "%s", path);
	json_write_object(w);
	for (member = spec->child; member; member = member->next) {
		if (str_eq(member->key, "mounts"))
			continue;
		json_write_key(w, member->key);
		json_write_tree(w, member);
	}
	r = pod_put_shares(w, spec, pod_bundle);
	json_write_end(w);
	if (r == 0)
		r = json_writer_end(w, &text);
	return r < 0 ? error_set(e, -r, "%s", path)
		     : file_replace(AT_FDCWD, path, text.data, text.len, 0600, e);
}

int pod_join(const char *pod, const char *pod_bundle, const char *bundle, struct error *e)
{
	const struct json *annotations;
	autobuf text = { 0 };
	char path[PATH_MAX];
	struct json *spec;
	struct arena a;
	int r;

	if (str_format(path, sizeof(path), "%s/config.json", bundle) < 0)
		return error_set(e, ENAMETOOLONG, "%s", bundle);
	r = file_read(AT_FDCWD, path, SPEC_MAX_BYTES, &text, e);
	if (r < 0)
		return r;
	arena_init(&a, POD_TREE_MAX);
	r = json_parse(&a, path, text.data, text.len, &spec, e);
	if (r == 0) {
		annotations = json_get(spec, "annotations");
		if (annotations &&
		    str_eq(json_get_string(annotations, RUNTIME_SANDBOX_KEY), pod))
			r = pod_rewrite(spec, pod_bundle, path, e);
	}
	arena_done(&a);
	return r;
}
