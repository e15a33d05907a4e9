/* SPDX-License-Identifier: Apache-2.0 */
#include "run/rdt.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "run/state.h"
#include "spec/spec.h"

#define RDT_MOUNT        "/sys/fs/resctrl"
#define RDT_SCHEMATA_MAX 65536

#ifndef RDTGROUP_SUPER_MAGIC
#define RDTGROUP_SUPER_MAGIC 0x7655821
#endif

int rdt_open(struct error *e)
{
	autoclose int fd = open(RDT_MOUNT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == RDTGROUP_SUPER_MAGIC)
		return take_fd(&fd);
	error_say(e, ENOTSUP,
		  "linux.intelRdt: no resctrl file system is mounted at " RDT_MOUNT);
	error_hint(e, "mount -t resctrl resctrl " RDT_MOUNT
		      "; where that fails, this machine has no RDT: remove linux.intelRdt");
	return -ENOTSUP;
}

/* "/" is the root of them all. */
static const char *rdt_class(const struct spec_intel_rdt *rdt, const char *id)
{
	if (str_eq(rdt->clos_id, "/"))
		return ".";
	return rdt->clos_id ?: id;
}

static bool rdt_has_schemata(const struct spec_intel_rdt *rdt)
{
	return rdt->l3_cache_schema || rdt->mem_bw_schema || rdt->schemata.n;
}

int rdt_record(struct arena *a, const struct spec_intel_rdt *rdt, struct state *s,
	       struct error *e)
{
	if (!rdt->present)
		return 0;
	if (!rdt->clos_id)
		s->rdt_class = s->id;
	if (rdt->enable_monitoring)
		s->rdt_monitor =
			arena_printf(a, "%s/mon_groups/%s", rdt_class(rdt, s->id), s->id);
	return rdt->enable_monitoring && !s->rdt_monitor
		       ? error_set(e, ENOMEM, "linux.intelRdt")
		       : 0;
}

/* What the kernel has against it stands in a file of its own. */
static int rdt_fail(int rdt_fd, int r, const char *what, struct error *e)
{
	char words[160];

	if (file_read_line(rdt_fd, "info/last_cmd_status", words, sizeof(words)) < 0 ||
	    str_eq(words, "ok"))
		words[0] = '\0';
	error_set(e, -r, "linux.intelRdt: %s%s%s%s", what, words[0] ? " (" : "", words,
		  words[0] ? ")" : "");
	if (r == -ENOSPC)
		error_hint(e,
			   "the processor has no more classes or monitoring ids: remove groups "
			   "below " RDT_MOUNT " that nobody uses");
	return r;
}

static int rdt_write(int rdt_fd, const char *group, const char *file, const char *text,
		     struct error *e)
{
	char path[PATH_MAX], what[PATH_MAX + 256], shown[128];
	int r;

	r = str_format(path, sizeof(path), "%s/%s", group, file);
	if (r == 0)
		r = file_write(rdt_fd, path, text);
	if (r == 0)
		return 0;
	snprintf(what, sizeof(what), "write %s to %s", str_show(shown, sizeof(shown), text),
		 path);
	return rdt_fail(rdt_fd, r, what, e);
}

static int rdt_write_schema(int rdt_fd, const char *class, const char *line, struct error *e)
{
	autobuf text = { .max = RDT_SCHEMATA_MAX };
	int r;

	if (!line)
		return 0;
	r = buf_addf(&text, "%s\n", line);
	return r < 0 ? error_set(e, -r, "linux.intelRdt")
		     : rdt_write(rdt_fd, class, "schemata", text.data, e);
}

static int rdt_write_list(int rdt_fd, const char *class, const struct spec_strings *lines,
			  struct error *e)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < lines->n; i++)
		r = rdt_write_schema(rdt_fd, class, lines->v[i], e);
	return r;
}

static bool rdt_line_is(const char *line, size_t len, const char *wanted)
{
	while (len && *line == ' ')
		line++, len--;
	return strlen(wanted) == len && memcmp(line, wanted, len) == 0;
}

/* A class that others have set up must be what is asked for. */
static int rdt_compare(int rdt_fd, const char *class, const char *wanted, struct error *e)
{
	autobuf text = { 0 };
	char path[PATH_MAX];
	const char *line;
	size_t len;
	int r;

	if (!wanted)
		return 0;
	r = str_format(path, sizeof(path), "%s/schemata", class);
	if (r == 0)
		r = file_read(rdt_fd, path, RDT_SCHEMATA_MAX, &text, e);
	if (r < 0)
		return r;
	for (line = text.data ?: ""; *line; line += len + (line[len] == '\n')) {
		len = strcspn(line, "\n");
		if (rdt_line_is(line, len, wanted))
			return 0;
	}
	return error_say(e, EINVAL,
			 "linux.intelRdt: the class \"%s\" is there already, and has no \"%s\"",
			 class, wanted);
}

