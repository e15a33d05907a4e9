/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "cgroup/stats.h"
#include "cli/cli.h"

struct events_options {
	const char *interval;
	bool stats;
};

static const struct option_row rows[] = {
	{ "interval", 0, OPTION_STRING, offsetof(struct events_options, interval), "TIME",
	  "between two records of statistics: 500ms, 5s, 1m [5s]" },
	{ "stats", 0, OPTION_FLAG, offsetof(struct events_options, stats), NULL,
	  "one record of statistics, and no more" },
};

const struct option_table events_table = {
	.usage = "events [options] ID",
	.about =
		"Prints what a container uses, and when it runs out of memory, as lines of JSON,\n"
		"until it ends.",
	.rows = rows,
	.n = ARRAY_SIZE(rows),
	.min_args = 1,
	.max_args = 1,
};

/* "1m30s", "500ms" -> ms; as Go writes durations, and so engines do. */
static int events_interval(const char *text, uint64_t *ret)
{
	static const struct {
		const char *unit;
		uint64_t ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
	uint64_t sum = 0;

	if (!*text)
		return -EINVAL;
	while (*text) {
		size_t len, i;
		char *unit;
		uint64_t n;

		if (!isdigit((unsigned char)*text))
			return -EINVAL;
		n = strtoull(text, &unit, 10);
		len = strcspn(unit, "0123456789");
		for (i = 0; i < ARRAY_SIZE(units); i++)
			if (strlen(units[i].unit) == len &&
			    strncmp(unit, units[i].unit, len) == 0)
				break;
		if (i == ARRAY_SIZE(units) || n > INT_MAX / units[i].ms)
			return -EINVAL;
		sum += n * units[i].ms;
		text = unit + len;
	}
	*ret = sum;
	return sum > 0 && sum <= INT_MAX ? 0 : -EINVAL;
}

static int events_print(const char *type, const char *id, const struct cgroup_stats *stats,
			struct error *e)
{
	autojson *w = json_writer_new(false);

	if (!w)
		return error_set(e, ENOMEM, "events");
	json_write_object(w);
	json_put_string(w, "type", type);
	json_put_string(w, "id", id);
	if (stats) {
		json_write_key(w, "data");
		output_stats(w, stats);
	}
	json_write_end(w);
	return output_json(w, e);
}

static int events_print_stats(struct cli *cli, const char *id)
{
	struct cgroup_stats stats = { 0 };
	int r;

	r = oci_stats(&cli->rt, id, &stats, &cli->error);
	if (r < 0)
		return r;
	r = events_print("stats", id, &stats, &cli->error);
	cgroup_stats_done(&stats);
	return r;
}

static int events_next(const struct oci_watch *w, uint64_t due, struct pollfd fds[2])
{
	uint64_t now = proc_now_ms();

	fds[0] = (struct pollfd){ .fd = w->pid_fd, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = w->memory_fd, .events = POLLPRI };
	if (poll(fds, 2, due > now ? (int)(due - now) : 0) < 0)
		return errno == EINTR ? 0 : -errno;
	return 0;
}

/* 1: it has ended, 0: go on. A record that cannot be had because it has just ended is no failure. */
static int events_step(struct cli *cli, const char *id, struct oci_watch *w, uint64_t *due,
		       uint64_t interval)
{
	struct pollfd fds[2] = { 0 };
	int r;

	r = events_next(w, *due, fds);
	if (r < 0)
		return error_set(&cli->error, -r, "wait for events of container \"%s\"", id);
	if (fds[1].revents || (fds[0].revents && w->memory_fd >= 0)) {
		r = oci_watch_oom(w);
		if (r > 0)
			r = events_print("oom", id, NULL, &cli->error);
		else if (r < 0)
			mem_closep(&w->memory_fd), w->memory_fd = -1;
		if (r < 0 && cli->error.errnum)
			return r;
	}
	if (fds[0].revents)
		return 1;
	if (proc_now_ms() < *due)
		return 0;
	*due += interval;
	r = events_print_stats(cli, id);
	if (r < 0 && proc_wait_exit(w->pid_fd, 0) == 1)
		return 1;
	return r;
}

int verb_events(struct cli *cli, int argc, char **argv)
{
	struct events_options opt = { 0 };
	struct oci_watch w = OCI_WATCH_NONE;
	uint64_t interval = 5000, due;
	int first, r;

	r = options_read(&events_table, argc, argv, &opt, &first, &cli->error);
	if (r)
		return r > 0 ? 0 : r;
	if (opt.interval && events_interval(opt.interval, &interval) < 0)
		return error_say(
			&cli->error, EINVAL,
			"--interval: \"%s\" is no time above zero, such as 500ms or 5s",
			opt.interval);
	r = oci_watch_open(&cli->rt, argv[first], &w, &cli->error);
	if (r < 0)
		return r;
	due = proc_now_ms() + interval;
	if (opt.stats)
		r = events_print_stats(cli, argv[first]);
	while (r == 0 && !opt.stats)
		r = events_step(cli, argv[first], &w, &due, interval);
	oci_watch_done(&w);
	return r < 0 ? r : 0;
}
