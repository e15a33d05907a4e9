/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/path.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "cgroup/cgroup.h"

static int path_refuse(struct error *e, const char *cgroups_path, const char *why)
{
	char shown[160];

	return error_say(e, EINVAL, "linux.cgroupsPath \"%s\": %s",
			 str_show(shown, sizeof(shown), cgroups_path), why);
}

/* What mkdir(2) in cgroupfs would refuse with less to say. */
static const char *path_fault(const char *clean)
{
	const char *p = clean;

	if (strcmp(clean, "/") == 0)
		return "this is the root cgroup, in which no container can live";
	if (strchr(clean, '\n'))
		return "a cgroup's name can hold no newline";
	while (*p) {
		size_t len;

		p++;
		len = strcspn(p, "/");
		if (len > NAME_MAX)
			return "a name in it is longer than 255 bytes";
		p += len;
	}
	return NULL;
}

/* The parent of the caller's own cgroup: "/a/b" -> "/a", "/a" -> "". */
static int path_base_of(const char *own, char *dst, size_t size, struct error *e)
{
	char *slash;

	/* Seen from a cgroup namespace that our own cgroup is no part of. */
	if (str_starts(own, "/..")) {
		error_say(e, ENOTSUP,
			  "our own cgroup, \"%s\", is outside of our cgroup namespace", own);
		error_hint(e, "give an absolute linux.cgroupsPath");
		return -ENOTSUP;
	}
	if (path_clean(dst, size, own) < 0)
		return error_say(e, ENAMETOOLONG, "the path of our own cgroup is too long");
	slash = strrchr(dst, '/');
	*slash = '\0';
	return 0;
}

int cgroup_path(const char *cgroups_path, const char *id, const char *own, char *dst,
		struct error *e)
{
	const char *asked = str_empty(cgroups_path) ? id : cgroups_path;
	char base[CGROUP_PATH_MAX] = "", rest[CGROUP_PATH_MAX], whole[CGROUP_PATH_MAX];
	const char *fault;
	int r;

	if (str_empty(cgroups_path) || cgroups_path[0] != '/') {
		r = path_base_of(own, base, sizeof(base), e);
		if (r < 0)
			return r;
	}
	/* Cleaned before it is joined: ".." ends at the base and cannot leave it. */
	if (path_clean(rest, sizeof(rest), asked) < 0)
		return path_refuse(e, asked, "longer than 4095 bytes");
	fault = path_fault(rest);
	if (fault)
		return path_refuse(e, asked, fault);
	if (str_format(whole, sizeof(whole), "%s%s", base, rest) < 0)
		return path_refuse(e, asked,
				   "longer than 4095 bytes with what stands before it");
	strcpy(dst, whole);
	return 0;
}

bool cgroup_path_is_clean(const char *path)
{
	char clean[CGROUP_PATH_MAX];

	return path_clean(clean, sizeof(clean), path) == 0 && strcmp(clean, path) == 0;
}

