/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What node policies cost: `policy STRAKE TRUE POLICY OUTPUT PROFILE...` measures, by turns, `run` without a
 * policy or filter and under the policy with a warm cache; then denied calls with and without reports, from
 * inside of a container; then compiling the profiles. Prints, writes JSON, never judges.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "bundle.h"
#include "sample.h"
#include "seccomp/abi.h"
#include "seccomp/compile.h"
#include "seccomp/load.h"
#include "seccomp/meaning.h"
#include "seccomp/profile.h"
#include "seccomp/program.h"
#include "seccomp/prove.h"
#include "seccomp/rules.h"
#include "spec/spec.h"

#define RUNS       100
#define CALLS      100000
#define ROUNDS     50
/* What Docker and containerd give a container. */
#define USUAL_CAPS UINT64_C(0xa80425fb)

static char dir[] = "/tmp/strake-bench-XXXXXX";

static void die(const struct error *e)
{
	fprintf(stderr, "bench: %s\n", e->text);
	bundle_remove_tree(dir, NULL);
	exit(1);
}

static void check(int r, const struct error *e)
{
	if (r < 0)
		die(e);
}

/* --- inside: keyctl(2), which every default profile denies --------------------------------------------- */

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int inside(void)
{
	static uint64_t ns[CALLS];

	for (size_t i = 0; i < CALLS; i++) {
		uint64_t start = proc_now_ns();

		if (syscall(SYS_keyctl, 0, 0, 0, 0, 0) != -1)
			return 1;
		ns[i] = proc_now_ns() - start;
	}
	qsort(ns, CALLS, sizeof(ns[0]), by_size);
	printf("%llu %llu %llu\n", (unsigned long long)ns[CALLS / 2],
	       (unsigned long long)ns[CALLS / 100 * 99], (unsigned long long)ns[CALLS - 1]);
	return 0;
}

/* --- run -------------------------------------------------------------------------------------------- */

struct start {
	const char *name;
	const char *policy; /* NULL: an empty folder */
	struct series series;
	struct summary summary;
};

static void start_once(struct sampler *s, const char *strake, struct start *c, bool keep)
{
	static unsigned int number;
	struct error e = ERROR_INIT;
	struct sample sample = { 0 };
	char id[32], state[96], bundle[96];
	const char *argv[] = { strake,     "--cgroup-manager=disabled",
			       "--root",   state,
			       "--policy", c->policy,
			       "run",      "--bundle",
			       bundle,     id,
			       NULL };

	snprintf(id, sizeof(id), "bench-%d-%u", (int)getpid(), number++);
	str_format(state, sizeof(state), "%s/state", dir);
	str_format(bundle, sizeof(bundle), "%s/true", dir);
	check(sampler_run(s, argv, &sample, &e), &e);
	if (keep && series_add(&c->series, &sample) < 0)
		exit(1);
	/* The kernel finishes what the last one left to it. */
	nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
}

/* Who is first changes from round to round. */
static void measure_starts(struct sampler *s, const char *strake, struct start *v, size_t n)
{
	for (size_t i = 0; i < RUNS + 5; i++)
		for (size_t k = 0; k < n; k++)
			start_once(s, strake, &v[(i + k) % n], i >= 5);
	for (size_t k = 0; k < n; k++) {
		series_summarise(&v[k].series, &v[k].summary);
		printf("run, %-28s median %6.3f ms   p10 %6.3f ms   best %6.3f ms   cpu %6.3f ms\n",
		       v[k].name, v[k].summary.median, v[k].summary.p10, v[k].summary.min,
		       v[k].summary.cpu);
	}
}

/* --- denied calls ------------------------------------------------------------------------------------ */

struct denied {
	const char *name;
	const char *policy;
	bool report;
	unsigned long long median, p99, worst; /* ns */
	unsigned long long told, lines;
};

