/* SPDX-License-Identifier: Apache-2.0 */

/*
 * steps COMMAND...: runs the command one machine instruction at a time, and prints how many of them it and its
 * first descendant have made, each up to its own execve: "121034 80233". What they do in the kernel does not
 * count, nor does how busy the machine is. An instruction that repeats itself counts once. Ends as the command does.
 *
 * Where the command begins with base/libc.h, string functions are those that every x86-64 has. Elsewhere libc chooses
 * them by the processor, and numbers of two machines differ.
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNTED 2

static struct process {
	pid_t pid;
	unsigned long long steps;
	long at;   /* where the last step led to */
	bool done; /* another program now, or gone */
} processes[COUNTED];
static int n_processes;

static struct process *process_of(pid_t pid)
{
	int i;

	for (i = 0; i < n_processes; i++)
		if (processes[i].pid == pid)
			return &processes[i];
	if (n_processes == COUNTED)
		return NULL;
	processes[n_processes].pid = pid;
	return &processes[n_processes++];
}

static void step_count(struct process *p)
{
	long at = ptrace(PTRACE_PEEKUSER, p->pid, offsetof(struct user, regs.rip), 0);

	if (at != p->at)
		p->steps++;
	p->at = at;
}

static void go_on(pid_t pid, int status)
{
	struct process *p = process_of(pid);
	int sig = WSTOPSIG(status), event = status >> 16;

	if (!p) {
		ptrace(PTRACE_DETACH, pid, 0, event ? 0 : sig);
		return;
	}
	if (event == PTRACE_EVENT_EXEC && p->steps)
		p->done = true;
	if (event == PTRACE_EVENT_STOP && (sig == SIGSTOP || sig == SIGTSTP)) {
		ptrace(PTRACE_LISTEN, pid, 0, 0);
		return;
	}
	if (p->done) {
		ptrace(PTRACE_DETACH, pid, 0, 0);
		return;
	}
	if (!event && sig == SIGTRAP)
		step_count(p);
	else if (event == PTRACE_EVENT_EXEC)
		p->steps = 1;
	ptrace(PTRACE_SINGLESTEP, pid, 0, event || sig == SIGTRAP ? 0 : sig);
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
		   PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
			   PTRACE_O_TRACEEXEC) < 0)
		err(2, "trace");
	processes[n_processes++].pid = pid;
	kill(pid, SIGCONT);
	return pid;
}

/* Until its execve the first one runs at full speed: that is us. */
static void skip_to_exec(pid_t pid)
{
	int status;

	for (;;) {
		if (waitpid(pid, &status, __WALL) < 0)
			err(2, "wait");
		if (!WIFSTOPPED(status))
			errx(2, "the command did not run");
		if (status >> 16 == PTRACE_EVENT_EXEC)
			break;
		ptrace(PTRACE_CONT, pid, 0, status >> 16 ? 0 : WSTOPSIG(status));
	}
	ptrace(PTRACE_SINGLESTEP, pid, 0, 0);
}

/* What stays of the command goes on at full speed; a step that is under way would end it. */
static void let_go(void)
{
	int status, i;

	for (i = 1; i < n_processes; i++) {
		if (processes[i].done || ptrace(PTRACE_INTERRUPT, processes[i].pid, 0, 0) < 0)
			continue;
		while (waitpid(processes[i].pid, &status, __WALL) > 0 && WIFSTOPPED(status)) {
			if (status >> 16 == PTRACE_EVENT_STOP) {
				ptrace(PTRACE_DETACH, processes[i].pid, 0, 0);
				break;
			}
			step_count(&processes[i]);
			ptrace(PTRACE_SINGLESTEP, processes[i].pid, 0, 0);
		}
	}
}

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
		if (WIFSTOPPED(status))
			go_on(pid, status);
		else if (pid == first)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
}

int main(int argc, char **argv)
{
	pid_t pid;
	int status;

	if (argc < 2)
		errx(2, "usage: steps COMMAND...");
	pid = begin(argv + 1);
	skip_to_exec(pid);
	status = follow(pid);
	let_go();
	fprintf(stderr, "%llu %llu\n", processes[0].steps, processes[1].steps);
	return status;
}
