/* SPDX-License-Identifier: Apache-2.0 */

/* What a container used on a host of cgroup v1. A file that is not there leaves its part out. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup1.h"
#include "message.h"
#include "metrics.h"
#include "metrics_v1.pb-c.h"

#define METRICS_TEXT_MAX (64u << 10)
#define METRICS_ARENA    (4u << 20)
#define METRICS_SECOND   1000000000u /* in nanoseconds */

/* The parts of one message, and room for what they point to. */
struct metrics {
	struct arena arena;
	const char *lines;
	Pb__V1Metrics all;
	Pb__PidsStat pids;
	Pb__V1CpuStat cpu;
	Pb__V1CpuUsage usage;
	Pb__V1Throttle throttling;
	Pb__V1MemoryStat memory;
	Pb__V1MemoryEntry entries[4];
	Pb__V1MemoryOomControl oom_control;
	Pb__V1BlkioStat blkio;
};

/* A whole file; "" where it is not to be had. */
static char *metrics_text(struct metrics *m, int dir_fd, const char *file)
{
	static char empty[1];
	autobuf text = { .max = METRICS_TEXT_MAX };
	autoclose int fd = openat(dir_fd, file, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || buf_read_fd(&text, fd) < 0 || !text.data)
		return empty;
	return arena_strndup(&m->arena, text.data, text.len) ?: empty;
}

/* A file of one number; 0 where it is not to be had, or says "max". */
static uint64_t metrics_number(int dir_fd, const char *file)
{
	char text[32];
	uint64_t n = 0;

	if (file_read_line(dir_fd, file, text, sizeof(text)) == 0)
		(void)str_to_u64(text, &n);
	return n;
}

static uint64_t metrics_key(const char *text, const char *key)
{
	uint64_t n = 0;

	(void)cgroup_key_u64(text, key, &n);
	return n;
}

static void metrics_pids(struct metrics *m)
{
	autoclose int fd = cgroup1_open(m->lines, "pids");

	if (fd < 0)
		return;
	pb__pids_stat__init(&m->pids);
	m->pids.current = metrics_number(fd, "pids.current");
	m->pids.limit = metrics_number(fd, "pids.max");
	m->all.pids = &m->pids;
}

/* --- cpu --------------------------------------------------------------------------------------- */

static void metrics_per_cpu(struct metrics *m, int fd)
{
	char *text = metrics_text(m, fd, "cpuacct.usage_percpu"), *word, *save = NULL;
	uint64_t *list = arena_array(&m->arena, strlen(text) / 2 + 1, sizeof(*list));
	size_t n = 0;

	if (!list)
		return;
	for (word = strtok_r(text, " \n", &save); word; word = strtok_r(NULL, " \n", &save))
		n += str_to_u64(word, &list[n]) == 0;
	m->usage.per_cpu = list;
	m->usage.n_per_cpu = n;
}

static void metrics_cpu(struct metrics *m)
{
	autoclose int account_fd = cgroup1_open(m->lines, "cpuacct");
	autoclose int fd = cgroup1_open(m->lines, "cpu");
	uint64_t ticks = (uint64_t)sysconf(_SC_CLK_TCK);
	const char *text;

	if (account_fd < 0 && fd < 0)
		return;
	pb__v1_cpu_stat__init(&m->cpu);
	if (account_fd >= 0) {
		pb__v1_cpu_usage__init(&m->usage);
		text = metrics_text(m, account_fd, "cpuacct.stat");
		m->usage.total = metrics_number(account_fd, "cpuacct.usage");
		m->usage.user = metrics_key(text, "user") * (METRICS_SECOND / ticks);
		m->usage.kernel = metrics_key(text, "system") * (METRICS_SECOND / ticks);
		metrics_per_cpu(m, account_fd);
		m->cpu.usage = &m->usage;
	}
	if (fd >= 0) {
		pb__v1_throttle__init(&m->throttling);
		text = metrics_text(m, fd, "cpu.stat");
		m->throttling.periods = metrics_key(text, "nr_periods");
		m->throttling.throttled_periods = metrics_key(text, "nr_throttled");
		m->throttling.throttled_time = metrics_key(text, "throttled_time");
		m->cpu.throttling = &m->throttling;
	}
	m->all.cpu = &m->cpu;
}

/* --- memory ------------------------------------------------------------------------------------ */

#define METRICS_KEY(key)                              \
	{                                             \
#key, offsetof(Pb__V1MemoryStat, key) \
	}
#define METRICS_BOTH(key) METRICS_KEY(key), METRICS_KEY(total_##key)
static const struct {
	const char *key;
	size_t at;
} memory_keys[] = {
	METRICS_BOTH(cache),
	METRICS_BOTH(rss),
	METRICS_BOTH(rss_huge),
	METRICS_BOTH(mapped_file),
	METRICS_BOTH(dirty),
	METRICS_BOTH(writeback),
	METRICS_BOTH(pgpgin),
	METRICS_BOTH(pgpgout),
	METRICS_BOTH(pgfault),
	METRICS_BOTH(pgmajfault),
	METRICS_BOTH(inactive_anon),
	METRICS_BOTH(active_anon),
	METRICS_BOTH(inactive_file),
	METRICS_BOTH(active_file),
	METRICS_BOTH(unevictable),
	METRICS_KEY(hierarchical_memory_limit),
	METRICS_KEY(hierarchical_memsw_limit),
};

