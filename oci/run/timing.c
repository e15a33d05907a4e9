/* SPDX-License-Identifier: Apache-2.0 */
#include "run/timing.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/json.h"
#include "base/proc.h"

#define TIMING_MAX 64

struct timing {
	pid_t parent;
	uint64_t start;
	atomic_uint n;
	struct {
		char phase[24];
		uint64_t ns;
		pid_t pid;
	} mark[TIMING_MAX];
};

struct timing *timing_new(void)
{
	struct timing *t;

	t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (t == MAP_FAILED)
		return NULL;
	t->parent = getpid();
	t->start = proc_now_ns();
	return t;
}

void timing_free(struct timing *t)
{
	if (t)
		munmap(t, sizeof(*t));
}

void timing_mark(struct timing *t, const char *phase)
{
	unsigned int i;

	if (!t)
		return;
	i = atomic_fetch_add(&t->n, 1);
	if (i >= TIMING_MAX)
		return;
	snprintf(t->mark[i].phase, sizeof(t->mark[i].phase), "%s", phase);
	t->mark[i].ns = proc_now_ns() - t->start;
	t->mark[i].pid = getpid();
}

void timing_write(const struct timing *t, struct json_writer *w)
{
	unsigned int n = t ? atomic_load(&t->n) : 0, i;

	json_write_array(w);
	for (i = 0; i < n && i < TIMING_MAX; i++) {
		json_write_object(w);
		json_put_string(w, "phase", t->mark[i].phase);
		json_put_u64(w, "ns", t->mark[i].ns);
		json_put_string(w, "by", t->mark[i].pid == t->parent ? "parent" : "child");
		json_write_end(w);
	}
	json_write_end(w);
}
