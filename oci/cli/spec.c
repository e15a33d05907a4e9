/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"
#include "seccomp/abi.h"
#include "seccomp/profile.h"
#include "spec/parse.h"
#include "spec/spec.h"
#include "spec/template.h"

#define CONFIG "config.json"

struct spec_options {
	const char *bundle;
	const char *seccomp;
	bool rootless;
};

#define ROW(name, letter, kind, field, value, help)                                   \
	{                                                                             \
		name, letter, kind, offsetof(struct spec_options, field), value, help \
	}

static const struct option_row rows[] = {
	ROW("bundle", 'b', OPTION_STRING, bundle, "DIR", "folder to write it to [.]"),
	ROW("rootless", 0, OPTION_FLAG, rootless, NULL, "for a container without root"),
	ROW("seccomp", 0, OPTION_STRING, seccomp, "FILE",
	    "put in this profile (Docker's format), resolved for the container's capabilities"),
};

const struct option_table spec_table = {
	.usage = "spec [options]",
	.about =
		"Writes a config.json to start from. With --seccomp, a config.json that is there\n"
		"already gets the profile and stays as it is otherwise.",
	.rows = rows,
	.n = ARRAY_SIZE(rows),
};

static int spec_from_template(const struct spec_options *opt, struct buf *ret, struct error *e)
{
	struct spec_template t = { .rootless = opt->rootless,
				   .uid = geteuid(),
				   .gid = getegid() };
	autojson *w = json_writer_new(true);
	int r;

	if (!w)
		return error_set(e, ENOMEM, CONFIG);
	buf_init(ret, SPEC_MAX_BYTES);
	spec_template_write(w, &t);
	r = json_writer_end(w, ret);
	return r < 0 ? error_set(e, -r, CONFIG) : 0;
}

/* What the profile may depend on: the capabilities in the text, this machine, this kernel. */
static int spec_target(const struct buf *text, struct seccomp_profile_for *ret, struct error *e)
{
	struct utsname system;
	struct spec s;
	int r;

	r = spec_parse(CONFIG, text->data, text->len, &s, e);
	if (r < 0)
		return r;
	ret->bounding = s.process.capabilities.bounding;
	spec_done(&s);
	ret->native = seccomp_abi_native();
	uname(&system);
	if (sscanf(system.release, "%u.%u", &ret->kernel_major, &ret->kernel_minor) != 2)
		return error_say(e, EINVAL, "kernel release \"%s\" has no version",
				 system.release);
	return 0;
}

/* The document as it is, but for linux.seccomp. */
static void spec_write_linux(struct json_writer *w, const struct json *linux_,
			     const struct spec_seccomp *profile)
{
	const struct json *j;

	json_write_key(w, "linux");
	json_write_object(w);
	for (j = linux_ ? linux_->child : NULL; j; j = j->next) {
		if (str_eq(j->key, "seccomp"))
			continue;
		json_write_key(w, j->key);
		json_write_tree(w, j);
	}
	if (profile->present) {
		json_write_key(w, "seccomp");
		seccomp_profile_write(w, profile);
	}
	json_write_end(w);
}

static void spec_write_document(struct json_writer *w, const struct json *doc,
				const struct spec_seccomp *profile)
{
	const struct json *j;

	json_write_object(w);
	for (j = doc->child; j; j = j->next) { /* analyser: it was parsed, so it is there */
		if (str_eq(j->key, "linux"))
			continue;
		json_write_key(w, j->key);
		json_write_tree(w, j);
	}
	spec_write_linux(w, json_get(doc, "linux"), profile);
	json_write_end(w);
}

static int spec_add_profile(struct arena *a, const char *path, struct buf *text,
			    struct error *e)
{
	autobuf profile_text = { 0 }, out = { .max = SPEC_MAX_BYTES };
	autojson *w = json_writer_new(true);
	struct seccomp_profile_for target;
	struct spec_seccomp profile = { 0 };
	struct json *doc = NULL;
	int r;

	if (!w)
		return error_set(e, ENOMEM, CONFIG);
	r = spec_target(text, &target, e);
	if (r == 0)
		r = file_read(AT_FDCWD, path, SPEC_MAX_BYTES, &profile_text, e);
	if (r == 0)
		r = seccomp_profile_resolve(a, path, profile_text.data, profile_text.len,
					    &target, &profile, e);
	if (r == 0)
		r = json_parse(a, CONFIG, text->data, text->len, &doc, e);
	if (r < 0)
		return r;
	spec_write_document(w, doc, &profile);
	r = json_writer_end(w, &out);
	if (r < 0)
		return error_set(e, -r, CONFIG);
	buf_done(text);
	*text = out;
	out = (struct buf){ 0 };
	return 0;
}

static int spec_write(const struct spec_options *opt, int dir_fd, struct error *e)
{
	autobuf text = { 0 };
	struct arena a;
	int r;

	r = file_read(dir_fd, CONFIG, SPEC_MAX_BYTES, &text, opt->seccomp ? e : NULL);
	if (r == 0 && !opt->seccomp) {
		error_say(e, EEXIST, CONFIG " exists already");
		error_hint(e, "remove it first, or write to another folder with --bundle");
		return -EEXIST;
	}
	if (r == -ENOENT)
		r = spec_from_template(opt, &text, e);
	if (r < 0)
		return r;
	arena_init(&a, 16 * SPEC_MAX_BYTES);
	if (opt->seccomp)
		r = spec_add_profile(&a, opt->seccomp, &text, e);
	arena_done(&a);
	return r < 0 ? r : file_replace(dir_fd, CONFIG, text.data, text.len, 0644, e);
}

int verb_spec(struct cli *cli, int argc, char **argv)
{
	struct spec_options opt = { .bundle = "." };
	autoclose int dir_fd = -1;
	int first, r;

	r = options_read(&spec_table, argc, argv, &opt, &first, &cli->error);
	if (r)
		return r > 0 ? 0 : r;
	dir_fd = open(opt.bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return error_set(&cli->error, errno, "open the bundle %s", opt.bundle);
	return spec_write(&opt, dir_fd, &cli->error);
}
