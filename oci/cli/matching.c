/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"

/* Listed first, and then acted on: what is removed meanwhile would disturb the list. */
struct matching {
	regex_t regex;
	struct arena arena;
	struct match {
		const char *id;
		struct match *next;
	} * first, **last;
};

static int matching_add(void *arg, const char *id)
{
	struct matching *m = arg;
	struct match *one;

	if (regexec(&m->regex, id, 0, NULL, 0) != 0)
		return 0;
	one = arena_alloc(&m->arena, sizeof(*one));
	if (!one)
		return -ENOMEM;
	one->id = arena_strdup(&m->arena, id);
	*m->last = one;
	m->last = &one->next;
	return one->id ? 0 : -ENOMEM;
}

int matching_each(struct cli *cli, const char *pattern, matching_act act, const void *arg)
{
	struct matching m = { .last = &m.first };
	struct error first = ERROR_INIT;
	const struct match *one;
	char why[128];
	int r;

	r = regcomp(&m.regex, pattern, REG_EXTENDED | REG_NOSUB);
	if (r) {
		regerror(r, &m.regex, why, sizeof(why));
		return error_say(&cli->error, EINVAL, "--regex: \"%s\": %s", pattern, why);
	}
	arena_init(&m.arena, 64u << 20);
	r = oci_list(&cli->rt, matching_add, &m, &cli->error);
	for (one = m.first; r == 0 && one; one = one->next) {
		cli->error = ERROR_INIT;
		if (act(cli, one->id, arg) == 0)
			continue;
		if (first.errnum)
			log_error(&first);
		first = cli->error;
	}
	cli->error = r < 0 ? cli->error : first;
	arena_done(&m.arena);
	regfree(&m.regex);
	return r < 0 ? r : -first.errnum;
}
