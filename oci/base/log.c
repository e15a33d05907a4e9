/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/stamp.h"
#include "base/str.h"

static struct {
	int fd;
	bool json;
	enum log_level most;
} log_target = { .fd = STDERR_FILENO, .most = LOG_LEVEL_WARNING };

static const char *const log_level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

void log_to(int fd, bool json, enum log_level most)
{
	log_target.fd = fd;
	log_target.json = json;
	log_target.most = most;
}

void log_move(int fd)
{
	log_target.fd = fd;
}

int log_fd(void)
{
	return log_target.fd;
}

enum log_level log_most(void)
{
	return log_target.most;
}

static void log_add_quoted(struct buf *line, const char *text)
{
	buf_addc(line, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_addc(line, '\\');
		buf_addc(line, *text);
	}
	buf_addc(line, '"');
}

/* Text may hold what a config or an image says: no control character of theirs reaches a terminal. */
static void log_record(enum log_level level, const char *text, const struct error *e)
{
	autobuf line = { .max = 1 << 14 };
	autojson *w = NULL;
	char stamp[STAMP_SIZE], shown[2048];

	stamp_now(stamp);
	if (log_target.json && (w = json_writer_new(false))) {
		json_write_object(w);
		json_put_string(w, "level", log_level_names[level]);
		json_put_string(w, "msg", text);
		json_put_string(w, "time", stamp);
		if (e && e->errnum)
			json_put_string(w, "code", error_name(e->errnum));
		if (e && e->step[0])
			json_put_string(w, "step", e->step);
		if (e && e->hint[0])
			json_put_string(w, "hint", e->hint);
		json_write_end(w);
		if (json_writer_end(w, &line) < 0)
			return;
	} else if (log_target.fd == STDERR_FILENO) {
		buf_addf(&line, "strake: %s%s",
			 level == LOG_LEVEL_ERROR ? "" : log_level_names[level],
			 level == LOG_LEVEL_ERROR ? "" : ": ");
		buf_adds(&line, str_show(shown, sizeof(shown), text));
		if (e && e->hint[0])
			buf_addf(&line, "\n  hint: %s",
				 str_show(shown, sizeof(shown), e->hint));
	} else {
		buf_addf(&line, "time=\"%s\" level=%s msg=", stamp, log_level_names[level]);
		log_add_quoted(&line, str_show(shown, sizeof(shown), text));
		if (e && e->hint[0]) {
			buf_adds(&line, " hint=");
			log_add_quoted(&line, str_show(shown, sizeof(shown), e->hint));
		}
	}
	buf_addc(&line, '\n');
	if (line.data)
		(void)fd_write_all(log_target.fd, line.data, line.len);
}

void log_write(enum log_level level, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	if (level > log_target.most)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_record(level, text, NULL);
}

void log_error(const struct error *e)
{
	log_record(LOG_LEVEL_ERROR, e->text[0] ? e->text : "unknown error", e);
}
