/* SPDX-License-Identifier: Apache-2.0 */
#include "base/passwd.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

#define PASSWD_FILE   "/etc/passwd"
#define PASSWD_MAX    (1u << 20)
#define PASSWD_LINE   1024
#define PASSWD_UID    2
#define PASSWD_FIELDS 7

static FILE *passwd_open(void)
{
	autoclose int fd = open(PASSWD_FILE, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	FILE *f;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return NULL;
	f = fdopen(fd, "re");
	if (f)
		take_fd(&fd);
	return f;
}

/* NULL where the line is no user's with that number. */
static const char *passwd_split(char *line, const char *number, enum passwd_field field)
{
	char *fields[PASSWD_FIELDS] = { 0 }, *rest = line;
	int i;

	for (i = 0; i < PASSWD_FIELDS && rest; i++)
		fields[i] = strsep(&rest, ":\n");
	return fields[PASSWD_HOME] && str_eq(fields[PASSWD_UID], number) ? fields[field] : NULL;
}

bool passwd_find(uint32_t uid, enum passwd_field field, char *dst, size_t size)
{
	char line[PASSWD_LINE], number[16];
	size_t left = PASSWD_MAX;
	const char *found = NULL;
	FILE *f = passwd_open();

	dst[0] = '\0';
	if (!f)
		return false;
	snprintf(number, sizeof(number), "%u", uid);
	while (!found && fgets(line, sizeof(line), f) && strlen(line) < left) {
		left -= strlen(line);
		found = passwd_split(line, number, field);
	}
	fclose(f);
	if (str_empty(found) || strlen(found) >= size)
		return false;
	strcpy(dst, found);
	return true;
}
