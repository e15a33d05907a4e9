// SPDX-License-Identifier: Apache-2.0
#include "operator.h"
#include "verb.h"

int verb_run(const struct config *c, struct error *e)
{
	static struct operator_ o;
	int r = operator_init(&o, c, e);

	if (!r)
		r = operator_run(&o, e);
	operator_done(&o);
	return r;
}
