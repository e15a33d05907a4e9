/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "cli/cli.h"

static const int cancel_signals[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };

/* What the terminal looked like before we made it raw. */
struct terminal {
	int master_fd;
	bool raw;
	struct termios before;
	bool stdin_open;
};

int foreground_begin(struct cli *cli)
{
	sigset_t cancel, all;
	size_t i;

	sigfillset(&all);
	if (sigprocmask(SIG_BLOCK, &all, NULL) < 0)
		return error_set(&cli->error, errno, "block signals");
	sigemptyset(&cancel);
	for (i = 0; i < ARRAY_SIZE(cancel_signals); i++)
		sigaddset(&cancel, cancel_signals[i]);
	cli->rt.cancel_fd = signalfd(-1, &cancel, SFD_CLOEXEC | SFD_NONBLOCK);
	if (cli->rt.cancel_fd < 0)
		return error_set(&cli->error, errno, "watch signals");
	return 0;
}

int foreground_console_pair(int ret[2], struct error *e)
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ret) < 0)
		return error_set(e, errno, "make a console socket");
	return 0;
}

void foreground_console_size(unsigned int *rows, unsigned int *columns)
{
	struct winsize size;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0)
		return;
	*rows = size.ws_row;
	*columns = size.ws_col;
}

int foreground_console_take(int socket_fd, struct error *e)
{
	char name[128];
	size_t n = 1;
	ssize_t r;
	int fd;

	/* Sent before the payload ran, or there is no terminal. */
	if (fd_wait(socket_fd, POLLIN, 0) <= 0)
		return -ENOENT;
	r = fd_recv(socket_fd, name, sizeof(name), &fd, &n);
	if (r < 0 || n != 1)
		return error_set(e, r < 0 ? (int)-r : EPROTO, "receive the terminal");
	return fd;
}

static void terminal_copy_size(const struct terminal *t)
{
	struct winsize size;

	if (t->master_fd >= 0 && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		ioctl(t->master_fd, TIOCSWINSZ, &size);
}

static void terminal_begin(struct terminal *t)
{
	struct termios raw;

	t->stdin_open = t->master_fd >= 0;
	if (t->master_fd < 0 || tcgetattr(STDIN_FILENO, &t->before) < 0)
		return;
	raw = t->before;
	cfmakeraw(&raw);
	t->raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
	terminal_copy_size(t);
}

static void terminal_end(struct terminal *t)
{
	if (t->raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &t->before);
}

/* One read and its write. 0: the source has ended. */
static bool terminal_copy(int from_fd, int to_fd)
{
	char data[8192];
	ssize_t n;

	do
		n = read(from_fd, data, sizeof(data));
	while (n < 0 && errno == EINTR);
	return n > 0 && fd_write_all(to_fd, data, (size_t)n) == 0;
}

static void terminal_drain(struct terminal *t)
{
	while (t->master_fd >= 0 && fd_wait(t->master_fd, POLLIN, 0) > 0)
		if (!terminal_copy(t->master_fd, STDOUT_FILENO))
			return;
}

static void foreground_forward(const struct oci_process *p, const struct terminal *t,
			       int signal_fd)
{
	struct signalfd_siginfo info;

	while (read(signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGWINCH && t->master_fd >= 0)
			terminal_copy_size(t);
		else if (info.ssi_signo != SIGCHLD && info.ssi_signo != SIGURG &&
			 info.ssi_signo != SIGPIPE)
			proc_kill(p->pid_fd, (int)info.ssi_signo);
	}
}

/* As a subreaper we inherit what the container leaves: reap it, but not the container itself. */
static void foreground_reap_orphans(const struct oci_process *p)
{
	siginfo_t info = { 0 };

	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid &&
	       info.si_pid != p->pid) {
		waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG);
		info.si_pid = 0;
	}
}

const char *foreground_service(void)
{
	const char *socket = getenv("NOTIFY_SOCKET");

	return str_empty(socket) ? NULL : socket;
}

/* The main process of the service is ours: it is we who wait for the container. */
static void foreground_tell_service(int *ready_fd)
{
	struct error e = ERROR_INIT;

	if (oci_ready_relay(*ready_fd, 0, foreground_service(), &e) >= 0)
		return;
	log_error(&e);
	*ready_fd = -1;
}

static int foreground_loop(const struct oci_process *p, struct terminal *t, int signal_fd,
			   struct oci_run *run)
{
	int ready_fd = run ? oci_run_ready_fd(run) : -1;
	int timeout_ms = run ? OCI_RUN_BRIEF_MS : -1, n;

	for (;;) {
		struct pollfd fds[] = {
			{ .fd = p->pid_fd, .events = POLLIN },
			{ .fd = signal_fd, .events = POLLIN },
			{ .fd = t->master_fd, .events = POLLIN },
			{ .fd = t->stdin_open ? STDIN_FILENO : -1, .events = POLLIN },
			{ .fd = ready_fd, .events = POLLIN },
		};

		n = poll(fds, ARRAY_SIZE(fds), timeout_ms);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0) {
			oci_run_rest(run);
			timeout_ms = -1;
		}
		if (fds[1].revents)
			foreground_forward(p, t, signal_fd);
		if (fds[2].revents && !terminal_copy(t->master_fd, STDOUT_FILENO))
			t->master_fd = -1, t->stdin_open = false;
		if (fds[3].revents && t->stdin_open &&
		    !terminal_copy(STDIN_FILENO, t->master_fd))
			t->stdin_open = false;
		/* Its last words may still wait there when it has ended. */
		while (ready_fd >= 0 && fd_wait(ready_fd, POLLIN, 0) > 0)
			foreground_tell_service(&ready_fd);
		foreground_reap_orphans(p);
		if (fds[0].revents)
			return 0;
	}
}

int foreground_wait(struct cli *cli, const struct oci_process *p, int master_fd,
		    struct oci_run *run)
{
	struct terminal t = { .master_fd = master_fd };
	autoclose int signal_fd = -1;
	sigset_t all;
	int status = 0, r;

	sigfillset(&all);
	signal_fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signal_fd < 0)
		return error_set(&cli->error, errno, "watch signals");

	terminal_begin(&t);
	r = foreground_loop(p, &t, signal_fd, run);
	terminal_drain(&t);
	terminal_end(&t);
	if (r == 0)
		r = proc_reap(p->pid_fd, &status);
	return r < 0 ? error_set(&cli->error, -r, "wait for the process")
		     : proc_exit_code(status);
}
