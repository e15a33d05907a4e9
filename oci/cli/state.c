/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"

const struct option_table state_table = {
	.usage = "state ID",
	.about = "Prints the state of a container as JSON (runtime-spec, \"State\").",
	.min_args = 1,
	.max_args = 1,
};

int verb_state(struct cli *cli, int argc, char **argv)
{
	autojson *w = json_writer_new(true);
	struct oci_state s;
	struct arena a;
	int first, r;

	r = options_read(&state_table, argc, argv, NULL, &first, &cli->error);
	if (r)
		return r > 0 ? 0 : r;
	if (!w)
		return error_set(&cli->error, ENOMEM, "state");
	arena_init(&a, 64u << 20);
	r = oci_state(&cli->rt, argv[first], &a, &s, &cli->error);
	if (r == 0) {
		output_state(w, &s);
		r = output_json(w, &cli->error);
	}
	arena_done(&a);
	return r;
}
