/* SPDX-License-Identifier: Apache-2.0 */
#include "pod.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "message.h"
#include "runtime.h"
#include "spec/parse.h"
#include "spec/spec.h"

#define POD_FILE_MAX (1u << 20)
#define POD_TREE_MAX (64u << 20)

/* Whom `pause` runs as, as in the images that are made for that. */
#define POD_USER 65535

/* When memory is short, a pod's containers go before what holds it. */
#define POD_OOM_SCORE (-998)

/* --- what containerd says of it ---------------------------------------------------------------- */

static const Pb__PodNamespaces *pod_namespaces(const struct pod *p)
{
	static const Pb__PodNamespaces none = PB__POD_NAMESPACES__INIT;
	const Pb__PodLinux *linux_ = p->config->linux_;

	return linux_ && linux_->security && linux_->security->namespaces
		       ? linux_->security->namespaces
		       : &none;
}

static int pod_check(const struct pod *p, struct error *e)
{
	const Pb__PodNamespaces *ns = pod_namespaces(p);
	const Pb__PodSecurity *s = p->config->linux_ ? p->config->linux_->security : NULL;

	if (s && s->run_as_group && !s->run_as_user)
		return error_say(e, EINVAL, "the pod names a group to run as, and no user");
	if (p->request->n_rootfs)
		return error_say(e, EINVAL,
				 "a sandbox's root is the shim's own: it takes no mounts");
	if (ns->user && ns->user->mode != PB__POD_NAMESPACE__NODE)
		return error_say(
			e, ENOTSUP,
			"a pod with users of its own needs sandboxer = \"podsandbox\"");
	if (ns->network != PB__POD_NAMESPACE__NODE && *p->network != '/')
		return error_say(e, EINVAL, "the pod's network has no path");
	return 0;
}

/* The request outlives its frame. */
static Pb__CreateSandboxRequest *pod_keep(const Pb__CreateSandboxRequest *rq)
{
	autobuf bytes = { .max = POD_FILE_MAX };

	if (message_pack(&rq->base, &bytes) < 0)
		return NULL;
	return (Pb__CreateSandboxRequest *)message_unpack(
		&pb__create_sandbox_request__descriptor, bytes.data, bytes.len);
}

int pod_read(const Pb__CreateSandboxRequest *rq, struct pod *ret, struct error *e)
{
	const Pb__Any *any = rq->options;
	const void *data = any ? any->value.data : NULL;
	int r;

	*ret = (struct pod){ 0 };
	if (any && !message_any_is(any, "runtime.v1.PodSandboxConfig"))
		return error_say(e, EINVAL, "a sandbox is described by a %.128s, not %.128s",
				 "runtime.v1.PodSandboxConfig", any->type_url);
	ret->request = pod_keep(rq);
	ret->config = (Pb__PodConfig *)message_unpack(&pb__pod_config__descriptor, data,
						      any ? any->value.len : 0);
	if (!ret->request || !ret->config) {
		r = error_say(e, EINVAL, "the pod's description cannot be decoded");
	} else {
		ret->network = ret->request->netns_path;
		r = pod_check(ret, e);
	}
	if (r < 0)
		pod_done(ret);
	return r;
}

void pod_done(struct pod *p)
{
	message_free((ProtobufCMessage *)p->request);
	message_free((ProtobufCMessage *)p->config);
	*p = (struct pod){ 0 };
}

/* --- its config.json --------------------------------------------------------------------------- */

static void pod_put_user(struct json_writer *w, const struct pod *p)
{
	const Pb__PodLinux *linux_ = p->config->linux_;
	const Pb__PodSecurity *s = linux_ ? linux_->security : NULL;
	size_t i;

	json_write_key(w, "user");
	json_write_object(w);
	json_put_i64(w, "uid", s && s->run_as_user ? s->run_as_user->value : POD_USER);
	json_put_i64(w, "gid", s && s->run_as_group ? s->run_as_group->value : POD_USER);
	if (s && s->n_supplemental_groups) {
		json_write_key(w, "additionalGids");
		json_write_array(w);
		for (i = 0; i < s->n_supplemental_groups; i++)
			json_write_i64(w, s->supplemental_groups[i]);
		json_write_end(w);
	}
	json_write_end(w);
}

static void pod_put_process(struct json_writer *w, const struct pod *p)
{
	json_write_key(w, "process");
	json_write_object(w);
	pod_put_user(w, p);
	json_write_key(w, "args");
	json_write_array(w);
	json_write_string(w, "/pause");
	json_write_string(w, "pause");
	json_write_end(w);
	json_put_string(w, "cwd", "/");
	json_put_bool(w, "noNewPrivileges", true);
	/* To lower it is allowed to few. */
	if (prctl(PR_CAPBSET_READ, CAP_SYS_RESOURCE, 0, 0, 0) == 1)
		json_put_i64(w, "oomScoreAdj", POD_OOM_SCORE);
	json_write_end(w);
}

