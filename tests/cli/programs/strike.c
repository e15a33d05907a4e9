/* SPDX-License-Identifier: Apache-2.0 */

/*
 * strike REPORT PROCESS N SIGNAL COMMAND...: runs the command, and sends the signal to one of its
 * processes where that is about to make its Nth system call. PROCESS 0 is the command, 1 its first
 * descendant, 2 the next one, each up to its own execve of something else. Adds a line to REPORT:
 * process, N, number of the system call, how the command ended. Ends as the command does, or with
 * 100 where that process never made as many calls. What the command leaves running runs on, untraced.
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <linux/ptrace.h>
#include <unistd.h>

#define NEVER        100
#define PROCESSES    64
#define SYSCALL_STOP (SIGTRAP | 0x80)

struct process {
	pid_t pid;
	bool done; /* it is another program now */
};

static struct process processes[PROCESSES];
static int n_processes;

static int wanted, when, signum, calls, number = -1;
static bool struck;

static int index_of(pid_t pid)
{
	int i;

	for (i = 0; i < n_processes; i++)
		if (processes[i].pid == pid)
			return i;
	if (n_processes == PROCESSES)
		errx(2, "too many processes");
	processes[n_processes].pid = pid;
	return n_processes++;
}

static void count_call(pid_t pid)
{
	struct ptrace_syscall_info info = { 0 };

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) < 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY || ++calls != when)
		return;
	struck = true;
	number = (int)info.entry.nr;
	kill(pid, signum);
}

static void go_on(pid_t pid, int status)
{
	int i = index_of(pid), sig = WSTOPSIG(status), event = status >> 16;
	bool watch;

	if (event == PTRACE_EVENT_EXEC && i > 0)
		processes[i].done = true;
	if (sig == SYSCALL_STOP && i == wanted && !processes[i].done && !struck)
		count_call(pid);
	if (event == PTRACE_EVENT_STOP && (sig == SIGSTOP || sig == SIGTSTP)) {
		ptrace(PTRACE_LISTEN, pid, 0, 0);
		return;
	}
	watch = i == wanted && !struck && !processes[i].done;
	ptrace(watch ? PTRACE_SYSCALL : PTRACE_CONT, pid, 0,
	       event || sig == SYSCALL_STOP ? 0 : sig);
}

static pid_t begin(char **argv)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		err(2, "fork");
	if (pid == 0) {
		raise(SIGSTOP);
		execv(argv[0], argv);
		err(127, "%s", argv[0]);
	}
	waitpid(pid, &status, WUNTRACED);
	if (ptrace(PTRACE_SEIZE, pid, 0,
		   PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
			   PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC) < 0)
		err(2, "trace");
	index_of(pid);
	kill(pid, SIGCONT);
	return pid;
}

/* Stops of ours lie before its execve; they are no system calls of the command. */
static int follow(pid_t first)
{
	int status;
	pid_t pid;

	for (;;) {
		pid = waitpid(-1, &status, __WALL);
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			err(2, "wait");
		if (!WIFSTOPPED(status)) {
			if (pid == first)
				return WIFEXITED(status) ? WEXITSTATUS(status)
							 : 128 + WTERMSIG(status);
			continue;
		}
		go_on(pid, status);
	}
}

int main(int argc, char **argv)
{
	FILE *report;
	int status;

	if (argc < 6)
		errx(2, "usage: strike REPORT PROCESS N SIGNAL COMMAND...");
	wanted = atoi(argv[2]);
	when = atoi(argv[3]);
	signum = atoi(argv[4]);
	report = fopen(argv[1], "ae");
	if (!report)
		err(2, "%s", argv[1]);
	status = follow(begin(argv + 5));
	fprintf(report, "%d %d %d %d\n", wanted, when, number, status);
	fclose(report);
	return struck ? status : NEVER;
}
