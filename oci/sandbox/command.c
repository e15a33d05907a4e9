/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/command.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/passwd.h"
#include "base/str.h"
#include "spec/spec.h"

#define COMMAND_DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define COMMAND_HOME_MAX     1024

static const char *command_env_get(const struct spec_process *p, const char *name)
{
	size_t len = strlen(name), i;

	for (i = p->env.n; i-- > 0;)
		if (strncmp(p->env.v[i], name, len) == 0 && p->env.v[i][len] == '=')
			return p->env.v[i] + len + 1;
	return NULL;
}

/* 0: it can be executed as far as modes tell; else -errno as execve would give. */
static int command_try(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0)
		return -errno;
	return S_ISREG(st.st_mode) ? 0 : -EACCES;
}

static int command_check_interpreter(const char *path, const char *interpreter, struct error *e)
{
	int r = command_try(interpreter);

	if (r == 0)
		return 0;
	error_say(e, -r, "exec %s: its interpreter %s: %s", path, interpreter,
		  r == -ENOENT ? "no such file or directory" : strerrordesc_np(-r));
	error_hint(e, "the image lacks %s, or the file was made for another system",
		   interpreter);
	return r;
}

static int command_check_script(const char *path, char *head, size_t len, struct error *e)
{
	char *start = head + 2, *end = head + len, *p;

	while (start < end && (*start == ' ' || *start == '\t'))
		start++;
	for (p = start; p < end && !strchr(" \t\r\n", *p); p++)
		;
	/* Longer than what we read is longer than what the kernel takes. */
	if (p == start || p == end)
		return 0;
	*p = '\0';
	return command_check_interpreter(path, start, e);
}

static int command_check_elf(const char *path, int fd, const Elf64_Ehdr *h, struct error *e)
{
	char interpreter[PATH_MAX];
	Elf64_Phdr ph[16];
	ssize_t n;
	int i;

	if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_phentsize != sizeof(ph[0]))
		return 0;
	/* Linkers put the interpreter among the first. */
	n = pread(fd, ph, sizeof(ph), (off_t)h->e_phoff) / (ssize_t)sizeof(ph[0]);
	for (i = 0; i < n && i < h->e_phnum; i++) {
		if (ph[i].p_type != PT_INTERP || ph[i].p_filesz < 2 ||
		    ph[i].p_filesz > sizeof(interpreter))
			continue;
		if (pread(fd, interpreter, ph[i].p_filesz, (off_t)ph[i].p_offset) !=
		    (ssize_t)ph[i].p_filesz)
			return 0;
		interpreter[ph[i].p_filesz - 1] = '\0';
		return command_check_interpreter(path, interpreter, e);
	}
	return 0;
}

/* Best effort: what cannot be read can still be executed, and the kernel has the last word. */
static int command_check_content(const char *path, struct error *e)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	union {
		char bytes[256];
		Elf64_Ehdr elf;
	} head;
	ssize_t n;

	n = fd < 0 ? -1 : pread(fd, head.bytes, sizeof(head.bytes), 0);
	if (n < 4)
		return 0;
	if (memcmp(head.bytes, "#!", 2) == 0)
		return command_check_script(path, head.bytes, (size_t)n, e);
	if (memcmp(head.bytes, ELFMAG, SELFMAG) == 0 && (size_t)n >= sizeof(head.elf))
		return command_check_elf(path, fd, &head.elf, e);
	return 0;
}

static int command_say(const char *name, int errnum, struct error *e)
{
	static const struct {
		int errnum;
		const char *text;
	} words[] = {
		{ ENOENT, "no such file or directory" },
		{ EACCES, "permission denied" },
		{ EISDIR, "is a directory" },
		{ ENOTDIR, "not a directory" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i].errnum == errnum)
			return error_say(e, errnum, "exec: \"%s\": %s", name, words[i].text);
	return error_set(e, errnum, "exec: \"%s\"", name);
}

static int command_search(const char *name, const char *path, char **ret, struct error *e)
{
	/* Room for whichever part of PATH. */
	size_t size = strlen(path) + strlen(name) + sizeof("./");
	autofree char *at = malloc(size);
	int denied = 0;

	if (!at)
		return error_set(e, ENOMEM, "look through PATH");
	for (;;) {
		size_t len = strcspn(path, ":");
		int r;

		snprintf(at, size, "%.*s/%s", len ? (int)len : 1, len ? path : ".", name);
		r = command_try(at);
		if (r == 0) {
			*ret = take_ptr(&at);
			return 0;
		}
		if (r == -EACCES)
			denied = 1;
		if (!path[len])
			break;
		path += len + 1;
	}
	if (denied)
		return command_say(name, EACCES, e);
	error_say(e, ENOENT, "exec: \"%s\": executable file not found in $PATH", name);
	error_hint(
		e,
		"process.args[0] must be a program of the image; PATH comes from process.env");
	return -ENOENT;
}

