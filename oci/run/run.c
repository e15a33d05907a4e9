/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `run` and `restore`: a container that runs as soon as it is made. What its making knew is kept for its end,
 * so that nothing is read again.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "run/create.h"
#include "run/delete.h"
#include "run/report.h"
#include "run/restore.h"

struct oci_run {
	struct create create;
};

/* Only hooks would still ask for it; and now nobody waits for us. */
static void run_forget_spec(struct create *c)
{
	struct state *s = &c->container.state;

	s->oci_version = "";
	s->annotations.n = 0;
	spec_done(&c->spec);
}

/* Others may do with it what they like while it runs. */
static void run_let_go(struct oci_run *run)
{
	container_unlock(&run->create.container);
	create_close(&run->create);
	if (!run->create.container.state.poststop)
		run_forget_spec(&run->create);
}

int oci_run(const struct oci_runtime *rt, const struct oci_create_options *opt,
	    struct oci_process *ret, struct oci_run **ret_run, struct error *e)
{
	struct oci_run *run = malloc(sizeof(*run));
	int r;

	if (!run)
		return error_set(e, ENOMEM, "run");
	r = create_container(&run->create, rt, opt, true, ret, e);
	if (r < 0) {
		oci_run_free(run);
		return r;
	}
	run_let_go(run);
	*ret_run = run;
	return 0;
}

int oci_restore(const struct oci_runtime *rt, const struct oci_create_options *opt,
		const struct oci_criu_options *criu, struct oci_process *ret,
		struct oci_run **ret_run, struct error *e)
{
	struct oci_run *run = malloc(sizeof(*run));
	int r;

	if (!run)
		return error_set(e, ENOMEM, "restore");
	r = restore_container(&run->create, rt, opt, criu, ret, e);
	if (r < 0) {
		oci_run_free(run);
		return r;
	}
	run_let_go(run);
	*ret_run = run;
	return 0;
}

void oci_run_rest(struct oci_run *run)
{
	manager_rest(&run->create.manager);
}

int oci_run_ready_fd(const struct oci_run *run)
{
	return run->create.ready_fd;
}

int oci_run_delete(struct oci_run *run, struct error *e)
{
	struct create *c = &run->create;
	struct error lost = ERROR_INIT;
	int r;

	r = container_lock_again(&c->container);
	if (r == 0)
		r = delete_container(&c->container, &c->spec, &c->manager, e);
	else if (r == -EBUSY) /* somebody is at it */
		r = oci_delete(c->rt, c->container.state.id, true, e);
	else if (r == -ENOENT) /* somebody was faster */
		r = 0;
	if (reporter_end(&c->reporter, &lost) < 0)
		report_warning(c->rt, lost.text);
	oci_run_free(run);
	return r;
}

void oci_run_free(struct oci_run *run)
{
	create_done(&run->create);
	free(run);
}
