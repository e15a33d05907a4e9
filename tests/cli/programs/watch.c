/* SPDX-License-Identifier: Apache-2.0 */

/*
 * watch: what a curious root of a container does. Looks at /proc/PID/fd, cwd, root and exe of every
 * other process it sees, over and over, as fast as it can, and prints each new target once. Ends when
 * /stop exists.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEEN_MAX 512

static char *seen[SEEN_MAX];
static int n_seen;

static void note(const char *link, const char *target)
{
	char line[8192];
	int i;

	snprintf(line, sizeof(line), "%s %s", link, target);
	for (i = 0; i < n_seen; i++)
		if (strcmp(seen[i], line) == 0)
			return;
	if (n_seen < SEEN_MAX)
		seen[n_seen++] = strdup(line);
	puts(line);
	fflush(stdout);
}

static void look(const char *pid, const char *link, const char *name)
{
	char path[512], target[4096];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%s/%s", pid, name);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return;
	target[n] = '\0';
	note(link, target);
}

static void look_at_fds(const char *pid)
{
	char path[512];
	struct dirent *d;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	dir = opendir(path);
	while (dir && (d = readdir(dir))) {
		if (!isdigit((unsigned char)d->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "fd/%s", d->d_name);
		look(pid, "fd", path);
	}
	if (dir)
		closedir(dir);
}

int main(void)
{
	char self[16];

	snprintf(self, sizeof(self), "%d", (int)getpid());
	while (access("/stop", F_OK) < 0) {
		DIR *dir = opendir("/proc");
		struct dirent *d;

		while (dir && (d = readdir(dir))) {
			if (!isdigit((unsigned char)d->d_name[0]) ||
			    strcmp(d->d_name, self) == 0)
				continue;
			look_at_fds(d->d_name);
			look(d->d_name, "cwd", "cwd");
			look(d->d_name, "root", "root");
			look(d->d_name, "exe", "exe");
		}
		if (dir)
			closedir(dir);
	}
	return 0;
}
