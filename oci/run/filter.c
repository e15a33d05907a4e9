/* SPDX-License-Identifier: Apache-2.0 */
#include "run/filter.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "oci.h"
#include "run/filter_names.h"
#include "run/folder.h"
#include "run/guard.h"
#include "run/reporter.h"
#include "run/state.h"
#include "seccomp/cache.h"
#include "seccomp/compile.h"
#include "seccomp/denied.h"
#include "seccomp/load.h"
#include "seccomp/notify.h"
#include "spec/names.h"
#include "spec/spec.h"

int filter_policies(const struct filter *f, struct spec *spec, struct arena *a, struct error *e)
{
	struct spec_seccomp *s = &spec->linux_.seccomp;
	size_t n = 0;

	if (!f->run || !f->rt->record)
		return 0;
	if (!str_empty(s->listener_path))
		return error_say(e, EINVAL,
				 "linux.seccomp.listenerPath: a filter has one listener, so a "
				 "container with an agent cannot be recorded");
	if (s->present)
		return 0;
	while (spec_seccomp_arch_names[n].name)
		n++;
	*s = (struct spec_seccomp){ .present = true, .default_action = SECCOMP_RET_ALLOW };
	s->architectures = arena_array(a, n, sizeof(*s->architectures));
	if (!s->architectures)
		return error_set(e, ENOMEM, "linux.seccomp");
	for (; s->n_architectures < n; s->n_architectures++)
		s->architectures[s->n_architectures] =
			(uint32_t)spec_seccomp_arch_names[s->n_architectures].value;
	return 0;
}

/* The node's own file, unless the caller names another. */
const char *filter_report(const struct filter *f)
{
	const char *file = f->guard->result.report_file, *asked = f->rt->report;

	if (asked && !str_eq(asked, "-"))
		return asked;
	return file || !f->run ? file : asked;
}

int filter_share(struct filter *f, const struct spec *spec, int dir_fd,
		 struct seccomp_handoff **handoff, struct error *e)
{
	const struct spec_seccomp *s = &spec->linux_.seccomp;

	if (!s->present)
		return 0;
	f->shared = seccomp_program_map();
	if (!f->shared)
		return error_set(e, ENOMEM, "linux.seccomp: make room for the filter");
	/* A filter has one listener: an agent of the spec's keeps it. */
	f->watched = str_empty(s->listener_path) &&
		     ((f->run && f->rt->record) ||
		      (f->guard->result.report && (filter_report(f) || f->rt->policy_fd > 0)));
	if (str_empty(s->listener_path) && !f->watched)
		return 0;
	return folder_make_handoff(dir_fd, handoff, e);
}

const struct seccomp_program *filter_of_child(const struct filter *f)
{
	return f->shared ? f->shared : &f->plain;
}

static int filter_publish(struct filter *f, struct error *e)
{
	autoprogram watched = { 0 };
	struct seccomp_target target;
	int r = 0;

	if (f->guard->result.report) {
		seccomp_target_host(&target, SECCOMP_FILTER_FLAG_LOG);
		f->plain.flags |= target.flags;
	}
	if (f->watched && f->rt->record)
		r = seccomp_watched_all(&f->plain, &watched);
	else if (f->watched)
		r = seccomp_watched(&f->plain, &watched);
	if (r < 0)
		return error_set(e, -r, "linux.seccomp: make a filter that reports");
	/* A restored container has its own. */
	if (f->shared)
		seccomp_program_publish(f->shared, f->watched ? &watched : &f->plain);
	return 0;
}

int filter_make(struct filter *f, const struct spec *spec, struct error *e)
{
	const struct spec_seccomp *s = &spec->linux_.seccomp;
	autoclose int cache_fd = -1;
	int r;

	if (!s->present)
		return 0;
	r = filter_names_check(spec, e);
	if (r < 0)
		return r;
	cache_fd = folder_open_cache(f->rt, true);
	r = seccomp_obtain(cache_fd, s, &f->plain, e);
	if (r == 0)
		r = seccomp_notify_check(s, &f->plain, e);
	return r < 0 ? r : filter_publish(f, e);
}

/* Whoever reads it may be in another folder; empty where all that is told are notices. */
static int filter_save_report(const struct filter *f, int dir_fd, struct error *e)
{
	const char *where = filter_report(f);
	autofree char *whole = NULL;
	autoclose int fd = -1;

	if (str_eq(where, "-"))
		return 0;
	if (!where)
		return file_replace(dir_fd, STATE_REPORT, "", 0, 0600, e);
	fd = reporter_open(where);
	whole = fd < 0 ? NULL : realpath(where, NULL);
	if (!whole)
		return error_set(e, errno, "open %s for denied calls", where);
	return file_replace(dir_fd, STATE_REPORT, whole, strlen(whole), 0600, e);
}

int filter_save(const struct filter *f, int dir_fd, struct error *e)
{
	int r = 0;

	if (f->plain.n)
		r = seccomp_program_save(&f->plain, dir_fd, STATE_FILTER, e);
	return r == 0 && f->watched ? filter_save_report(f, dir_fd, e) : r;
}

void filter_done(struct filter *f)
{
	seccomp_program_unmap(f->shared);
	f->shared = NULL;
	seccomp_program_done(&f->plain);
}
