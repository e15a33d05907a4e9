/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"
#include "spec/parse.h"
#include "spec/spec.h"

const struct option_table mounts_table = {
	.usage = "mounts add|remove ID FILE",
	.about =
		"Adds mounts to a running container, or removes them. FILE holds them as JSON: a list as in\n"
		"config.json, or an object with that list as its \"mounts\". Of those to remove only the\n"
		"destination counts. Added are all of them, or none; what the node's policies say holds.",
	.min_args = 3,
	.max_args = 3,
};

/* A list becomes the document that it is a part of. */
static int mounts_read(const char *file, struct buf *ret, struct error *e)
{
	autobuf text = { 0 };
	int r;

	r = file_read(AT_FDCWD, file, SPEC_MAX_BYTES / 2, &text, e);
	buf_init(ret, SPEC_MAX_BYTES);
	if (r < 0)
		return r;
	if (text.len > 0 && text.data[strspn(text.data, " \t\r\n")] == '[')
		r = buf_addf(ret, "{\"mounts\":%s}", text.data);
	else
		r = buf_add(ret, text.data, text.len);
	return r < 0 ? error_set(e, -r, "%s", file) : 0;
}

int verb_mounts(struct cli *cli, int argc, char **argv)
{
	struct spec mounts = { 0 };
	autobuf text = { 0 };
	bool add;
	int first, r;

	r = options_read(&mounts_table, argc, argv, NULL, &first, &cli->error);
	if (r)
		return r > 0 ? 0 : r;
	add = str_eq(argv[first], "add");
	if (!add && !str_eq(argv[first], "remove"))
		return error_say(&cli->error, EINVAL,
				 "mounts: \"%s\" is neither add nor remove", argv[first]);
	r = mounts_read(argv[first + 2], &text, &cli->error);
	if (r == 0)
		r = spec_parse(argv[first + 2], text.data, text.len, &mounts, &cli->error);
	if (r < 0)
		return r;
	if (mounts.n_mounts == 0)
		r = error_say(&cli->error, EINVAL, "%s: there are no mounts in it",
			      argv[first + 2]);
	else if (add)
		r = oci_mounts_add(&cli->rt, argv[first + 1], &mounts, &cli->error);
	else
		r = oci_mounts_remove(&cli->rt, argv[first + 1], &mounts, &cli->error);
	spec_done(&mounts);
	return r;
}
