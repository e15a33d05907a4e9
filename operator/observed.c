// SPDX-License-Identifier: Apache-2.0
#include "observed.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/str.h"

static const char *const roles[] = { NULL, "primary", "replica" };

const char *role_name(enum role role)
{
	return roles[role];
}

enum role role_from_name(const char *name)
{
	for (enum role r = ROLE_PRIMARY; r <= ROLE_REPLICA; r++)
		if (str_eq(name, roles[r]))
			return r;
	return ROLE_NONE;
}

const char *seen_certificate_text(const struct seen_certificate *c,
				  char dst[SEEN_CERTIFICATE_MAX])
{
	time_t at = (time_t)c->not_after;
	char until[24];
	struct tm tm;

	gmtime_r(&at, &tm);
	strftime(until, sizeof(until), "%Y-%m-%dT%H:%M:%SZ", &tm);
	snprintf(dst, SEEN_CERTIFICATE_MAX, "%s %016" PRIx64 " %016" PRIx64, until,
		 c->made_from, c->authority);
	return dst;
}

struct seen_certificate seen_certificate_read(const char *text)
{
	struct seen_certificate c = { 0 };
	struct tm tm = { 0 };
	const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm) : NULL;

	if (!rest || sscanf(rest, " %16" SCNx64 " %16" SCNx64, &c.made_from, &c.authority) != 2)
		return (struct seen_certificate){ 0 };
	c.not_after = timegm(&tm);
	return c;
}
