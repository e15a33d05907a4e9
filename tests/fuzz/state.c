/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer: bytes -> state_parse(). A state that is accepted is whole, and what state_write() makes
 * of it is read as the same state: a container that was once recorded can always be found again.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "run/state.h"

#define DIE_UNLESS(x)            \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/dev/shm/strake-fuzz-XXXXXX";
static int dir_fd = -1;

static void folder_remove(void)
{
	(void)unlinkat(dir_fd, STATE_FILE, 0);
	(void)rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	DIE_UNLESS(mkdtemp(folder));
	dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIE_UNLESS(dir_fd >= 0);
	atexit(folder_remove);
	return 0;
}

static void same(const struct state *a, const struct state *b)
{
	DIE_UNLESS(strcmp(a->id, b->id) == 0);
	DIE_UNLESS(strcmp(a->bundle, b->bundle) == 0);
	DIE_UNLESS(strcmp(a->rootfs, b->rootfs) == 0);
	DIE_UNLESS(strcmp(a->created, b->created) == 0);
	DIE_UNLESS(strcmp(a->oci_version, b->oci_version) == 0);
	DIE_UNLESS(strcmp(a->cgroup, b->cgroup) == 0);
	DIE_UNLESS(a->ready == b->ready && a->poststop == b->poststop && a->pid == b->pid);
	DIE_UNLESS(a->start_time == b->start_time && a->owner == b->owner);
	DIE_UNLESS(a->root_mount == b->root_mount && a->root_in_place == b->root_in_place);
	DIE_UNLESS(a->manager == b->manager && a->annotations.n == b->annotations.n);
	for (size_t i = 0; i < a->annotations.n; i++) {
		DIE_UNLESS(strcmp(a->annotations.v[i].key, b->annotations.v[i].key) == 0);
		DIE_UNLESS(strcmp(a->annotations.v[i].value, b->annotations.v[i].value) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error e = ERROR_INIT;
	struct state s, again;
	int r;

	r = state_parse((const char *)data, size, &s, &e);
	if (r < 0) {
		DIE_UNLESS(e.errnum == -r && e.text[0]);
		return 0;
	}
	DIE_UNLESS(s.pid >= 0);
	DIE_UNLESS(state_write(dir_fd, &s, &e) == 0);
	DIE_UNLESS(state_read(dir_fd, &again, &e) == 0);
	same(&s, &again);
	state_done(&again);
	state_done(&s);
	return 0;
}