/* `options` are words with a blank between them. */
static void pod_put_mount(struct json_writer *w, const char *destination, const char *type,
			  const char *source, const char *options)
{
	size_t len;

	json_write_object(w);
	json_put_string(w, "destination", destination);
	json_put_string(w, "type", type);
	json_put_string(w, "source", source);
	json_write_key(w, "options");
	json_write_array(w);
	for (; *options; options += len + (options[len] == ' ')) {
		len = strcspn(options, " ");
		json_write_stringn(w, options, len);
	}
	json_write_end(w);
	json_write_end(w);
}

static void pod_put_mounts(struct json_writer *w, const char *program)
{
	json_write_key(w, "mounts");
	json_write_array(w);
	pod_put_mount(w, "/proc", "proc", "proc", "nosuid noexec nodev");
	pod_put_mount(w, "/dev", "tmpfs", "tmpfs", "nosuid mode=755 size=64k");
	pod_put_mount(w, "/pause", "bind", program, "bind ro nosuid nodev");
	json_write_end(w);
}

static void pod_put_namespace(struct json_writer *w, const char *type, const char *path)
{
	json_write_object(w);
	json_put_string(w, "type", type);
	if (!str_empty(path))
		json_put_string(w, "path", path);
	json_write_end(w);
}

static void pod_put_namespaces(struct json_writer *w, const struct pod *p)
{
	const Pb__PodNamespaces *ns = pod_namespaces(p);

	json_write_key(w, "namespaces");
	json_write_array(w);
	pod_put_namespace(w, "mount", NULL);
	if (ns->pid != PB__POD_NAMESPACE__NODE)
		pod_put_namespace(w, "pid", NULL);
	if (ns->ipc != PB__POD_NAMESPACE__NODE)
		pod_put_namespace(w, "ipc", NULL);
	if (ns->network != PB__POD_NAMESPACE__NODE) {
		pod_put_namespace(w, "uts", NULL);
		pod_put_namespace(w, "network", p->network);
	}
	json_write_end(w);
}

/* What containerd's own sandboxes have unless the pod says otherwise. */
static const struct {
	const char *key, *value;
} pod_sysctls[] = {
	{ "net.ipv4.ip_unprivileged_port_start", "0" },
	{ "net.ipv4.ping_group_range", "0 2147483647" },
};

static void pod_put_sysctls(struct json_writer *w, const struct pod *p)
{
	const Pb__PodLinux *linux_ = p->config->linux_;
	size_t n = linux_ ? linux_->n_sysctls : 0, i, j;

	json_write_key(w, "sysctl");
	json_write_object(w);
	for (i = 0; i < n; i++)
		json_put_string(w, linux_->sysctls[i]->key, linux_->sysctls[i]->value);
	for (i = 0; i < ARRAY_SIZE(pod_sysctls); i++) {
		for (j = 0; j < n; j++)
			if (str_eq(linux_->sysctls[j]->key, pod_sysctls[i].key))
				break;
		if (j == n && pod_namespaces(p)->network != PB__POD_NAMESPACE__NODE)
			json_put_string(w, pod_sysctls[i].key, pod_sysctls[i].value);
	}
	json_write_end(w);
}

/* As containerd names its own: a scope in the slice, or a folder. */
static int pod_put_cgroup(struct json_writer *w, const struct pod *p, const char *id)
{
	const char *parent = p->config->linux_ ? p->config->linux_->cgroup_parent : "", *name;
	char path[PATH_MAX];
	int r;

	if (str_empty(parent))
		return 0;
	name = strrchr(parent, '/') ? strrchr(parent, '/') + 1 : parent;
	if (str_ends(name, ".slice"))
		r = str_format(path, sizeof(path), "%s:cri-containerd:%s", name, id);
	else
		r = str_format(path, sizeof(path), "%s/%s", parent, id);
	if (r == 0)
		json_put_string(w, "cgroupsPath", path);
	return r;
}

static int pod_put_linux(struct json_writer *w, const struct pod *p, const char *id)
{
	int r;

	json_write_key(w, "linux");
	json_write_object(w);
	pod_put_namespaces(w, p);
	pod_put_sysctls(w, p);
	r = pod_put_cgroup(w, p, id);
	json_write_end(w);
	return r;
}

static void pod_put_annotations(struct json_writer *w, const struct pod *p, const char *id)
{
	const Pb__CreateSandboxRequest *rq = p->request;
	size_t i;

	json_write_key(w, "annotations");
	json_write_object(w);
	for (i = 0; i < rq->n_annotations; i++)
		if (!str_eq(rq->annotations[i]->key, RUNTIME_SANDBOX_KEY))
			json_put_string(w, rq->annotations[i]->key, rq->annotations[i]->value);
	json_put_string(w, RUNTIME_SANDBOX_KEY, id);
	json_put_string(w, "io.kubernetes.cri.container-type", "sandbox");
	json_write_end(w);
}

static int pod_write_config(const struct pod *p, const char *id, const char *bundle,
			    struct error *e)
{
	autobuf text = { .max = SPEC_MAX_BYTES };
	autojson *w = json_writer_new(false);
	char program[PATH_MAX], path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	int r;

