/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/mem.h"
#include "cgroup/manager.h"
#include "spec/spec.h"

struct error;

/*
 * What is remembered of a container in <root>/<id>/state.json, from before the first thing is made
 * until the last is gone, so that whoever comes later can find and remove it. Beside it stand
 * config.json (the spec as it was given), seccomp.bpf (the filter, for exec) and, from create to
 * start, start.sock, where the container's first process waits.
 */
#define STATE_FILE     "state.json"
#define STATE_CONFIG   "config.json"
#define STATE_FILTER   "seccomp.bpf"
#define STATE_SOCKET   "start.sock"
#define STATE_HANDOFF  "listener"
#define STATE_REPORT   "report" /* where denied calls are told, or nothing; none: nobody asks */
#define STATE_READY    "notify" /* a folder: see ready.h */
#define STATE_ROOT     "rootfs" /* a folder: see root_mount.h */
/* There since a process was executed that may trace, in a container that may not. */
#define STATE_TRACER   "tracer"
/* Under node policies: what they changed, and their own text. */
#define STATE_POLICY   "policy.json"
#define STATE_POLICIES "policies.json"
#define STATE_MAX      (32u << 20)

struct state {
	struct arena arena; /* owns the strings of a state that was read */
	const char *id;
	const char *bundle; /* absolute */
	const char *rootfs; /* absolute */
	const char *created;
	const char *oci_version;
	bool ready;    /* create has finished, and the process is known */
	bool poststop; /* there are poststop hooks: delete must read the config */
	bool own_time; /* restored, into a time namespace that its config does not name */
	pid_t pid;     /* 0: not yet known */
	uint64_t start_time;
	uint32_t owner;
	enum manager_kind manager;
	const char *cgroup; /* clean path, "" where there is none */
	const char *rdt_class,
		*rdt_monitor; /* groups of resctrl to remove, or NULL; see rdt.h */
	struct spec_pairs annotations;
	uint64_t root_mount; /* the number of the root's mount, or 0: see root_mount.h */
	bool root_in_place;  /* it lies over rootfs */
};

int state_write(int dir_fd, const struct state *s, struct error *e);

/* -ENOENT: no such file. The caller owns *ret (state_done). */
int state_read(int dir_fd, struct state *ret, struct error *e);

/* From bytes, for tests and fuzzing. */
int state_parse(const char *data, size_t len, struct state *ret, struct error *e);
void state_done(struct state *s);
