// SPDX-License-Identifier: Apache-2.0
#include "node.h"
#include "verb.h"

int verb_node(const struct config *c, struct error *e)
{
	return node_run(c, e);
}
