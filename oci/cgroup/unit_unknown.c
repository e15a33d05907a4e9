/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "cgroup/unit.h"

#define UNKNOWN_MAX 4096

static bool unknown_names(const char *text, const char *name)
{
	size_t len = strlen(name);
	const char *p = text;

	while ((p = strstr(p, name))) {
		if ((p == text || !isalnum((unsigned char)p[-1])) &&
		    !isalnum((unsigned char)p[len]))
			return true;
		p += len;
	}
	return false;
}

static bool unknown_concerns(const struct property *p, const struct bus_event *why)
{
	if (p->needed || !unknown_names(why->text, p->name))
		return false;
	/* "Cannot set property MemoryZSwapMax, or unknown property." */
	if (str_eq(why->name, "org.freedesktop.DBus.Error.PropertyReadOnly"))
		return true;
	/* Before systemd 252 a weight of 0, which is cpu.idle, is out of range. */
	return str_eq(why->name, "org.freedesktop.DBus.Error.InvalidArgs") &&
	       str_eq(p->name, "CPUWeight") && p->number == 0;
}

const char *unit_unknown_drop(struct properties *p, const struct bus_event *why)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		const char *name = p->v[i].name;

		if (!unknown_concerns(&p->v[i], why))
			continue;
		log_debug("systemd does not know %s: it goes without", name);
		properties_drop(p, name);
		return name;
	}
	return NULL;
}

void unit_unknown_remember(int state_fd, const char *name)
{
	char line[64];
	int fd;

	/* A weight of 0 is no reason to leave out other weights. */
	if (state_fd < 0 || str_eq(name, "CPUWeight") ||
	    str_format(line, sizeof(line), "%s\n", name) < 0)
		return;
	fd = openat(state_fd, UNIT_UNKNOWN_FILE,
		    O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	(void)fd_write_all(fd, line, strlen(line));
	close(fd);
}

void unit_unknown_forget(int state_fd, struct properties *p)
{
	char text[UNKNOWN_MAX], *save = NULL, *name;

	if (state_fd < 0 || file_read_line(state_fd, UNIT_UNKNOWN_FILE, text, sizeof(text)) < 0)
		return;
	for (name = strtok_r(text, "\n", &save); name; name = strtok_r(NULL, "\n", &save)) {
		const struct property *at = properties_get(p, name);

		if (at && !at->needed)
			properties_drop(p, name);
	}
}
