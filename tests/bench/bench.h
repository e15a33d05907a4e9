/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"
#include "contender.h"
#include "sample.h"

struct error;
struct json;

/*
 * What the measuring programs share: the command line, a place for bundles that goes when they
 * end, containers that are deleted whatever happens, and the actions that are measured.
 *
 * The first process only reaps: containers whose runtime has ended become its children, and a
 * runtime that deletes one finds it gone at once, as below a shim. The second one measures.
 */
struct bench {
	struct contender contenders[CONTENDER_MAX];
	size_t count;
	struct sampler sampler;
	struct arena arena;
	const struct json *seccomp; /* linux.seccomp, or NULL */
	char dir[64];
	char rootfs[80];
	char filter[80]; /* the file of the profile's instructions, or "" */
	const char *true_path;
	const char *busybox;
	const char *output;
	const char *cgroup; /* "/NAME": what cgroupsPath of all our containers begins with */
	const char *profile;
	unsigned int runs;
	unsigned int warm_up;
	bool systemd;     /* there is one: with it instead of without a cgroup */
	bool fifo;        /* we run under SCHED_FIFO, and so does all that we start */
	bool with_memory; /* commands are started by fork, for true peaks of memory */
};

#define BENCH_ID_SIZE 40

/*
 * The whole of main(): reads the command line, prepares, calls work() in the measuring process
 * and cleans up, also after SIGINT and SIGTERM. Returns the exit status. `runs` is how often each
 * thing is measured where the command line does not say.
 */
int bench_main(int argc, char **argv, const char *name, unsigned int runs,
	       int (*work)(struct bench *b, struct error *e));

bool bench_stopped(void); /* a signal asked us to end */
/* Lets the kernel finish what the last container left to it. At most 999 ms. */
void bench_settle(unsigned int ms);
#define BENCH_SETTLE_MS 2

void bench_id(char dst[BENCH_ID_SIZE]); /* a name that no other container has */

/*
 * Every action adds its cost to *ret. `state` is the runtime's --root. 0 or -errno. The floor has no
 * bundle: the file of a filter, or "".
 */
int bench_run(struct bench *b, const struct contender *c, enum cgroup_mode mode,
	      const char *state, const char *bundle, struct sample *ret, struct error *e);
int bench_create(struct bench *b, const struct contender *c, enum cgroup_mode mode,
		 const char *state, const char *bundle, const char *id, int *ret_pid_fd,
		 struct sample *ret, struct error *e);
int bench_start(struct bench *b, const struct contender *c, enum cgroup_mode mode,
		const char *state, const char *id, struct sample *ret, struct error *e);
int bench_exec(struct bench *b, const struct contender *c, enum cgroup_mode mode,
	       const char *state, const char *id, struct sample *ret, struct error *e);
int bench_delete(struct bench *b, const struct contender *c, enum cgroup_mode mode,
		 const char *state, const char *id, bool force, struct sample *ret,
		 struct error *e);
