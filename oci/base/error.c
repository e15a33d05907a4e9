/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 0))) static void error_format(struct error *e, int errnum,
							       const char *fmt, va_list ap)
{
	e->errnum = errnum;
	e->step[0] = '\0';
	e->hint[0] = '\0';
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
}

int error_set(struct error *e, int errnum, const char *fmt, ...)
{
	size_t len;
	va_list ap;

	if (!e)
		return -errnum;

	va_start(ap, fmt);
	error_format(e, errnum, fmt, ap);
	va_end(ap);

	len = strlen(e->text);
	snprintf(e->text + len, sizeof(e->text) - len, ": %s",
		 strerrordesc_np(errnum) ?: "unknown error");
	return -errnum;
}

int error_say(struct error *e, int errnum, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return -errnum;

	va_start(ap, fmt);
	error_format(e, errnum, fmt, ap);
	va_end(ap);
	return -errnum;
}

int error_prefix(struct error *e, const char *fmt, ...)
{
	char old[sizeof(e->text)];
	va_list ap;
	size_t len;

	if (!e || !e->errnum)
		return -EIO;

	memcpy(old, e->text, sizeof(old));
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);

	len = strlen(e->text);
	snprintf(e->text + len, sizeof(e->text) - len, ": %.*s", (int)(sizeof(old) - 1), old);
	return -e->errnum;
}

void error_hint(struct error *e, const char *fmt, ...)
{
	va_list ap;

	if (!e || e->hint[0])
		return;

	va_start(ap, fmt);
	vsnprintf(e->hint, sizeof(e->hint), fmt, ap);
	va_end(ap);
}

void error_step(struct error *e, const char *step)
{
	if (e && !e->step[0])
		snprintf(e->step, sizeof(e->step), "%s", step);
}

const char *error_name(int errnum)
{
	static __thread char number[16];
	const char *name = strerrorname_np(errnum);

	if (name)
		return name;
	snprintf(number, sizeof(number), "%d", errnum);
	return number;
}
