/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "action.h"
#include "base/error.h"
#include "base/str.h"
#include "flags.h"

static int main_check(const struct flags *f, struct error *e)
{
	if (str_empty(f->namespace))
		return error_say(e, EINVAL, "-namespace is missing");
	if (str_empty(f->id))
		return error_say(e, EINVAL, "-id is missing");
	return 0;
}

static int main_act(const struct flags *f, struct error *e)
{
	int r = main_check(f, e);

	if (r < 0)
		return r;
	if (str_eq(f->action, "start"))
		return start_run(f, e);
	if (str_eq(f->action, "delete"))
		return delete_run(f, e);
	return error_say(e, EINVAL, "the action is start or delete, not \"%s\"", f->action);
}

int main(int argc, char **argv)
{
	struct error e = ERROR_INIT;
	struct flags f;
	int r;

	if (argc == 2 && str_eq(argv[1], "pause"))
		return pause_run(&e) < 0;
	r = flags_read(argc, argv, &f, &e);
	if (r == 0 && f.version) {
		printf("containerd-shim-strake-v1:\n  Version:  " STRAKE_VERSION "\n");
		return 0;
	}
	if (r == 0 && f.help) {
		flags_print_help();
		return 0;
	}
	if (r == 0)
		r = f.info ? info_run(&e) : main_act(&f, &e);
	if (r < 0)
		fprintf(stderr, "containerd-shim-strake-v1: %s%s%s\n", e.text,
			*e.hint ? "; " : "", e.hint);
	return r < 0;
}
