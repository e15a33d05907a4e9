/* SPDX-License-Identifier: Apache-2.0 */
#include "run/guard.h"

#include <errno.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "base/buf.h"
#include "base/build.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "cgroup/manager.h"
#include "cgroup/path.h"
#include "oci.h"
#include "policy/load.h"
#include "run/container.h"
#include "run/folder.h"
#include "run/notice.h"
#include "run/state.h"
#include "seccomp/abi.h"
#include "seccomp/known.h"
#include "seccomp/profile.h"
#include "spec/spec.h"

/* --- what the merge asks ------------------------------------------------------------------------- */

static int guard_profile(void *arg, struct arena *a, const struct policy_profile *p,
			 uint64_t bounding, struct spec_seccomp *ret, struct error *e)
{
	const struct guard *g = arg;
	struct seccomp_known_text t = {
		.kind = SECCOMP_KNOWN_PROFILE,
		.text = p->text,
		.len = p->len,
		.target = { .bounding = bounding, .native = seccomp_abi_native() },
	};
	autoclose int dir_fd = folder_open_cache(g->rt, g->keeps);
	uint8_t key[SHA256_SIZE];
	struct utsname system;
	bool has_key;
	int r;

	uname(&system);
	if (sscanf(system.release, "%u.%u", &t.target.kernel_major, &t.target.kernel_minor) !=
	    2)
		return error_say(e, EINVAL, "kernel release \"%s\" has no version",
				 system.release);
	t.build_len = build_id(&t.build);
	has_key = seccomp_known_key(&t, key);
	if (has_key && seccomp_known_find(dir_fd, key, a, ret))
		return 0;
	r = seccomp_profile_resolve(a, p->name, p->text, p->len, &t.target, ret, e);
	if (r == 0 && has_key && g->keeps)
		seccomp_known_keep(dir_fd, key, ret);
	return r;
}

/* Where the cgroup will be, before anybody is asked to make it; "": nowhere of its own. */
static int guard_cgroup(const struct oci_runtime *rt, const char *id, const struct spec *spec,
			struct arena *a, const char **ret, struct error *e)
{
	const char *path = spec->linux_.cgroups_path;
	char own[CGROUP_PATH_MAX], dst[CGROUP_PATH_MAX] = "";
	enum manager_kind kind = MANAGER_DISABLED;
	struct cgroup_unit unit;
	int r;

	r = manager_kind_parse(rt->cgroup_manager ?: "cgroupfs", &kind, e);
	if (r == 0 && kind == MANAGER_SYSTEMD) {
		r = cgroup_unit_parse(path, id, rt->rootless, &unit, e);
		if (r == 0)
			r = cgroup_slice_path(unit.slice, dst, sizeof(dst), e);
		*ret = r < 0 ? NULL
			     : arena_printf(a, "%s/%s", str_eq(dst, "/") ? "" : dst, unit.name);
	} else if (r == 0) {
		/* Without version 2 of cgroups there is no own cgroup and will be none. */
		if (kind == MANAGER_CGROUPFS && cgroup_path_of(0, own, NULL) == 0)
			r = cgroup_path(path, id, own, dst, e);
		*ret = r < 0 ? NULL : arena_strdup(a, dst);
	}
	return r < 0 || *ret ? r : error_set(e, ENOMEM, "node policies");
}

#define CRI_NAMESPACE "k8s.io" /* containerd's, of all that Kubernetes asks for */
#define CRI_POD_KEY   "io.kubernetes.cri.sandbox-namespace"

/*
 * Who asks. The pod's namespace is an annotation that containerd writes over what it hands on from the
 * pod's author; of any other caller it would be the author's own word.
 */
static void guard_ask_caller(struct guard *g, const struct oci_runtime *rt,
			     const struct spec *spec)
{
	struct policy_facts *f = &g->host.facts;
	const char *root = rt->root ?: "";

	if (root[0] == '/' && path_clean(g->root, sizeof(g->root), root) == 0)
		f->state_folder = g->root;
	f->containerd_namespace = rt->containerd_namespace;
	if (str_eq(rt->containerd_namespace, CRI_NAMESPACE))
		f->kubernetes_namespace = spec_annotation(spec, CRI_POD_KEY);
}

static int guard_ask(struct guard *g, const struct oci_runtime *rt, const struct spec *spec,
		     const char *bundle, const char *cgroup, size_t n_mounts, struct error *e)
{
	int r = policy_host_init(&g->host, bundle, n_mounts, e);

	g->host.facts.native_arch = seccomp_abi_native() == SECCOMP_ABI_COUNT
					    ? 0
					    : seccomp_abi_to_spec(seccomp_abi_native());
	g->rt = rt;
	g->host.facts.profile = guard_profile;
	g->host.facts.profile_arg = g;
	g->host.facts.cgroup = cgroup;
	guard_ask_caller(g, rt, spec);
	return r;
}

/* --- create and run ------------------------------------------------------------------------------ */

