/* SPDX-License-Identifier: Apache-2.0 */
#include "pod_config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "pod.h"
#include "runtime.h"
#include "spec/parse.h"

/* Whom `pause` runs as, as in the images that are made for that. */
#define POD_USER 65535

/* When memory is short, a pod's containers go before what holds it. */
#define POD_OOM_SCORE (-998)

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

void pod_put_mount(struct json_writer *w, const char *destination, const char *type,
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
	if (p->users.own)
		pod_put_namespace(w, "user", p->users.path);
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
	bool of_the_node; /* its value counts the node's ids: not for a pod with users of its own */
} pod_sysctls[] = {
	{ "net.ipv4.ip_unprivileged_port_start", "0", false },
	{ "net.ipv4.ping_group_range", "0 2147483647", true },
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
		if (j == n && pod_namespaces(p)->network != PB__POD_NAMESPACE__NODE &&
		    !(p->users.own && pod_sysctls[i].of_the_node))
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
	pod_users_put(w, &p->users);
	pod_put_sysctls(w, p);
	r = pod_put_cgroup(w, p, id);
	json_write_end(w);
	return r;
}

#define POD_RESERVED "io.kubernetes.cri."

static void pod_put_annotations(struct json_writer *w, const struct pod *p, const char *id)
{
	const Pb__CreateSandboxRequest *rq = p->request;
	size_t i;

	json_write_key(w, "annotations");
	json_write_object(w);
	for (i = 0; i < rq->n_annotations; i++)
		/* containerd's own are its own to write: these are the pod's author's. */
		if (!str_starts(rq->annotations[i]->key, POD_RESERVED))
			json_put_string(w, rq->annotations[i]->key, rq->annotations[i]->value);
	json_put_string(w, RUNTIME_SANDBOX_KEY, id);
	json_put_string(w, "io.kubernetes.cri.container-type", "sandbox");
	json_write_end(w);
}

int pod_write_config(const struct pod *p, const char *id, const char *bundle, struct error *e)
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