static void denied_count(struct denied *d, const char *path)
{
	struct error e = ERROR_INIT;
	autobuf text = { 0 };
	char *save = NULL, *line, *at;

	check(file_read(AT_FDCWD, path, 64u << 20, &text, &e), &e);
	for (line = strtok_r(text.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		at = strstr(line, "\"count\":");
		d->told += at ? strtoull(at + strlen("\"count\":"), NULL, 10) : 0;
		d->lines++;
	}
	unlink(path);
}

static void measure_denied(const char *strake, struct denied *d)
{
	struct error e = ERROR_INIT;
	char command[1024], report[96];
	FILE *f;
	int n;

	str_format(report, sizeof(report), "%s/report", dir);
	check(str_format(command, sizeof(command),
			 "'%s' --cgroup-manager=disabled --root '%s/state' --policy '%s' "
			 "--policy-report '%s' run --bundle '%s/denied' bench-denied",
			 strake, dir, d->policy, report, dir),
	      &e);
	f = popen(command, "r");
	n = f ? fscanf(f, "%llu %llu %llu", &d->median, &d->p99, &d->worst) : 0;
	if (!f || pclose(f) != 0 || n != 3) {
		error_say(&e, EIO, "could not measure: %s", command);
		die(&e);
	}
	if (d->report)
		denied_count(d, report);
	printf("denied call, %-20s median %6llu ns   p99 %6llu ns   worst %8llu ns", d->name,
	       d->median, d->p99, d->worst);
	if (d->report)
		printf("   %llu of %d told, in %llu lines", d->told, CALLS, d->lines);
	printf("\n");
}

/* --- profiles ---------------------------------------------------------------------------------------- */

struct compiled {
	const char *path;
	size_t insns;
	uint64_t compile, prove; /* ns, medians */
};

static void measure_profile(struct compiled *c)
{
	struct seccomp_profile_for who = { .bounding = USUAL_CAPS,
					   .native = seccomp_abi_native() };
	static uint64_t compile[ROUNDS], prove[ROUNDS];
	struct seccomp_target target;
	struct spec_seccomp s = { 0 };
	struct error e = ERROR_INIT;
	autobuf text = { 0 };
	struct utsname system;
	struct arena a;

	arena_init(&a, 64u << 20);
	uname(&system);
	(void)sscanf(system.release, "%u.%u", &who.kernel_major, &who.kernel_minor);
	check(file_read(AT_FDCWD, c->path, 1u << 20, &text, &e), &e);
	check(seccomp_profile_resolve(&a, c->path, text.data, text.len, &who, &s, &e), &e);
	seccomp_target_host(&target, (uint32_t)s.flags);
	for (size_t i = 0; i < ROUNDS; i++) {
		autoprogram p = { 0 };
		uint64_t t0 = proc_now_ns(), t1;

		check(seccomp_compile(&s, &target, &p, &e), &e);
		t1 = proc_now_ns();
		check(seccomp_prove(&p, &s, &target, &e), &e);
		prove[i] = proc_now_ns() - t1;
		compile[i] = t1 - t0;
		c->insns = p.n;
	}
	qsort(compile, ROUNDS, sizeof(compile[0]), by_size);
	qsort(prove, ROUNDS, sizeof(prove[0]), by_size);
	c->compile = compile[ROUNDS / 2];
	c->prove = prove[ROUNDS / 2];
	printf("profile %s: %zu instructions, compile %.3f ms, prove %.3f ms\n", c->path,
	       c->insns, (double)c->compile / 1e6, (double)c->prove / 1e6);
	arena_done(&a);
}

/* --- the whole --------------------------------------------------------------------------------------- */

static void put_ms(struct json_writer *w, const char *key, double ms)
{
	char text[32];

	snprintf(text, sizeof(text), "%.4f", ms);
	json_write_key(w, key);
	json_write_number(w, text, strlen(text));
}

static void write_json(const char *path, const struct start *s, size_t n_s,
		       const struct denied *d, size_t n_d, const struct compiled *c, size_t n_c)
{
	autojson *w = json_writer_new(true);
	struct error e = ERROR_INIT;
	autobuf text = { .max = 1 << 20 };
	struct utsname system;

	if (!w)
		exit(1);
	uname(&system);
	json_write_object(w);
	json_put_u64(w, "format", 1);
	json_put_string(w, "kernel", system.release);
	json_put_string(w, "machine", system.machine);
	json_put_u64(w, "runs", RUNS);
	json_write_key(w, "run");
	json_write_array(w);
	for (size_t i = 0; i < n_s; i++) {
		json_write_object(w);
		json_put_string(w, "name", s[i].name);
		put_ms(w, "median_ms", s[i].summary.median);
		put_ms(w, "p10_ms", s[i].summary.p10);
		put_ms(w, "p90_ms", s[i].summary.p90);
		put_ms(w, "min_ms", s[i].summary.min);
		put_ms(w, "cpu_ms", s[i].summary.cpu);
		put_ms(w, "more_ms", s[i].summary.median - s[0].summary.median);
		json_write_end(w);
	}
	json_write_end(w);
	json_write_key(w, "denied");
	json_write_array(w);
	for (size_t i = 0; i < n_d; i++) {
		json_write_object(w);
		json_put_string(w, "name", d[i].name);
		json_put_u64(w, "calls", CALLS);
		json_put_u64(w, "median_ns", d[i].median);
		json_put_u64(w, "p99_ns", d[i].p99);
		json_put_u64(w, "worst_ns", d[i].worst);
		if (d[i].report) {
			json_put_u64(w, "told", d[i].told);
			json_put_u64(w, "lines", d[i].lines);
		}
		json_write_end(w);
	}
	json_write_end(w);
	json_write_key(w, "profiles");
	json_write_array(w);
	for (size_t i = 0; i < n_c; i++) {
		json_write_object(w);
		json_put_string(w, "profile", c[i].path);
		json_put_u64(w, "instructions", c[i].insns);
		put_ms(w, "compile_ms", (double)c[i].compile / 1e6);
		put_ms(w, "prove_ms", (double)c[i].prove / 1e6);
		json_write_end(w);
	}
	json_write_end(w);
	json_write_end(w);
	check(json_writer_end(w, &text), &e);
	check(file_replace(AT_FDCWD, path, text.data, text.len, 0644, &e), &e);
}

static void prepare(const char *true_path, const char *reporting)
{
	static const char *const run_true[] = { "/bin/true", NULL };
	static const char *const run_denied[] = { "/bin/denied", "inside", NULL };
	/* The policy's own words, and that denied calls are told. */
	static const char text[] =
		"{\"schema\":\"strake/node-policy/1\",\"name\":\"bench\",\"rules\":[{\"name\":"
		"\"denied\",\"seccomp\":{%s\"deny\":[{\"names\":[\"keyctl\"]}]}}]}";
	char rootfs[96], path[128], policy[512];
	struct bundle b = { .rootfs = rootfs, .args = run_true };
	struct error e = ERROR_INIT;
	autobuf self = { 0 };

	str_format(rootfs, sizeof(rootfs), "%s/rootfs", dir);
	check(bundle_make_root(rootfs, true_path, "/bin/busybox", 0, 0, &e), &e);
	str_format(path, sizeof(path), "%s/true", dir);
	check(bundle_write(path, &b, &e), &e);
	b.args = run_denied;
	str_format(path, sizeof(path), "%s/denied", dir);
	check(bundle_write(path, &b, &e), &e);
	str_format(path, sizeof(path), "%s/bin/denied", rootfs);
	snprintf(policy, sizeof(policy), "/proc/%d/exe", (int)getpid());
	{
		char real[512];
		ssize_t n = readlink(policy, real, sizeof(real) - 1);

		if (n < 0)
			exit(1);
		real[n] = '\0';
		check(file_read(AT_FDCWD, real, 64u << 20, &self, &e), &e);
	}
	check(file_replace(AT_FDCWD, path, self.data, self.len, 0755, &e), &e);
	str_format(path, sizeof(path), "%s/none", dir);
	if (mkdir(path, 0755) < 0)
		exit(1);
	snprintf(policy, sizeof(policy), text, "");
	str_format(path, sizeof(path), "%s/quiet.json", dir);
	check(file_replace(AT_FDCWD, path, policy, strlen(policy), 0644, &e), &e);
	snprintf(policy, sizeof(policy), text, "\"report\":true,");
	check(file_replace(AT_FDCWD, reporting, policy, strlen(policy), 0644, &e), &e);
}

int main(int argc, char **argv)
{
	char none[96], quiet[96], reporting[96];
	struct start starts[] = {
		{ .name = "no policy, no filter", .policy = none },
		{ .name = "default.json, warm", .policy = "" },
		{ .name = "one denial, reported, warm", .policy = reporting },
	};
	struct denied denied[] = {
		{ .name = "not reported", .policy = quiet },
		{ .name = "reported", .policy = reporting, .report = true },
	};
	struct compiled profiles[16] = { 0 };
	struct error e = ERROR_INIT;
	struct sampler s;
	size_t n = 0;

	if (argc > 1 && str_eq(argv[1], "inside"))
		return inside();
	if (argc < 5) {
		fprintf(stderr, "usage: policy STRAKE TRUE POLICY OUTPUT [PROFILE]...\n");
		return 2;
	}
	starts[1].policy = argv[3];
	if (!mkdtemp(dir) || chmod(dir, 0755) < 0) {
		perror("bench: temporary folder");
		return 1;
	}
	str_format(none, sizeof(none), "%s/none", dir);
	str_format(quiet, sizeof(quiet), "%s/quiet.json", dir);
	str_format(reporting, sizeof(reporting), "%s/reporting.json", dir);
	prepare(argv[2], reporting);
	check(sampler_init(&s, &e), &e);
	measure_starts(&s, argv[1], starts, ARRAY_SIZE(starts));
	sampler_done(&s);
	for (size_t i = 0; i < ARRAY_SIZE(denied); i++)
		measure_denied(argv[1], &denied[i]);
	for (int i = 5; i < argc && n < ARRAY_SIZE(profiles); i++) {
		profiles[n].path = argv[i];
		measure_profile(&profiles[n++]);
	}
	write_json(argv[4], starts, ARRAY_SIZE(starts), denied, ARRAY_SIZE(denied), profiles,
		   n);
	check(bundle_remove_tree(dir, &e), &e);
	return 0;
}
