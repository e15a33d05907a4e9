/* SPDX-License-Identifier: Apache-2.0 */
#include "contender.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "sample.h"

static const struct {
	const char *name;
	const char *cgroup_option[CGROUP_MODES];
} known[] = {
	{ "floor", { "", NULL, NULL } },
	{ "strake",
	  { "--cgroup-manager=disabled", "--cgroup-manager=cgroupfs", "--systemd-cgroup" } },
	{ "crun",
	  { "--cgroup-manager=disabled", "--cgroup-manager=cgroupfs", "--systemd-cgroup" } },
	{ "runc", { NULL, "", "--systemd-cgroup" } },
};

const char *cgroup_mode_name(enum cgroup_mode mode)
{
	static const char *const names[] = { "disabled", "cgroupfs", "systemd" };

	return names[mode];
}

int contender_init(struct contender *c, const char *name, const char *path, struct error *e)
{
	struct stat st;
	size_t i;
	int r;

	*c = (struct contender){ 0 };
	for (i = 0; i < ARRAY_SIZE(known); i++) {
		if (str_eq(known[i].name, name))
			break;
	}
	if (i == ARRAY_SIZE(known))
		return error_say(e, EINVAL, "'%s' is none of floor, strake, crun, runc", name);
	memcpy(c->cgroup_option, known[i].cgroup_option, sizeof(c->cgroup_option));
	c->is_floor = str_eq(name, "floor");
	r = str_copy(c->name, sizeof(c->name), name);
	if (r == 0)
		r = str_copy(c->path, sizeof(c->path), path);
	if (r < 0)
		return error_set(e, -r, "%s: %s", name, path);
	if (stat(path, &st) < 0)
		return error_set(e, errno, "%s: %s", name, path);
	c->bytes = st.st_size;
	return 0;
}

/* "crun version 1.28": what follows the word "version", or else the last word of the first line. */
static void take_version(struct contender *c, const char *text)
{
	const char *start = strstr(text, "version ");
	size_t len = strcspn(text, "\n");

	if (start && start < text + len) {
		start += strlen("version ");
		len = strcspn(start, " \n");
	} else {
		for (start = text + len; start > text && start[-1] != ' '; start--)
			continue;
		len = strcspn(start, "\n");
	}
	snprintf(c->version, sizeof(c->version), "%.*s", (int)len, start);
}

/* Sums up what the dynamic linker lists: "\tlibc.so.6 => /lib/libc.so.6 (0x7f...)". */
static void add_libraries(struct contender *c, const char *text)
{
	const char *path;
	char file[256];
	struct stat st;

	for (path = strchr(text, '/'); path; path = strchr(path, '/')) {
		size_t len = strcspn(path, " \n");

		snprintf(file, sizeof(file), "%.*s", (int)len, path);
		if (stat(file, &st) == 0 && S_ISREG(st.st_mode))
			c->bytes_with_libraries += st.st_size;
		path += strcspn(path, "\n");
	}
}

int contender_describe(struct contender *c, struct sampler *s, struct error *e)
{
	const char *argv[] = { c->path, "--version", NULL };
	autobuf version = { 0 }, libraries = { 0 };
	int r;

	c->bytes_with_libraries = c->bytes;
	if (c->is_floor)
		return 0;
	buf_init(&version, 65536);
	buf_init(&libraries, 65536);
	r = sampler_read(s, argv, NULL, &version, e);
	if (r < 0)
		return r;
	take_version(c, version.data ? version.data : "");
	r = sampler_read(s, argv, "LD_TRACE_LOADED_OBJECTS=1", &libraries, e);
	/* A static program ignores the variable and prints its version again. */
	if (r == 0 && libraries.data && !str_eq(libraries.data, version.data))
		add_libraries(c, libraries.data);
	return r;
}

void contender_command(const struct contender *c, enum cgroup_mode mode, const char *root,
		       const char *argv[CONTENDER_ARGS], ...)
{
	const char *option = c->cgroup_option[mode];
	size_t n = 0;
	va_list ap;

	argv[n++] = c->path;
	if (!c->is_floor) {
		if (!str_empty(option))
			argv[n++] = option;
		argv[n++] = "--root";
		argv[n++] = root;
	}
	va_start(ap, argv);
	while (n < CONTENDER_ARGS && (argv[n] = va_arg(ap, const char *)))
		n++;
	va_end(ap);
	argv[CONTENDER_ARGS - 1] = NULL;
}