static int rdt_fill_class(int rdt_fd, const struct spec_intel_rdt *rdt, const char *class,
			  bool made, struct error *e)
{
	int (*each)(int rdt_fd, const char *class, const char *line, struct error *e) =
		made ? rdt_write_schema : rdt_compare;
	int r;

	r = each(rdt_fd, class, rdt->l3_cache_schema, e);
	if (r == 0)
		r = each(rdt_fd, class, rdt->mem_bw_schema, e);
	return r < 0 ? r : rdt_write_list(rdt_fd, class, &rdt->schemata, e);
}

static int rdt_make_group(int rdt_fd, const char *path, struct error *e)
{
	char what[PATH_MAX + 64];

	if (mkdirat(rdt_fd, path, 0755) == 0)
		return 0;
	snprintf(what, sizeof(what), "make the group %s", path);
	return rdt_fail(rdt_fd, -errno, what, e);
}

/* 1: it is new. */
static int rdt_make_class(int rdt_fd, const struct spec_intel_rdt *rdt, struct state *s,
			  const char *class, struct error *e)
{
	int r;

	if (rdt->clos_id && faccessat(rdt_fd, class, F_OK, 0) == 0)
		return 0;
	if (rdt->clos_id && !rdt_has_schemata(rdt)) {
		error_say(e, ENOENT,
			  "linux.intelRdt.closID: there is no class \"%s\" in " RDT_MOUNT,
			  class);
		error_hint(e, "make it first, or say by schemata what it is to have");
		return -ENOENT;
	}
	r = rdt_make_group(rdt_fd, class, e);
	if (r == -EEXIST)
		s->rdt_class = NULL;
	return r < 0 ? r : 1;
}

static int rdt_put(int rdt_fd, const char *group, pid_t pid, struct error *e)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", (int)pid);
	return rdt_write(rdt_fd, group, "tasks", number, e);
}

int rdt_create(int rdt_fd, const struct spec_intel_rdt *rdt, struct state *s, pid_t pid,
	       struct error *e)
{
	const char *class = rdt_class(rdt, s->id);
	int r;

	r = rdt_make_class(rdt_fd, rdt, s, class, e);
	if (r >= 0)
		r = rdt_fill_class(rdt_fd, rdt, class, r > 0, e);
	if (r == 0)
		r = rdt_put(rdt_fd, class, pid, e);
	if (r < 0 || !s->rdt_monitor)
		return r;
	r = rdt_make_group(rdt_fd, s->rdt_monitor, e);
	if (r == -EEXIST)
		s->rdt_monitor = NULL;
	return r < 0 ? r : rdt_put(rdt_fd, s->rdt_monitor, pid, e);
}

int rdt_add(int rdt_fd, const struct spec_intel_rdt *rdt, const char *id, pid_t pid,
	    struct error *e)
{
	char monitor[PATH_MAX];
	int r;

	r = rdt_put(rdt_fd, rdt_class(rdt, id), pid, e);
	if (r < 0 || !rdt->enable_monitoring)
		return r;
	r = str_format(monitor, sizeof(monitor), "%s/mon_groups/%s", rdt_class(rdt, id), id);
	return r < 0 ? error_set(e, -r, "linux.intelRdt") : rdt_put(rdt_fd, monitor, pid, e);
}

int rdt_update(int rdt_fd, const struct spec_intel_rdt *rdt, const char *id,
	       const struct spec_intel_rdt *change, struct error *e)
{
	return rdt_fill_class(rdt_fd, change, rdt_class(rdt, id), true, e);
}

static int rdt_remove_group(int rdt_fd, const char *path, struct error *e)
{
	char what[PATH_MAX + 64];

	if (!path || unlinkat(rdt_fd, path, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	snprintf(what, sizeof(what), "remove the group %s", path);
	return rdt_fail(rdt_fd, -errno, what, e);
}

int rdt_remove(int rdt_fd, const struct state *s, struct error *e)
{
	int r = rdt_remove_group(rdt_fd, s->rdt_monitor, e);

	return r < 0 ? r : rdt_remove_group(rdt_fd, s->rdt_class, e);
}
