/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the seccomp layer costs: `seccomp PROFILE.json...` prints, for each profile in Docker's
 * format, the size of its program and the best and mean time of every step. Prints, never judges.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/proc.h"
#include "seccomp/abi.h"
#include "seccomp/cache.h"
#include "seccomp/compile.h"
#include "seccomp/load.h"
#include "seccomp/meaning.h"
#include "seccomp/profile.h"
#include "seccomp/program.h"
#include "seccomp/prove.h"
#include "seccomp/rules.h"
#include "spec/spec.h"

#define ROUNDS       300
/* What Docker and containerd give a container. */
#define DEFAULT_CAPS UINT64_C(0x00000000a80425fb)

struct measure {
	uint64_t best;
	uint64_t sum;
	unsigned n;
};

static void measure_add(struct measure *m, uint64_t ns)
{
	if (!m->n || ns < m->best)
		m->best = ns;
	m->sum += ns;
	m->n++;
}

static void measure_print(const char *what, const struct measure *m)
{
	printf("  %-34s best %9.1f us   mean %9.1f us\n", what, (double)m->best / 1000,
	       (double)m->sum / m->n / 1000);
}

static void die(const struct error *e)
{
	fprintf(stderr, "bench: %s\n", e->text);
	exit(1);
}

static void bench_compile(const struct spec_seccomp *spec, struct seccomp_program *program)
{
	struct measure resolve = { 0 }, mean = { 0 }, compile = { 0 }, prove = { 0 };
	struct seccomp_target target;
	struct error e = ERROR_INIT;

	seccomp_target_host(&target, (uint32_t)spec->flags);
	for (int i = 0; i < ROUNDS; i++) {
		struct seccomp_rules rules;
		struct seccomp_meaning m;
		uint64_t t0, t1, t2, t3, t4;

		seccomp_program_done(program);
		t0 = proc_now_ns();
		if (seccomp_rules_init(&rules, spec, &target, &e) < 0)
			die(&e);
		t1 = proc_now_ns();
		if (seccomp_meaning_init(&m, &rules, &e) < 0)
			die(&e);
		t2 = proc_now_ns();
		if (seccomp_compile_meaning(&m, program, &e) < 0)
			die(&e);
		t3 = proc_now_ns();
		if (seccomp_prove_rules(program, &rules, &e) < 0)
			die(&e);
		t4 = proc_now_ns();
		measure_add(&resolve, t1 - t0);
		measure_add(&mean, t2 - t1);
		measure_add(&compile, t3 - t2);
		measure_add(&prove, t4 - t3);
		seccomp_meaning_done(&m);
		seccomp_rules_done(&rules);
	}
	printf("  %zu instructions\n", program->n);
	measure_print("names to numbers", &resolve);
	measure_print("normal form", &mean);
	measure_print("compile", &compile);
	measure_print("prove", &prove);
}

static void bench_cache(const struct spec_seccomp *spec)
{
	char folder[] = "/tmp/strake-bench-XXXXXX";
	struct measure cold = { 0 }, warm = { 0 };
	struct error e = ERROR_INIT;
	char command[64];
	int fd;

	if (!mkdtemp(folder) || (fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
		perror("bench: cache folder");
		exit(1);
	}
	snprintf(command, sizeof(command), "rm -rf %s/*", folder);
	for (int i = 0; i < ROUNDS; i++) {
		struct seccomp_program p;
		uint64_t t0;

		/* One round in ten starts from an empty cache. */
		if (i % 10 == 0 && system(command) != 0)
			exit(1);
		t0 = proc_now_ns();
		if (seccomp_obtain(fd, spec, &p, &e) < 0)
			die(&e);
		measure_add(i % 10 ? &warm : &cold, proc_now_ns() - t0);
		seccomp_program_done(&p);
	}
	measure_print("obtain, made and stored", &cold);
	measure_print("obtain, found in the cache", &warm);
	if (system(command) != 0 || rmdir(folder) < 0)
		exit(1);
	close(fd);
}

static void bench_load(const struct seccomp_program *program)
{
	struct measure load = { 0 };

	for (int i = 0; i < 30; i++) {
		uint64_t ns = 0;
		int fds[2];
		pid_t pid;

		if (pipe(fds) < 0)
			exit(1);
		pid = fork();
		if (pid == 0) {
			struct seccomp_program p = *program;

			prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
			p.flags &= ~(uint32_t)SECCOMP_FILTER_FLAG_NEW_LISTENER;
			ns = proc_now_ns();
			if (seccomp_load(&p) < 0)
				_exit(1);
			ns = proc_now_ns() - ns;
			if (write(fds[1], &ns, sizeof(ns)) != sizeof(ns))
				_exit(1);
			_exit(0);
		}
		close(fds[1]);
		if (pid > 0 && read(fds[0], &ns, sizeof(ns)) == sizeof(ns))
			measure_add(&load, ns);
		close(fds[0]);
		waitpid(pid, NULL, 0);
	}
	if (load.n)
		measure_print("load", &load);
	else
		printf("  %-34s the filter forbids to tell\n", "load");
}

static void bench_profile(const char *path)
{
	struct seccomp_profile_for target = { .bounding = DEFAULT_CAPS,
					      .native = seccomp_abi_native() };
	struct measure resolve = { 0 };
	struct error e = ERROR_INIT;
	autoprogram program = { 0 };
	struct spec_seccomp spec;
	autobuf text = { 0 };
	struct utsname uts;
	struct arena a;

	uname(&uts);
	sscanf(uts.release, "%u.%u", &target.kernel_major, &target.kernel_minor);
	if (file_read(AT_FDCWD, path, 4u << 20, &text, &e) < 0)
		die(&e);
	printf("%s\n", path);
	for (int i = 0; i < 20; i++) {
		uint64_t t0 = proc_now_ns();

		arena_init(&a, 64u << 20);
		if (seccomp_profile_resolve(&a, path, text.data, text.len, &target, &spec, &e) <
		    0)
			die(&e);
		measure_add(&resolve, proc_now_ns() - t0);
		if (i < 19)
			arena_done(&a);
	}
	measure_print("read the profile", &resolve);
	bench_compile(&spec, &program);
	bench_cache(&spec);
	bench_load(&program);
	arena_done(&a);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: %s PROFILE.json...\n", argv[0]);
		return 1;
	}
	for (int i = 1; i < argc; i++)
		bench_profile(argv[i]);
	return 0;
}
