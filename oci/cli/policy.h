/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/mem.h"
#include "run/guard.h"
#include "spec/spec.h"

struct cli;

/* The verb `policy`: policy.c has the table of its words, some of which have a file of their own. */
struct policy_options {
	const char *bundle;
	const char *config;
	const char *id;
	const char *syscall;
	const char *abi;
	const char *key;
	const char *output;
	bool json;
	int argc; /* operands behind the word */
	char **argv;
};

/* A bundle, or nothing that anybody asked for, as the node's policies make it. */
struct policy_case {
	struct arena arena;
	struct spec spec;
	struct spec_seccomp asked; /* the filter before them */
	struct guard guard;
	struct buf text;
	int bundle_fd;
	bool refused;
};

int policy_case_open(struct policy_case *c, struct cli *cli, const struct policy_options *opt);
void policy_case_done(struct policy_case *c); /* also after a failure */

/* Exit status, or -errno. */
int policy_simulate(struct cli *cli, const struct policy_options *opt);
int policy_metrics(struct cli *cli, const struct policy_options *opt);
int policy_score(struct cli *cli, const struct policy_options *opt);
int policy_record(struct cli *cli, const struct policy_options *opt);
int policy_key(struct cli *cli, const struct policy_options *opt);
int policy_sign(struct cli *cli, const struct policy_options *opt);
int policy_verify_files(struct cli *cli, const struct policy_options *opt);
