/* SPDX-License-Identifier: Apache-2.0 */

/* The commands and the options in front of them: what help, manual and completion are made of. */
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"

#define VERB(name, about)                                \
	{                                                \
#name, verb_##name, about, &name##_table \
	}

const struct verb cli_verbs[] = {
	VERB(checkpoint, "save a running container by CRIU"),
	VERB(completion, "print a script by which a shell completes commands"),
	VERB(create, "make a container from a bundle; it waits for start"),
	VERB(delete, "remove a container and what it holds"),
	VERB(doctor, "tell whether containers, or that of a bundle, can run here"),
	VERB(events, "print statistics and lack of memory, as JSON"),
	VERB(exec, "run one more process in a running container"),
	VERB(features, "print what this runtime supports, as JSON"),
	VERB(kill, "send a signal to a container"),
	VERB(list, "list the containers"),
	VERB(man, "print a page of the manual"),
	VERB(mounts, "add mounts to a running container, or remove them"),
	VERB(pause, "freeze all processes of a container"),
	VERB(policy, "check the node's policies, and what they make of a bundle"),
	VERB(ps, "list the processes of a container"),
	VERB(restore, "make a container from what checkpoint has saved, and wait for it"),
	VERB(resume, "thaw a paused container"),
	VERB(run, "create a container, start it, wait for it and remove it"),
	VERB(spec, "write a config.json to start from"),
	VERB(start, "run the process of a created container"),
	VERB(state, "print the state of a container, as JSON"),
	VERB(update, "change the limits of a running container"),
	VERB(wait, "wait for the end of a container, and print its status"),
};

const size_t cli_n_verbs = ARRAY_SIZE(cli_verbs);

#define ROW(name, letter, kind, field, value, help)                          \
	{                                                                    \
		name, letter, kind, offsetof(struct cli, field), value, help \
	}

static const struct option_row rows[] = {
	ROW("root", 0, OPTION_STRING, root, "DIR", "state folder [/run/strake]"),
	ROW("log", 0, OPTION_STRING, log, "FILE", "append log records to FILE"),
	ROW("log-format", 0, OPTION_STRING, log_format, "text|json",
	    "how they are written [text]"),
	ROW("debug", 0, OPTION_FLAG, debug, NULL, "log what is done"),
	ROW("cgroup-manager", 0, OPTION_STRING, cgroup_manager, "cgroupfs|systemd|disabled",
	    "who makes cgroups [cgroupfs]"),
	ROW("systemd-cgroup", 0, OPTION_FLAG, systemd_cgroup, NULL,
	    "the same as --cgroup-manager=systemd"),
	ROW("policy", 0, OPTION_STRING, rt.policy, "FILE|DIR",
	    "node policies [/etc/strake/policy.d]"),
	ROW("policy-report", 0, OPTION_STRING, rt.report, "FILE",
	    "append denied calls as JSON lines, where a policy asks for reports [its own; run: stderr]"),
	ROW("rootless", 0, OPTION_STRING, rootless, "true|false|auto",
	    "whether we lack root's power [auto]"),
	ROW("timing", 0, OPTION_FLAG, timing, NULL,
	    "print when each phase ended, as JSON on stderr"),
	ROW("version", 'v', OPTION_FLAG, version, NULL, "print the version"),
};

const struct option_table cli_table = {
	.usage = "[global options] COMMAND [options] [arguments]",
	.about = "Runs OCI containers: runtime-spec 1.3, cgroup v2.",
	.rows = rows,
	.n = ARRAY_SIZE(rows),
	.max_args = -1,
	.stop_at_first = true,
};

const struct verb *verb_find(const char *name)
{
	size_t i;

	for (i = 0; i < cli_n_verbs; i++)
		if (str_eq(cli_verbs[i].name, name))
			return &cli_verbs[i];
	return NULL;
}
