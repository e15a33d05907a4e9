/* SPDX-License-Identifier: Apache-2.0 */

/* What tests ask from inside a container, and a shell cannot. One word for each question. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static int say_result(long r, int errnum)
{
	if (r == -1)
		puts(strerrorname_np(errnum) ?: "unknown error");
	else
		printf("%ld\n", r);
	return r == -1;
}

/* "17", "0x11", "-1", or "s:text" for a pointer to text, low enough for 32-bit calls. */
static long word(const char *text)
{
	static char *low;
	char *at;

	if (strncmp(text, "s:", 2) != 0)
		return text[0] == '-' ? strtol(text, NULL, 0) : (long)strtoul(text, NULL, 0);
	if (!low)
		low = mmap(NULL, 65536, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	at = strcpy(low, text + 2);
	low += strlen(at) + 1;
	return (long)at;
}

static void words(int argc, char **argv, long a[7])
{
	int i;

	for (i = 0; i < 7; i++)
		a[i] = i < argc ? word(argv[i]) : 0;
}

static long number_of(const char *name)
{
	static const struct {
		const char *name;
		long number;
	} calls[] = {
		{ "geteuid", SYS_geteuid }, { "getppid", SYS_getppid },
		{ "keyctl", SYS_keyctl },   { "lseek", SYS_lseek },
		{ "mount", SYS_mount },     { "prctl", SYS_prctl },
	};
	size_t i;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(calls[i].name, name) == 0)
			return calls[i].number;
	return word(name);
}

/* syscall NAME|NUMBER [ARGUMENT]... */
static int ask_syscall(int argc, char **argv)
{
	long a[7], r;

	words(argc, argv, a);
	a[0] = number_of(argv[0]);
	r = syscall(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
	return say_result(r, errno);
}

static int abstract_socket(const char *name,
			   int (*call)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strncpy(a.sun_path + 1, name, sizeof(a.sun_path) - 2);
	if (fd < 0 ||
	    call(fd, (struct sockaddr *)&a,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name))) < 0)
		return -1;
	return fd;
}

/* connect NAME: to an abstract socket. */
static int ask_connect(int argc, char **argv)
{
	int fd = abstract_socket(argv[0], connect);

	(void)argc;
	return say_result(fd < 0 ? -1 : 0, errno);
}

/* listen NAME: to an abstract socket, until killed. */
static int ask_listen(int argc, char **argv)
{
	int fd = abstract_socket(argv[0], bind);

	(void)argc;
	if (fd < 0 || listen(fd, 8) < 0)
		return say_result(-1, errno);
	puts("listening");
	fflush(stdout);
	for (;;)
		pause();
}

/* repeat TIMES NAME|NUMBER [ARGUMENT]...: the last answer. */
static int ask_repeat(int argc, char **argv)
{
	long a[7], r = 0, i;

	words(argc - 1, argv + 1, a);
	a[0] = number_of(argv[1]);
	for (i = 0; i < word(argv[0]); i++)
		r = syscall(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
	return say_result(r, errno);
}

#ifdef __x86_64__
/* syscall32 NUMBER [ARGUMENT]...: as an i386 program would. */
static int ask_syscall32(int argc, char **argv)
{
	long a[7];
	int r;

	words(argc, argv, a);
	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"((int)a[0]), "b"((int)a[1]), "c"((int)a[2]), "d"((int)a[3]),
			   "S"((int)a[4]), "D"((int)a[5])
			 : "memory");
	return r < 0 && r > -4096 ? say_result(-1, -r) : say_result(r, 0);
}
#endif

static void on_trap(int signum, siginfo_t *info, void *context)
{
	(void)signum, (void)context;
	printf("%d\n", info->si_syscall);
	exit(0);
}

/* trapped: number of the call that SIGSYS tells of, when getppid(2) is made. */
static int ask_trapped(int argc, char **argv)
{
	struct sigaction sa = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };

	(void)argc, (void)argv;
	sigaction(SIGSYS, &sa, NULL);
	syscall(SYS_getppid);
	puts("no trap");
	return 1;
}

