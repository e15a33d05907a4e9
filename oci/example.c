/* SPDX-License-Identifier: Apache-2.0 */

/*
 * liboci by example: two containers at once, from one process and one thread.
 *
 *	cc example.c $(pkg-config --cflags --libs liboci) -o example
 *	./example STATE-FOLDER BUNDLE BUNDLE
 *
 * Each bundle's container is created, started and waited for; then both are removed. Prints what becomes
 * of them, and exits with 1 where one could not be made.
 */
#include <poll.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/error.h>
#include <base/mem.h>
#include <oci.h>

static int fail(const struct error *e)
{
	fprintf(stderr, "example: %s\n", e->text);
	if (e->hint[0])
		fprintf(stderr, "example: %s\n", e->hint);
	return 1;
}

/* Struct oci_runtime says where and how, and is shared; every call may have another. */
static int make(const struct oci_runtime *rt, const char *id, const char *bundle,
		struct oci_process *ret)
{
	struct error e = ERROR_INIT;
	const struct oci_create_options opt = {
		.id = id,
		.bundle = bundle,
		.console_fd = -1,
		.stdio = { -1, -1, -1 }, /* ours */
	};

	/* Created: everything is built, and only the program does not run yet. */
	if (oci_create(rt, &opt, ret, &e) < 0)
		return fail(&e);
	if (oci_start(rt, id, &e) < 0) {
		oci_delete(rt, id, true, NULL);
		return fail(&e);
	}
	return 0;
}

/* What `strake state` would print. */
static void show(const struct oci_runtime *rt, const char *id)
{
	struct error e = ERROR_INIT;
	struct oci_state state;
	struct arena arena;

	arena_init(&arena, 1 << 20);
	if (oci_state(rt, id, &arena, &state, &e) == 0)
		printf("%s is %s, its process is %d\n", state.id, oci_status_name(state.status),
		       (int)state.pid);
	else
		fail(&e);
	arena_done(&arena);
}

/* We are the parent of both; pidfds tell which of them has ended. */
static void wait_for_both(const struct oci_process *p, const char *const *ids)
{
	struct pollfd fds[] = {
		{ .fd = p[0].pid_fd, .events = POLLIN },
		{ .fd = p[1].pid_fd, .events = POLLIN },
	};
	int left = 2, i, status;

	while (left > 0 && poll(fds, 2, -1) > 0) {
		for (i = 0; i < 2; i++) {
			if (!fds[i].revents || waitpid(p[i].pid, &status, 0) < 0)
				continue;
			printf("%s has ended with %d\n", ids[i],
			       WIFEXITED(status) ? WEXITSTATUS(status)
						 : 128 + WTERMSIG(status));
			fds[i].fd = -1;
			left--;
		}
	}
}

int main(int argc, char **argv)
{
	static const char *const ids[] = { "port", "starboard" };
	struct oci_runtime rt = { .cancel_fd = -1 };
	struct oci_process p[2];
	struct error e = ERROR_INIT;
	int failed = 0, i;

	if (argc != 4) {
		fprintf(stderr, "usage: example STATE-FOLDER BUNDLE BUNDLE\n");
		return 1;
	}
	rt.root = argv[1];
	if (make(&rt, ids[0], argv[2], &p[0]))
		return 1;
	if (make(&rt, ids[1], argv[3], &p[1])) {
		oci_delete(&rt, ids[0], true, NULL);
		return 1;
	}
	for (i = 0; i < 2; i++)
		show(&rt, ids[i]);
	fflush(stdout);
	wait_for_both(p, ids);
	for (i = 0; i < 2; i++) {
		close(p[i].pid_fd);
		if (oci_delete(&rt, ids[i], false, &e) < 0)
			failed = fail(&e);
	}
	return failed;
}
