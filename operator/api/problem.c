// SPDX-License-Identifier: Apache-2.0
#include "api/problem.h"

#define PROBLEMS_MAX 8192
#define PROBLEMS_SAY 1024

void problems_init(struct problems *p)
{
	p->count = 0;
	buf_init(&p->text, PROBLEMS_MAX);
}

void problems_done(struct problems *p)
{
	buf_done(&p->text);
}

void problems_reset(struct problems *p)
{
	p->count = 0;
	buf_reset(&p->text);
}

const char *problems_text(const struct problems *p)
{
	return p->text.data ? p->text.data : "";
}

void problems_add(struct problems *p, const char *path, const char *fmt, ...)
{
	va_list ap;

	p->count++;
	if (p->text.len > PROBLEMS_SAY)
		return;
	va_start(ap, fmt);
	if (buf_addf(&p->text, "%sspec%s%s: ", p->text.len ? "; " : "", *path ? "." : "",
		     path) == 0)
		buf_vaddf(&p->text, fmt, ap);
	va_end(ap);
}
