/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/filter.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/proc.h"
#include "base/str.h"
#include "bundle.h"
#include "profile.h"
#include "seccomp/program.h"

static volatile sig_atomic_t stopped;

static void on_signal(int signum)
{
	(void)signum;
	stopped = 1;
}

bool bench_stopped(void)
{
	return stopped;
}

void bench_settle(unsigned int ms)
{
	struct timespec pause = { .tv_nsec = (long)ms * 1000000L };

	clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
}

void bench_id(char dst[BENCH_ID_SIZE])
{
	str_format(dst, BENCH_ID_SIZE, "bench-%llx", (unsigned long long)proc_now_ns());
}

/* --- actions ------------------------------------------------------------------------------ */

static int bench_command(struct bench *b, const char *const argv[], struct sample *ret,
			 struct error *e)
{
	return b->with_memory ? sampler_run_forked(&b->sampler, argv, ret, e)
			      : sampler_run(&b->sampler, argv, ret, e);
}

int bench_run(struct bench *b, const struct contender *c, enum cgroup_mode mode,
	      const char *state, const char *bundle, struct sample *ret, struct error *e)
{
	struct sample ignored = { 0 };
	const char *argv[CONTENDER_ARGS];
	char id[BENCH_ID_SIZE];
	int r;

	bench_id(id);
	if (c->is_floor && bundle[0])
		contender_command(c, mode, state, argv, "--filter", bundle, b->rootfs,
				  "/bin/true", NULL);
	else if (c->is_floor)
		contender_command(c, mode, state, argv, b->rootfs, "/bin/true", NULL);
	else
		contender_command(c, mode, state, argv, "run", "--bundle", bundle, id, NULL);
	r = bench_command(b, argv, ret, e);
	if (r < 0 && !c->is_floor)
		bench_delete(b, c, mode, state, id, true, &ignored, NULL);
	return r;
}

/* A pidfd of the container's first process, from the file that `create` wrote. */
static int open_init(const char *path, struct error *e)
{
	uint32_t pid;
	char text[32];
	int fd;

	fd = file_read_line(AT_FDCWD, path, text, sizeof(text));
	if (fd < 0)
		return error_set(e, -fd, "read %s", path);
	if (str_to_u32(text, &pid) < 0)
		return error_say(e, EINVAL, "%s: '%s' is no process number", path, text);
	unlink(path);
	fd = proc_open((pid_t)pid);
	return fd < 0 ? error_set(e, -fd, "process %s of a new container", text) : fd;
}

int bench_create(struct bench *b, const struct contender *c, enum cgroup_mode mode,
		 const char *state, const char *bundle, const char *id, int *ret_pid_fd,
		 struct sample *ret, struct error *e)
{
	const char *argv[CONTENDER_ARGS];
	char pid_file[128];
	int r;

	str_format(pid_file, sizeof(pid_file), "%s/pid", b->dir);
	contender_command(c, mode, state, argv, "create", "--bundle", bundle, "--pid-file",
			  pid_file, id, NULL);
	r = bench_command(b, argv, ret, e);
	if (r < 0 || !ret_pid_fd)
		return r;
	r = open_init(pid_file, e);
	if (r < 0)
		return r;
	*ret_pid_fd = r;
	return 0;
}

int bench_start(struct bench *b, const struct contender *c, enum cgroup_mode mode,
		const char *state, const char *id, struct sample *ret, struct error *e)
{
	const char *argv[CONTENDER_ARGS];

	contender_command(c, mode, state, argv, "start", id, NULL);
	return bench_command(b, argv, ret, e);
}

int bench_exec(struct bench *b, const struct contender *c, enum cgroup_mode mode,
	       const char *state, const char *id, struct sample *ret, struct error *e)
{
	const char *argv[CONTENDER_ARGS];

	contender_command(c, mode, state, argv, "exec", id, "/bin/true", NULL);
	return bench_command(b, argv, ret, e);
}