	if (n < 0)
		return error_set(e, errno, "find our own program");
	program[n] = '\0';
	if (!w)
		return error_set(e, ENOMEM, "the sandbox");
	json_write_object(w);
	json_put_string(w, "ociVersion", "1.0.2");
	pod_put_process(w, p);
	json_write_key(w, "root");
	json_write_object(w);
	json_put_string(w, "path", "rootfs");
	json_put_bool(w, "readonly", true);
	json_write_end(w);
	if (!str_empty(p->config->hostname) &&
	    pod_namespaces(p)->network != PB__POD_NAMESPACE__NODE)
		json_put_string(w, "hostname", p->config->hostname);
	pod_put_mounts(w, program);
	pod_put_annotations(w, p, id);
	r = pod_put_linux(w, p, id);
	json_write_end(w);
	if (r == 0)
		r = json_writer_end(w, &text);
	if (r == 0)
		r = str_format(path, sizeof(path), "%s/config.json", bundle);
	if (r < 0)
		return error_set(e, -r, "describe the sandbox's container");
	return file_replace(AT_FDCWD, path, text.data, text.len, 0600, e);
}

/* --- its files --------------------------------------------------------------------------------- */

/* The node's own; where it has none, nothing. */
static int pod_add_file(struct buf *text, const char *of)
{
	autobuf file = { 0 };
	autofree char *path = realpath(of, NULL);

	if (!path || file_read(AT_FDCWD, path, POD_FILE_MAX, &file, NULL) < 0 || !file.len)
		return 0;
	return buf_add(text, file.data, file.len);
}

static int pod_add_words(struct buf *text, const char *begin, char *const *words, size_t n)
{
	size_t i;
	int r = n ? buf_adds(text, begin) : 0;

	for (i = 0; i < n && r == 0; i++)
		r = buf_addf(text, " %s", words[i]);
	return r == 0 && n ? buf_addc(text, '\n') : r;
}

static int pod_add_dns(struct buf *text, const Pb__PodDns *dns)
{
	size_t i;
	int r = pod_add_words(text, "search", dns->searches, dns->n_searches);

	for (i = 0; i < dns->n_servers && r == 0; i++)
		r = buf_addf(text, "nameserver %s\n", dns->servers[i]);
	return r == 0 ? pod_add_words(text, "options", dns->options, dns->n_options) : r;
}

static int pod_add_hostname(struct buf *text, const struct pod *p)
{
	char name[HOST_NAME_MAX + 1] = "";

	if (!str_empty(p->config->hostname))
		return buf_addf(text, "%s\n", p->config->hostname);
	if (gethostname(name, sizeof(name) - 1) < 0)
		return -errno;
	return buf_addf(text, "%s\n", name);
}

static int pod_write_file(const char *folder, const char *name, const struct buf *text,
			  struct error *e)
{
	char path[PATH_MAX];

	if (str_format(path, sizeof(path), "%s/%s", folder, name) < 0)
		return error_set(e, ENAMETOOLONG, "%s", folder);
	return file_replace(AT_FDCWD, path, text->data ?: "", text->len, 0644, e);
}

static int pod_write_files(const struct pod *p, const char *folder, struct error *e)
{
	autobuf hostname = { .max = POD_FILE_MAX }, hosts = { .max = POD_FILE_MAX };
	autobuf dns = { .max = POD_FILE_MAX };
	int r;

	r = pod_add_hostname(&hostname, p);
	if (r == 0)
		r = pod_add_file(&hosts, "/etc/hosts");
	if (r == 0)
		r = p->config->dns ? pod_add_dns(&dns, p->config->dns)
				   : pod_add_file(&dns, "/etc/resolv.conf");
	if (r < 0)
		return error_set(e, -r, "the pod's files");
	r = pod_write_file(folder, "hostname", &hostname, e);
	if (r == 0)
		r = pod_write_file(folder, "hosts", &hosts, e);
	return r == 0 ? pod_write_file(folder, "resolv.conf", &dns, e) : r;
}

int pod_write(const struct pod *p, const char *id, const char *bundle, struct error *e)
{
	char etc[PATH_MAX], shm[PATH_MAX];

	if (str_format(etc, sizeof(etc), "%s/rootfs/etc", bundle) < 0 ||
	    str_format(shm, sizeof(shm), "%s/rootfs/shm", bundle) < 0)
		return error_set(e, ENAMETOOLONG, "%s", bundle);
	if (mkdir(etc, 0755) < 0)
		return error_set(e, errno, "make %s", etc);
	if (mkdir(shm, 0700) < 0 || chmod(shm, 01777) < 0)
		return error_set(e, errno, "make %s", shm);
	if (pod_write_files(p, etc, e) < 0)
		return -EIO;
	return pod_write_config(p, id, bundle, e);
}

/* --- its containers ---------------------------------------------------------------------------- */

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
				      ? "rbind rprivate ro"
				      : "rbind rprivate rw");
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
