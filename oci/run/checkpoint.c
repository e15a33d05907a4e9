/* SPDX-License-Identifier: Apache-2.0 */

/* A container that runs is saved, by CRIU, and goes on or has been killed. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "criu/request.h"
#include "criu/session.h"
#include "oci.h"
#include "run/container.h"
#include "run/external.h"
#include "run/image.h"
#include "spec/spec.h"

static const char *checkpoint_annotation(const struct state *s, const char *key)
{
	size_t i;

	for (i = 0; i < s->annotations.n; i++)
		if (str_eq(s->annotations.v[i].key, key))
			return s->annotations.v[i].value;
	return NULL;
}

static int checkpoint_check(const struct container *c, const struct spec *spec, struct error *e)
{
	enum oci_status status = OCI_STOPPED;
	int r;

	r = container_status(c, &status, e);
	if (r < 0)
		return r;
	if (status != OCI_RUNNING && status != OCI_PAUSED)
		return error_say(e, EINVAL, "cannot checkpoint container \"%s\": it is %s",
				 c->state.id, oci_status_name(status));
	if (faccessat(c->dir_fd, STATE_REPORT, F_OK, 0) == 0)
		return error_say(e, ENOTSUP,
				 "container \"%s\" runs under a policy that reports denied "
				 "calls, by a filter that CRIU cannot save",
				 c->state.id);
	return image_check_spec(spec, e);
}

static int checkpoint_ask(const struct container *c, const struct image *image,
			  const struct spec *spec, struct arena *a, struct criu_request *rq,
			  struct error *e)
{
	const struct oci_criu_options *opt = image->opt;
	int r;

	*rq = (struct criu_request){
		.kind = opt->pre_dump ? CRIU_PRE_DUMP : CRIU_DUMP,
		.pid = c->state.pid,
		.root = c->state.rootfs,
		/* The annotations of the state are those that policies have left. */
		.config_file =
			image_config_file(checkpoint_annotation(&c->state, "org.criu.config")),
	};
	r = image_ask(image, a, rq, e);
	if (r < 0)
		return r;
	if (!str_empty(c->state.cgroup)) {
		rq->freezer = arena_printf(a, CGROUP_MOUNT "%s", c->state.cgroup);
		if (!rq->freezer)
			return error_set(e, ENOMEM, "cgroup");
	}
	if (opt->pre_dump)
		return 0;
	r = external_of_dump(spec, c->state.pid, a, rq, e);
	return r < 0 ? r : external_save_stdio(image->image_fd, c->state.pid, a, rq, e);
}

/*
 * What CRIU does to processes it must also undo: it outlives us, and is not ended by a signal to us, unless
 * it waits for somebody to fetch pages, for as long as that may take.
 */
static int checkpoint_run(const struct oci_runtime *rt, const struct criu_request *rq,
			  struct error *e)
{
	const int handed[] = { rq->images_fd, rq->work_fd, rq->status_fd };
	const struct criu_start how = {
		.cgroup_fd = -1,
		.handed = handed,
		.n_handed = rq->status_fd < 0 ? 2 : 3,
	};
	const struct criu_events events = { .cancel_fd = rq->lazy_pages ? rt->cancel_fd : -1 };
	struct criu_session session = CRIU_SESSION_NONE;
	int r;

	r = criu_begin(&session, &how, e);
	if (r == 0)
		r = criu_serve(&session, rq, &events, NULL, e);
	criu_end(&session);
	return r;
}

static int checkpoint_make(const struct container *c, const struct image *image,
			   const struct spec *spec, struct error *e)
{
	struct criu_request rq;
	struct arena arena;
	int r;

	arena_init(&arena, STATE_MAX);
	r = checkpoint_ask(c, image, spec, &arena, &rq, e);
	if (r == 0) {
		unlinkat(image->work_fd, image->log_file, 0);
		r = checkpoint_run(c->rt, &rq, e);
		if (r < 0 && (image->opt->pre_dump || image->opt->parent))
			error_hint(
				e,
				"a kernel without CONFIG_MEM_SOFT_DIRTY knows nothing of earlier "
				"images; the whole log is %s/%s",
				image->work, image->log_file);
		if (r < 0)
			image_explain(image, e);
	}
	arena_done(&arena);
	return r < 0 ? error_prefix(e, "checkpoint of container \"%s\"", c->state.id) : 0;
}

int oci_checkpoint(const struct oci_runtime *rt, const char *id,
		   const struct oci_criu_options *opt, struct error *e)
{
	autocontainer c = CONTAINER_INIT;
	struct image image = IMAGE_NONE;
	struct spec spec = { 0 };
	int r;

	r = container_open(rt, id, CONTAINER_LOCK_MS, &c, e);
	if (r == 0)
		r = container_read_spec(&c, &spec, e);
	if (r == 0)
		r = checkpoint_check(&c, &spec, e);
	if (r == 0)
		r = image_open(&image, rt, opt, false, e);
	if (r == 0)
		r = checkpoint_make(&c, &image, &spec, e);
	image_done(&image);
	spec_done(&spec);
	return r;
}
