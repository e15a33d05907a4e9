/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"
#include "run/doctor.h"

struct doctor_options {
	const char *bundle;
	const char *config;
	bool json;
};

static const struct option_row rows[] = {
	{ "bundle", 'b', OPTION_STRING, offsetof(struct doctor_options, bundle), "DIR",
	  "also whether the container of this bundle can run" },
	{ "config", 'f', OPTION_STRING, offsetof(struct doctor_options, config), "FILE",
	  "instead of the bundle's config.json" },
	{ "json", 0, OPTION_FLAG, offsetof(struct doctor_options, json), NULL,
	  "print JSON, not lines" },
};

const struct option_table doctor_table = {
	.usage = "doctor [options]",
	.about =
		"Tells whether containers can run here, and what to do where not: kernel, namespaces,\n"
		"cgroups and systemd, seccomp, ids of users, keyrings; and of a bundle, its policy, mounts,\n"
		"limits, profiles and hooks. Status 1 where something stands in the way.",
	.rows = rows,
	.n = ARRAY_SIZE(rows),
};

struct patient {
	struct json_writer *w; /* or NULL: lines */
	bool colour;
};

static const char *const names[] = {
	[DOCTOR_FINE] = "fine",
	[DOCTOR_LACKS] = "lacks",
	[DOCTOR_FAILS] = "fails",
};

static void tell_json(struct json_writer *w, enum doctor_verdict v, const char *what,
		      const char *advice)
{
	json_write_object(w);
	json_put_string(w, "verdict", names[v]);
	json_put_string(w, "what", what);
	if (advice[0])
		json_put_string(w, "advice", advice);
	json_write_end(w);
}

static void tell(void *arg, enum doctor_verdict v, const char *what, const char *advice)
{
	static const char *const colours[] = {
		[DOCTOR_FINE] = "\033[32m",
		[DOCTOR_LACKS] = "\033[33m",
		[DOCTOR_FAILS] = "\033[31m",
	};
	const struct patient *p = arg;

	if (p->w) {
		tell_json(p->w, v, what, advice);
		return;
	}
	printf("%s%-5s%s  %s\n", p->colour ? colours[v] : "", names[v],
	       p->colour ? "\033[0m" : "", what);
	if (advice[0])
		printf("       %s\n", advice);
}

static int doctor_ask(struct cli *cli, const struct doctor_options *opt, struct patient *p)
{
	struct arena a;
	struct doctor d = { .rt = &cli->rt, .arena = &a, .tell = tell, .arg = p };

	arena_init(&a, 64u << 20);
	doctor_look_at_machine(&d);
	if (opt->bundle || opt->config)
		doctor_look_at_bundle(&d, opt->bundle, opt->config);
	arena_done(&a);
	return d.failed ? 1 : 0;
}

int verb_doctor(struct cli *cli, int argc, char **argv)
{
	struct doctor_options opt = { 0 };
	struct patient p = { .colour = isatty(STDOUT_FILENO) };
	autojson *w = NULL;
	int first, r, sick;

	r = options_read(&doctor_table, argc, argv, &opt, &first, &cli->error);
	if (r)
		return r > 0 ? 0 : r;
	if (opt.json) {
		w = p.w = json_writer_new(true);
		if (!w)
			return error_set(&cli->error, ENOMEM, "doctor");
		json_write_array(w);
	}
	sick = doctor_ask(cli, &opt, &p);
	if (w) {
		json_write_end(w);
		r = output_json(w, &cli->error);
	}
	return r < 0 ? r : sick;
}
