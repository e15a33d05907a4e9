/* SPDX-License-Identifier: Apache-2.0 */
#include "criu/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"

#define LOG_TAIL  65536 /* bytes of its end that are looked at */
#define LOG_LINES 3
#define LOG_SHOWN 240 /* of each line */

/* "(00.042) Error (criu/x.c:12): no such thing": from "Error" on, or NULL. */
static const char *log_error_of(char *line)
{
	char *at = strstr(line, "Error ");

	return at && (at == line || at[-1] == ' ') ? at : NULL;
}

/* The last errors, oldest first. How many they are. */
static size_t log_last_errors(char *text, const char *ret[LOG_LINES])
{
	char *line, *rest = text;
	const char *found;
	size_t n = 0;

	while ((line = strsep(&rest, "\n"))) {
		found = log_error_of(line);
		if (!found)
			continue;
		if (n == LOG_LINES)
			memmove(ret, ret + 1, --n * sizeof(*ret));
		ret[n++] = found;
	}
	return n;
}

void criu_log_tell(int dir_fd, const char *dir, const char *file, struct error *e)
{
	autoclose int fd = openat(dir_fd, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	const char *errors[LOG_LINES];
	char text[LOG_TAIL + 1], shown[LOG_SHOWN], *said;
	size_t n, i, len;
	ssize_t got;
	off_t end;

	if (fd < 0 || !e)
		return;
	end = lseek(fd, 0, SEEK_END);
	got = pread(fd, text, LOG_TAIL, end > LOG_TAIL ? end - LOG_TAIL : 0);
	if (got <= 0)
		return;
	text[got] = '\0';
	n = log_last_errors(text, errors);
	/* What CRIU has said over its socket is one of these. */
	said = n ? strstr(e->text, ": Error (") : NULL;
	if (said)
		*said = '\0';
	for (i = 0; i < n; i++) {
		len = strlen(e->text);
		snprintf(e->text + len, sizeof(e->text) - len, "; %s",
			 str_show(shown, sizeof(shown), errors[i]));
	}
	error_hint(e, "the whole log is %s/%s", dir, file);
}