/* open PATH r|w|p: whether it can be opened so. */
static int ask_open(int argc, char **argv)
{
	int flags = argc < 2            ? O_RDONLY
		    : argv[1][0] == 'w' ? O_WRONLY
		    : argv[1][0] == 'p' ? O_PATH
					: O_RDONLY;
	int fd = open(argv[0], flags | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return say_result(-1, errno);
	puts("open");
	return 0;
}

/* getcwd: the raw call, which tells "(unreachable)". */
static int ask_getcwd(int argc, char **argv)
{
	char path[PATH_MAX];
	long n = syscall(SYS_getcwd, path, sizeof(path));

	(void)argc, (void)argv;
	if (n < 0)
		return say_result(-1, errno);
	puts(path);
	return 0;
}

/* fds: number and target of each open descriptor. */
static int ask_fds(int argc, char **argv)
{
	char name[64], target[PATH_MAX];
	int fd;

	(void)argc, (void)argv;
	for (fd = 0; fd < 1024; fd++) {
		ssize_t n;

		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		n = readlink(name, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = '\0';
		printf("%d %s\n", fd, target);
	}
	return 0;
}

/* push TEXT: into the terminal's input, as if it had been typed there. */
static int ask_push(int argc, char **argv)
{
	const char *p;

	(void)argc;
	for (p = argv[0]; *p; p++)
		if (ioctl(0, TIOCSTI, p) < 0)
			return say_result(-1, errno);
	puts("pushed");
	return 0;
}

/* key NAME: search the session keyring for a user key. */
static int ask_key(int argc, char **argv)
{
	long r = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", argv[0],
			 0);

	(void)argc;
	return say_result(r, errno);
}

/* with-key NAME COMMAND...: the command in a session keyring of its own that holds this user key. */
static int ask_with_key(int argc, char **argv)
{
	(void)argc;
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 ||
	    syscall(SYS_add_key, "user", argv[0], "gold", 4, KEY_SPEC_SESSION_KEYRING) < 0)
		return say_result(-1, errno);
	execvp(argv[1], argv + 1);
	return say_result(-1, errno);
}

/*
 * overwrite PATH: opens it for reading, then writes over it through that descriptor, as often as it
 * takes, until /stop exists. Prints how the last try ended.
 */
static int ask_overwrite(int argc, char **argv)
{
	int fd = -1, again = -1, last = 0;
	char name[64];

	(void)argc;
	while (again < 0 && access("/stop", F_OK) < 0) {
		if (fd < 0)
			fd = open(argv[0], O_RDONLY);
		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		again = fd < 0 ? -1 : open(name, O_WRONLY);
		last = errno;
	}
	if (again < 0)
		return say_result(-1, last);
	if (write(again, "#!/bin/false\n", 13) != 13)
		return say_result(-1, errno);
	puts("overwritten");
	return 0;
}

/* size: rows and columns of the terminal at fd 0. */
static int ask_size(int argc, char **argv)
{
	struct winsize w;

	(void)argc, (void)argv;
	if (ioctl(0, TIOCGWINSZ, &w) < 0)
		return say_result(-1, errno);
	printf("%d %d\n", w.ws_row, w.ws_col);
	return 0;
}

static const struct {
	const char *name;
	int (*ask)(int argc, char **argv);
	int need;
} questions[] = {
	{ "syscall", ask_syscall, 1 },     { "repeat", ask_repeat, 2 },
#ifdef __x86_64__
	{ "syscall32", ask_syscall32, 1 },
#endif
	{ "connect", ask_connect, 1 },     { "listen", ask_listen, 1 },
	{ "trapped", ask_trapped, 0 },     { "open", ask_open, 1 },
	{ "getcwd", ask_getcwd, 0 },       { "fds", ask_fds, 0 },
	{ "push", ask_push, 1 },           { "key", ask_key, 1 },
	{ "size", ask_size, 0 },           { "with-key", ask_with_key, 2 },
	{ "overwrite", ask_overwrite, 1 },
};

int main(int argc, char **argv)
{
	size_t i;

	for (i = 0; argc > 1 && i < sizeof(questions) / sizeof(questions[0]); i++)
		if (strcmp(argv[1], questions[i].name) == 0 && argc - 2 >= questions[i].need)
			return questions[i].ask(argc - 2, argv + 2);
	fprintf(stderr, "probe: no such question\n");
	return 2;
}