int bench_delete(struct bench *b, const struct contender *c, enum cgroup_mode mode,
		 const char *state, const char *id, bool force, struct sample *ret,
		 struct error *e)
{
	const char *argv[CONTENDER_ARGS];

	contender_command(c, mode, state, argv, "delete", force ? "--force" : id,
			  force ? id : NULL, NULL);
	return bench_command(b, argv, ret, e);
}

/* --- the two processes -------------------------------------------------------------------- */

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* Reaps whatever comes until `worker` ends; passes signals on. Returns the exit status. */
static int reap(pid_t worker)
{
	int status;
	pid_t pid;

	for (;;) {
		pid = wait(&status);
		if (pid == worker)
			return proc_exit_code(status);
		if (pid < 0 && errno == EINTR)
			kill(worker, SIGTERM);
		else if (pid < 0)
			return 1;
	}
}

/*
 * On a machine that does other work too, the ordinary scheduler is part of what is measured. But
 * a program that waits by yielding (runc: the Go scheduler does) may then keep a CPU for ever from
 * the kernel's worker it waits for, and from everybody else.
 */
static int become_fifo(struct bench *b, struct error *e)
{
	struct sched_param param = { .sched_priority = 1 };
	size_t i;

	for (i = 0; i < b->count; i++) {
		if (str_eq(b->contenders[i].name, "runc"))
			return error_say(e, EINVAL, "--fifo: not with runc, which spins");
	}
	if (sched_setscheduler(0, SCHED_FIFO, &param) < 0)
		return error_set(e, errno, "--fifo");
	return 0;
}

/* What an earlier run that was killed may have left, and ours; those in use stay. */
static void remove_cgroups(const struct bench *b)
{
	char parent[128], path[512];
	struct dirent *entry;
	DIR *dir;

	str_format(parent, sizeof(parent), "/sys/fs/cgroup%s", b->cgroup);
	dir = opendir(parent);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		str_format(path, sizeof(path), "%s/%s", parent, entry->d_name);
		rmdir(path);
	}
	closedir(dir);
	rmdir(parent);
}

static int write_filter(struct bench *b, const struct seccomp_program *p, struct error *e)
{
	str_format(b->filter, sizeof(b->filter), "%s/filter", b->dir);
	return file_replace(AT_FDCWD, b->filter, p->insns, p->n * sizeof(*p->insns), 0600, e);
}

static int bench_prepare(struct bench *b, struct error *e)
{
	autoprogram program = { 0 };
	size_t i;
	int r;

	r = sampler_init(&b->sampler, e);
	for (i = 0; r == 0 && i < b->count; i++)
		r = contender_describe(&b->contenders[i], &b->sampler, e);
	if (r == 0 && b->profile)
		r = profile_load(&b->arena, b->profile, &b->seccomp, &program, e);
	if (r < 0)
		return r;
	remove_cgroups(b);
	str_copy(b->dir, sizeof(b->dir), "/tmp/strake-bench-XXXXXX");
	if (!mkdtemp(b->dir)) {
		b->dir[0] = '\0';
		return error_set(e, errno, "make a directory in /tmp");
	}
	str_format(b->rootfs, sizeof(b->rootfs), "%s/rootfs", b->dir);
	if (b->seccomp)
		r = write_filter(b, &program, e);
	return r == 0 && b->fifo ? become_fifo(b, e) : r;
}

static void bench_cleanup(struct bench *b)
{
	struct error e = ERROR_INIT;

	remove_cgroups(b);
	if (b->dir[0] && bundle_remove_tree(b->dir, &e) < 0)
		fprintf(stderr, "bench: %s\n", e.text);
	sampler_done(&b->sampler);
	arena_done(&b->arena);
}

