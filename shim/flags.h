/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

struct error;

/* The command line, as containerd's shims take it: -flag VALUE, -flag=VALUE, with one dash or two. */
struct flags {
	const char *namespace;
	const char *address; /* of containerd's gRPC socket */
	const char *publish_binary;
	const char *id;
	const char *bundle; /* "": the working directory */
	const char *socket;
	const char *debug_socket;
	bool debug;
	bool version;
	bool info;
	bool help;
	const char *action; /* "start", "delete", or "" */
};

int flags_read(int argc, char **argv, struct flags *ret, struct error *e);
void flags_print_help(void);