bool cgroup_path_below(const char *path, const char *parent)
{
	size_t len = strlen(parent);

	if (len == 1 && parent[0] == '/')
		return path[0] == '/';
	return strncmp(path, parent, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

/* The "0::" line; v1 hierarchies, if there are any, stand before it. */
static const char *path_find_unified(char *text)
{
	char *save = NULL, *line;

	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (str_starts(line, "0::/"))
			return line + 3;
	return NULL;
}

int cgroup_path_of(pid_t pid, char *dst, struct error *e)
{
	char name[32];
	const char *path;
	struct buf text;
	int r;

	if (pid)
		snprintf(name, sizeof(name), "/proc/%d/cgroup", (int)pid);
	else
		strcpy(name, "/proc/self/cgroup");
	r = file_read(AT_FDCWD, name, 65536, &text, e);
	if (r < 0)
		return r;
	path = text.data ? path_find_unified(text.data) : NULL;
	if (!path)
		r = error_say(e, ENOTSUP, "%s has no line of cgroup v2", name);
	else if (str_ends(path, " (deleted)"))
		r = error_say(e, ENOENT, "%s: the cgroup was removed", name);
	else if (str_copy(dst, CGROUP_PATH_MAX, path) < 0)
		r = error_say(e, ENAMETOOLONG, "%s: the path is too long", name);
	buf_done(&text);
	return r;
}

/* --- systemd ------------------------------------------------------------------------------ */

/* systemd.unit(5): what a unit's name may hold. */
static bool unit_chars_valid(const char *s)
{
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr(":-_.\\@", *s))
			return false;
	return true;
}

/* Cuts the text at ':' into exactly three. False: there are fewer or more. */
static bool unit_split(char *text, const char *part[3])
{
	char *first = strchr(text, ':'), *second = first ? strchr(first + 1, ':') : NULL;

	if (!second || strchr(second + 1, ':'))
		return false;
	*first = *second = '\0';
	part[0] = text;
	part[1] = first + 1;
	part[2] = second + 1;
	return true;
}

static int unit_name(const char *prefix, const char *name, struct cgroup_unit *u)
{
	u->is_slice = str_ends(name, ".slice");
	if (u->is_slice)
		return str_copy(u->name, sizeof(u->name), name);
	return str_format(u->name, sizeof(u->name), "%s%s%s.scope", prefix, *prefix ? "-" : "",
			  name);
}

int cgroup_unit_parse(const char *cgroups_path, const char *id, bool rootless,
		      struct cgroup_unit *ret, struct error *e)
{
	const char *fallback = rootless ? "user.slice" : "system.slice";
	const char *part[3] = { "", "strake", id };
	char text[CGROUP_PATH_MAX], path[CGROUP_PATH_MAX];
	struct cgroup_unit u;
	const char *slice;

	if (!str_empty(cgroups_path)) {
		if (str_copy(text, sizeof(text), cgroups_path) < 0)
			return path_refuse(e, cgroups_path, "longer than 4095 bytes");
		if (!unit_split(text, part)) {
			path_refuse(e, cgroups_path,
				    "with systemd it must have the form slice:prefix:name");
			error_hint(e, "for a plain path use the cgroupfs manager "
				      "(no --systemd-cgroup)");
			return -EINVAL;
		}
		if (str_empty(part[2]))
			return path_refuse(e, cgroups_path,
					   "the unit's name, its third part, "
					   "is empty");
	}
	if (!unit_chars_valid(part[0]) || !unit_chars_valid(part[1]) ||
	    !unit_chars_valid(part[2]))
		return path_refuse(e, cgroups_path ? cgroups_path : id,
				   "a unit's name holds letters, digits and \":-_.\\@\" only");

	slice = str_empty(part[0]) ? fallback : part[0];
	if (strcmp(slice, "-") == 0)
		slice = "-.slice";
	if (str_copy(u.slice, sizeof(u.slice), slice) < 0 ||
	    unit_name(part[1], part[2], &u) < 0)
		return path_refuse(e, cgroups_path ? cgroups_path : id,
				   "a unit's name is at most 255 bytes long");
	if (cgroup_slice_path(u.slice, path, sizeof(path), NULL) < 0)
		return path_refuse(e, cgroups_path,
				   "the slice, its first part, is no valid "
				   "name such as \"a-b.slice\"");
	*ret = u;
	return 0;
}

int cgroup_slice_path(const char *slice, char *dst, size_t size, struct error *e)
{
	size_t len = strlen(slice), stem = len - strlen(".slice"), out = 0, i;

	if (!str_ends(slice, ".slice") || stem == 0 || strchr(slice, '/'))
		goto invalid;
	if (strcmp(slice, "-.slice") == 0)
		return str_copy(dst, size, "/") < 0 ? error_say(e, ENAMETOOLONG, "%s", slice)
						    : 0;
	if (slice[0] == '-' || slice[stem - 1] == '-' || strstr(slice, "--"))
		goto invalid;

	/* Each '-' ends the name of one more parent: "a-b-c" is in "a-b" is in "a". */
	for (i = 1; i <= stem; i++) {
		int n;

		if (i < stem && slice[i] != '-')
			continue;
		n = snprintf(dst + out, size - out, "/%.*s.slice", (int)i, slice);
		if (n < 0 || (size_t)n >= size - out)
			return error_say(e, ENAMETOOLONG, "the slice %s: path too long", slice);
		out += (size_t)n;
	}
	return 0;

invalid:
	return error_say(e, EINVAL, "\"%s\" is no valid name of a slice", slice);
}