/* memory.memsw.usage_in_bytes and its like. */
static Pb__V1MemoryEntry *metrics_entry(Pb__V1MemoryEntry *to, int fd, const char *of)
{
	const struct {
		const char *name;
		uint64_t *to;
	} files[] = {
		{ "limit_in_bytes", &to->limit },
		{ "usage_in_bytes", &to->usage },
		{ "max_usage_in_bytes", &to->max },
		{ "failcnt", &to->failcnt },
	};
	char name[64];
	size_t i;

	pb__v1_memory_entry__init(to);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(name, sizeof(name), "memory.%s%s", of, files[i].name);
		*files[i].to = metrics_number(fd, name);
	}
	return to;
}

static void metrics_memory(struct metrics *m)
{
	autoclose int fd = cgroup1_open(m->lines, "memory");
	const char *text;
	size_t i;

	if (fd < 0)
		return;
	pb__v1_memory_stat__init(&m->memory);
	text = metrics_text(m, fd, "memory.stat");
	for (i = 0; i < ARRAY_SIZE(memory_keys); i++)
		*(uint64_t *)(void *)((char *)&m->memory + memory_keys[i].at) =
			metrics_key(text, memory_keys[i].key);
	m->memory.usage = metrics_entry(&m->entries[0], fd, "");
	m->memory.swap = metrics_entry(&m->entries[1], fd, "memsw.");
	m->memory.kernel = metrics_entry(&m->entries[2], fd, "kmem.");
	m->memory.kernel_tcp = metrics_entry(&m->entries[3], fd, "kmem.tcp.");
	m->all.memory = &m->memory;

	pb__v1_memory_oom_control__init(&m->oom_control);
	text = metrics_text(m, fd, "memory.oom_control");
	m->oom_control.oom_kill_disable = metrics_key(text, "oom_kill_disable");
	m->oom_control.under_oom = metrics_key(text, "under_oom");
	m->oom_control.oom_kill = metrics_key(text, "oom_kill");
	m->all.oom_control = &m->oom_control;
}

/* --- block devices ----------------------------------------------------------------------------- */

/* "8:0 Read 4096" a line; the sum at the end has no device. */
static bool metrics_blkio_line(Pb__V1BlkioEntry *to, char *line)
{
	char *save = NULL, *major, *minor;

	pb__v1_blkio_entry__init(to);
	major = strtok_r(line, ":", &save);
	minor = strtok_r(NULL, " ", &save);
	to->op = strtok_r(NULL, " ", &save);
	line = strtok_r(NULL, " ", &save);
	return major && minor && to->op && line && str_to_u64(major, &to->major) == 0 &&
	       str_to_u64(minor, &to->minor) == 0 && str_to_u64(line, &to->value) == 0;
}

static size_t metrics_blkio_file(struct metrics *m, int fd, const char *file,
				 Pb__V1BlkioEntry ***ret)
{
	char *text = metrics_text(m, fd, file), *line, *save = NULL;
	size_t most = strlen(text) / 4 + 1, n = 0;
	Pb__V1BlkioEntry *entries = arena_array(&m->arena, most, sizeof(*entries));
	Pb__V1BlkioEntry **list = arena_array(&m->arena, most, sizeof(*list));

	if (!entries || !list)
		return 0;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		list[n] = &entries[n];
		n += metrics_blkio_line(&entries[n], line);
	}
	*ret = list;
	return n;
}

static void metrics_blkio(struct metrics *m)
{
	autoclose int fd = cgroup1_open(m->lines, "blkio");
	Pb__V1BlkioStat *to = &m->blkio;

	if (fd < 0)
		return;
	pb__v1_blkio_stat__init(to);
	to->n_io_service_bytes = metrics_blkio_file(
		m, fd, "blkio.throttle.io_service_bytes_recursive", &to->io_service_bytes);
	if (!to->n_io_service_bytes)
		to->n_io_service_bytes = metrics_blkio_file(
			m, fd, "blkio.throttle.io_service_bytes", &to->io_service_bytes);
	to->n_io_serviced = metrics_blkio_file(m, fd, "blkio.throttle.io_serviced_recursive",
					       &to->io_serviced);
	if (!to->n_io_serviced)
		to->n_io_serviced = metrics_blkio_file(m, fd, "blkio.throttle.io_serviced",
						       &to->io_serviced);
	m->all.blkio = to;
}

int metrics_v1_pack(const char *lines, struct buf *out, struct error *e)
{
	struct metrics m = { .lines = lines };
	int r;

	arena_init(&m.arena, METRICS_ARENA);
	pb__v1_metrics__init(&m.all);
	metrics_pids(&m);
	metrics_cpu(&m);
	metrics_memory(&m);
	metrics_blkio(&m);
	r = message_pack(&m.all.base, out);
	if (r < 0)
		error_set(e, -r, "metrics");
	arena_done(&m.arena);
	return r;
}
