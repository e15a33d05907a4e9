/* SPDX-License-Identifier: Apache-2.0 */
#include "flags.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"

static const struct flag {
	const char *name;
	bool is_switch;
	size_t at;
	const char *help;
} flags[] = {
	{ "address", false, offsetof(struct flags, address), "containerd's gRPC socket" },
	{ "bundle", false, offsetof(struct flags, bundle), "the bundle's folder [.]" },
	{ "debug", true, offsetof(struct flags, debug), "write debug messages to the log" },
	{ "debug-socket", false, offsetof(struct flags, debug_socket), "taken and not used" },
	{ "h", true, offsetof(struct flags, help), "print this" },
	{ "help", true, offsetof(struct flags, help), "print this" },
	{ "id", false, offsetof(struct flags, id), "the container" },
	{ "info", true, offsetof(struct flags, info), "describe the runtime, as protobuf" },
	{ "namespace", false, offsetof(struct flags, namespace), "containerd's namespace" },
	{ "publish-binary", false, offsetof(struct flags, publish_binary),
	  "taken and not used: events go by ttrpc" },
	{ "socket", false, offsetof(struct flags, socket), "taken and not used" },
	{ "v", true, offsetof(struct flags, version), "print the version" },
	{ "version", true, offsetof(struct flags, version), "print the version" },
};

void flags_print_help(void)
{
	size_t i;

	puts("usage: containerd-shim-strake-v1 [flags] start|delete\n\n"
	     "A runtime of containerd; it is containerd that calls it.\n");
	for (i = 0; i < ARRAY_SIZE(flags); i++)
		printf("  -%-16s %s\n", flags[i].name, flags[i].help);
	puts("\nenvironment (containerd 2.0 to 2.2 passes it on, by the key env of io.containerd.shim.v1.manager):\n"
	     "  STRAKE_SHIM_BOOTSTRAP=json  answer `start` in JSON: pods have one shim's process start less");
}

static const struct flag *flags_find(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++)
		if (strlen(flags[i].name) == len && strncmp(flags[i].name, name, len) == 0)
			return &flags[i];
	return NULL;
}

static int flags_set_switch(const struct flag *f, const char *value, struct flags *ret,
			    struct error *e)
{
	bool *at = (bool *)((char *)ret + f->at);

	if (!value || str_eq(value, "true") || str_eq(value, "1"))
		*at = true;
	else if (str_eq(value, "false") || str_eq(value, "0"))
		*at = false;
	else
		return error_say(e, EINVAL, "-%s is true or false, not \"%s\"", f->name, value);
	return 0;
}

/* How many words it took, or -errno. */
static int flags_take(char **words, struct flags *ret, struct error *e)
{
	const char *word = words[0] + 1, *equals;
	const struct flag *f;
	int r;

	word += *word == '-';
	equals = strchr(word, '=');
	f = flags_find(word, equals ? (size_t)(equals - word) : strlen(word));
	if (!f)
		return error_say(e, EINVAL, "there is no flag %s (see -help)", words[0]);
	if (f->is_switch) {
		r = flags_set_switch(f, equals ? equals + 1 : NULL, ret, e);
		return r < 0 ? r : 1;
	}
	if (!equals && !words[1])
		return error_say(e, EINVAL, "-%s needs a value", f->name);
	*(const char **)((char *)ret + f->at) = equals ? equals + 1 : words[1];
	return equals ? 1 : 2;
}

int flags_read(int argc, char **argv, struct flags *ret, struct error *e)
{
	int i = 1, r;

	*ret = (struct flags){ "", "", "", "", "", "", "", .action = "" };
	while (i < argc && argv[i][0] == '-' && argv[i][1] && !str_eq(argv[i], "--")) {
		r = flags_take(argv + i, ret, e);
		if (r < 0)
			return r;
		i += r;
	}
	i += i < argc && str_eq(argv[i], "--");
	if (i < argc)
		ret->action = argv[i];
	return 0;
}