int command_find(const struct spec_process *p, char **ret, struct error *e)
{
	const char *name = p->args.v[0];
	int r;

	*ret = NULL;
	if (strchr(name, '/')) {
		r = command_try(name);
		if (r < 0)
			return command_say(name, -r, e);
		*ret = strdup(name);
	} else {
		const char *path = command_env_get(p, "PATH");

		if (!*name)
			return error_say(e, EINVAL, "process.args[0] is empty");
		r = command_search(name, path ?: COMMAND_DEFAULT_PATH, ret, e);
		if (r < 0)
			return r;
	}
	return *ret ? command_check_content(*ret, e)
		    : error_set(e, ENOMEM, "exec: \"%s\"", name);
}

static uint64_t command_hash(const char *name, size_t len)
{
	uint64_t h = 0xcbf29ce484222325u;
	size_t i;

	for (i = 0; i < len; i++)
		h = (h ^ (unsigned char)name[i]) * 0x100000001b3u;
	return h;
}

/* Walks from the end and keeps the first sight of each name; order is kept. */
static size_t command_dedup(const struct spec_process *p, char **out, char **table,
			    size_t slots)
{
	size_t n = p->env.n, i, kept = 0;

	for (i = n; i-- > 0;) {
		char *entry = p->env.v[i];
		size_t len = strcspn(entry, "=");
		size_t at = command_hash(entry, len) & (slots - 1);

		while (table[at] && !(strncmp(table[at], entry, len) == 0 &&
				      (table[at][len] == '=' || !table[at][len])))
			at = (at + 1) & (slots - 1);
		if (table[at])
			continue;
		table[at] = entry;
		out[n - ++kept] = entry;
	}
	memmove(out, out + (n - kept), kept * sizeof(*out));
	return kept;
}

/* In the place of one of that name, or after the last. */
static void command_env_set(char **out, size_t *n, char *entry)
{
	size_t len = strcspn(entry, "=") + 1, i;

	for (i = 0; i < *n && strncmp(out[i], entry, len) != 0; i++)
		;
	out[i] = entry;
	if (i == *n)
		(*n)++;
}

/* What sd_listen_fds(3) reads. `text` has room for it; the number of who executes comes last. */
static void command_env_listen(char **out, size_t *n, unsigned int fds, const char *names,
			       char *text)
{
	size_t len = (size_t)sprintf(text, "LISTEN_FDS=%u", fds) + 1;

	command_env_set(out, n, text);
	text += len;
	if (names) {
		len = (size_t)sprintf(text, "LISTEN_FDNAMES=%s", names) + 1;
		command_env_set(out, n, text);
		text += len;
	}
	strcpy(text, "LISTEN_PID=");
	command_env_set(out, n, text);
}

void command_tell_pid(char **env)
{
	static const char name[] = "LISTEN_PID=";

	while (*env && !str_starts(*env, name))
		env++;
	if (*env)
		sprintf(*env + strlen(name), "%d", getpid());
}

int command_environment(const struct spec_process *p, unsigned int listen_fds,
			const char *listen_names, char ***ret, struct error *e)
{
	static const char most[] =
		"HOME=\0LISTEN_FDS=4294967295\0LISTEN_PID=2147483647\0LISTEN_FDNAMES=";
	bool need_home = !command_env_get(p, "HOME");
	autofree char **table = NULL;
	char home[COMMAND_HOME_MAX] = "";
	size_t room = p->env.n + 5; /* ours, and NULL */
	size_t slots = 16, kept;
	char **out, *text;

	if (need_home &&
	    (!passwd_find(p->user.uid, PASSWD_HOME, home, sizeof(home)) || home[0] != '/'))
		strcpy(home, "/");
	while (slots < 2 * p->env.n + 2)
		slots *= 2;
	table = calloc(slots, sizeof(*table));
	out = malloc(room * sizeof(*out) + sizeof(most) + strlen(home) +
		     (listen_names ? strlen(listen_names) : 0));
	if (!table || !out) {
		free(out);
		return error_set(e, ENOMEM, "process.env");
	}
	text = (char *)(out + room);
	kept = command_dedup(p, out, table, slots);
	if (need_home) {
		out[kept++] = text;
		text += sprintf(text, "HOME=%s", home) + 1;
	}
	if (listen_fds)
		command_env_listen(out, &kept, listen_fds, listen_names, text);
	out[kept] = NULL;
	*ret = out;
	return 0;
}
