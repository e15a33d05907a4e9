/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/json.h"
#include "cli/cli.h"
#include "oci.h"

const struct option_table features_table = {
	.usage = "features",
	.about = "Prints what this runtime supports, as JSON (runtime-spec, \"features.md\").",
};

int verb_features(struct cli *cli, int argc, char **argv)
{
	autojson *w = json_writer_new(true);
	int first, r;

	r = options_read(&features_table, argc, argv, NULL, &first, &cli->error);
	if (r)
		return r > 0 ? 0 : r;
	if (!w)
		return error_set(&cli->error, ENOMEM, "features");
	oci_features(w);
	return output_json(w, &cli->error);
}
