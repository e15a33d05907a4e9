// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "config.h"
#include "document.h"
#include "verb.h"

static int check(void *arg, struct database *d, const struct problems *p, struct error *e)
{
	unsigned *bad = arg;

	(void)e;
	if (p->count) {
		(*bad)++;
		printf("%s/%s: %s\n", d->namespace, d->name, problems_text(p));
	} else {
		printf("%s/%s: valid\n", d->namespace, d->name);
	}
	return 0;
}

int verb_check(const struct config *c, struct error *e)
{
	unsigned bad = 0;
	int r = documents_each(c->file, check, &bad, e);

	return r < 0 ? r : bad > 0;
}