int guard_create(struct guard *g, const struct oci_runtime *rt, const char *id,
		 const char *bundle, struct spec *spec, struct arena *a, struct error *e)
{
	const char *cgroup = "";
	int r;

	r = policy_load(rt->policy, &g->set, e);
	if (r < 0 || policy_set_is_empty(&g->set))
		return r;
	r = guard_cgroup(rt, id, spec, a, &cgroup, e);
	if (r == 0)
		r = guard_ask(g, rt, spec, bundle, cgroup, spec->n_mounts, e);
	if (r == 0)
		r = policy_merge(&g->set, &g->host.facts, POLICY_CREATE, spec, a, &g->result,
				 e);
	/* Who has no power over mounts leaves them to the child, which cannot use what we have open. */
	if (r < 0 || rt->rootless)
		return r;
	r = policy_host_pin(&g->host, spec, a, e);
	g->pinned = r > 0;
	return r < 0 ? r : 0;
}

int guard_save(const struct guard *g, int dir_fd, struct error *e)
{
	autobuf text = { .max = STATE_MAX };
	autojson *w = NULL;
	int r;

	if (g->set.n == 0)
		return 0;
	r = policy_keep(&g->set, dir_fd, STATE_POLICIES, e);
	if (r < 0)
		return r;
	w = json_writer_new(true);
	if (!w)
		return error_set(e, ENOMEM, STATE_POLICY);
	policy_record_write(w, &g->set, &g->result);
	r = json_writer_end(w, &text);
	if (r < 0)
		return error_set(e, -r, STATE_POLICY);
	return file_replace(dir_fd, STATE_POLICY, text.data, text.len, 0600, e);
}

void guard_done(struct guard *g)
{
	policy_host_done(&g->host);
	policy_set_done(&g->set);
	g->result = (struct policy_result){ 0 };
}

/* --- a container that is there ------------------------------------------------------------------- */

static int guard_load_both(struct guard *g, const struct container *c, struct error *e)
{
	int r = policy_load(c->rt->policy, &g->set, e);

	if (r < 0)
		return r;
	r = policy_load_kept(c->dir_fd, STATE_POLICIES, &g->set, e);
	return r == -ENOENT ? 0 : r;
}

int guard_open(struct guard *g, const struct container *c, struct spec *spec, struct arena *a,
	       struct error *e)
{
	int r = guard_load_both(g, c, e);

	if (r < 0 || policy_set_is_empty(&g->set))
		return r;
	r = guard_ask(g, c->rt, spec, c->state.bundle, c->state.cgroup, 0, e);
	if (r < 0)
		return r;
	/* It runs: what would be refused today is no reason. */
	r = policy_merge(&g->set, &g->host.facts, POLICY_EXEC, spec, a, &g->result, NULL);
	return r == -EPERM ? 0 : r;
}

int guard_exec(struct guard *g, const struct spec *spec, struct spec_process *process,
	       struct arena *a, struct error *e)
{
	struct spec one = *spec;
	int r;

	if (policy_set_is_empty(&g->set))
		return 0;
	one.process = *process;
	g->host.facts.container = &spec->process;
	r = policy_merge(&g->set, &g->host.facts, POLICY_EXEC, &one, a, &g->result, e);
	*process = one.process;
	return r;
}

int guard_mounts(struct guard *g, const struct container *c, struct spec *spec, struct arena *a,
		 struct error *e)
{
	int r = guard_load_both(g, c, e);

	if (r < 0 || policy_set_is_empty(&g->set))
		return r;
	r = guard_ask(g, c->rt, spec, c->state.bundle, c->state.cgroup, spec->n_mounts, e);
	if (r == 0)
		r = policy_merge(&g->set, &g->host.facts, POLICY_CREATE, spec, a, &g->result,
				 e);
	if (r < 0 || c->rt->rootless)
		return r;
	r = policy_host_pin(&g->host, spec, a, e);
	return r < 0 ? r : 0;
}

static int guard_merge_update(struct guard *g, const struct container *c,
			      struct spec_resources *r, struct arena *a, struct error *e)
{
	struct spec spec = { 0 };
	int ret = container_read_spec(c, &spec, e);

	if (ret < 0)
		return ret;
	ret = guard_ask(g, c->rt, &spec, c->state.bundle, c->state.cgroup, 0, e);
	spec.linux_.resources = *r;
	if (ret == 0)
		ret = policy_merge(&g->set, &g->host.facts, POLICY_UPDATE, &spec, a, &g->result,
				   e);
	*r = spec.linux_.resources;
	spec_done(&spec);
	return ret;
}

int guard_update(const struct container *c, struct spec_resources *r, struct arena *a,
		 struct error *e)
{
	struct guard g = { 0 };
	int ret = guard_load_both(&g, c, e);

	if (ret == 0 && !policy_set_is_empty(&g.set))
		ret = guard_merge_update(&g, c, r, a, e);
	notice_request(c->rt, c->state.id, "update", &g.result);
	guard_done(&g);
	return ret;
}