static int measure(struct bench *b, const char *name,
		   int (*work)(struct bench *b, struct error *e))
{
	struct error e = ERROR_INIT;
	int r;

	catch_signals();
	arena_init(&b->arena, 64u << 20);
	r = bench_prepare(b, &e);
	if (r == 0)
		r = work(b, &e);
	bench_cleanup(b);
	if (stopped)
		return 130;
	if (r < 0)
		fprintf(stderr, "%s: %s\n", name, e.text);
	return r < 0 ? 1 : 0;
}

/* --- the command line --------------------------------------------------------------------- */

static const struct option options[] = {
	{ "contender", required_argument, NULL, 'c' },
	{ "runs", required_argument, NULL, 'r' },
	{ "true", required_argument, NULL, 't' },
	{ "busybox", required_argument, NULL, 'b' },
	{ "cgroup", required_argument, NULL, 'g' },
	{ "profile", required_argument, NULL, 'p' },
	{ "output", required_argument, NULL, 'o' },
	{ "fifo", no_argument, NULL, 'f' },
	{ "systemd", no_argument, NULL, 's' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static void usage(FILE *out, const char *name)
{
	fprintf(out,
		"usage: %s [OPTION]...\n"
		"  --contender NAME=PATH  measure this one: floor, strake, crun or runc\n"
		"  --runs N               measure each thing N times\n"
		"  --true PATH            the program that containers run\n"
		"  --busybox PATH         a static busybox\n"
		"  --cgroup /NAME         where its containers go; no other measurement may use it\n"
		"  --profile FILE         the default seccomp profile, as containers-common has it\n"
		"  --output FILE          write the figures as JSON\n"
		"  --systemd              cgroupfs and systemd, not disabled and cgroupfs\n"
		"  --fifo                 under SCHED_FIFO (never with runc)\n"
		"Run it through tests/bench/run, which gives all of them one environment.\n",
		name);
}

static int add_contender(struct bench *b, char *text, struct error *e)
{
	char *path = strchr(text, '=');
	int r;

	if (!path)
		return error_say(e, EINVAL, "--contender %s: must be NAME=PATH", text);
	if (b->count == CONTENDER_MAX)
		return error_say(e, EINVAL, "--contender %s: one too many", text);
	*path++ = '\0';
	r = contender_init(&b->contenders[b->count], text, path, e);
	if (r == 0)
		b->count++;
	return r;
}

static int set_option(struct bench *b, int option, char *value, struct error *e)
{
	switch (option) {
	case 'c':
		return add_contender(b, value, e);
	case 'r':
		if (str_to_u32(value, &b->runs) < 0 || b->runs == 0 || b->runs > 100000)
			return error_say(e, EINVAL, "--runs %s: must be 1 to 100000", value);
		return 0;
	case 't':
		b->true_path = value;
		return 0;
	case 'b':
		b->busybox = value;
		return 0;
	case 's':
		b->systemd = true;
		return 0;
	case 'f':
		b->fifo = true;
		return 0;
	case 'g':
		b->cgroup = value;
		return 0;
	case 'p':
		b->profile = value;
		return 0;
	case 'o':
		b->output = value;
		return 0;
	default:
		return error_say(e, EINVAL, "see --help");
	}
}

int bench_main(int argc, char **argv, const char *name, unsigned int runs,
	       int (*work)(struct bench *b, struct error *e))
{
	struct bench b = { .runs = runs, .warm_up = 2, .cgroup = "/strake-bench" };
	struct error e = ERROR_INIT;
	int option;
	pid_t pid;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'h') {
			usage(stdout, name);
			return 0;
		}
		if (set_option(&b, option, optarg, &e) < 0) {
			fprintf(stderr, "%s: %s\n", name, e.text);
			return 2;
		}
	}
	if (b.count == 0 || !b.true_path || !b.busybox) {
		usage(stderr, name);
		return 2;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	catch_signals();
	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		perror("fork");
		return 1;
	}
	if (pid == 0)
		exit(measure(&b, name, work));
	return reap(pid);
}
