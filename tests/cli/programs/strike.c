/* SPDX-License-Identifier: Apache-2.0 */

/*
 * strike REPORT PROCESS N SIGNAL COMMAND...: runs the command, and sends the signal to one of its
 * processes where that is about to make its Nth system call. PROCESS 0 is the command, 1 its first
 * descendant, 2 the next one, each up to its own execve of something else. Adds a line to REPORT:
 * process, N, number of the system call, how the command ended, how many errnos there are for it. Ends as
 * the command does, or with 100 where that process never made as many calls. What the command leaves
 * running runs on, untraced.
 *
 * Where SIGNAL is "eK" the call fails instead, with the Kth errno of those that its manual page names.
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <elf.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
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

static int wanted, when, signum, which = -1, calls, number = -1, errnos;
static bool struck, failing;

/* What can happen on a machine that is short of something, or in a sandbox; the rest can be a denial. */
static const struct failure {
	int number;
	int errnos[4];
} failures[] = {
#ifdef SYS_open
	{ SYS_open, { EMFILE, EACCES, ENOMEM } },
	{ SYS_mkdir, { ENOSPC, EACCES } },
	{ SYS_unlink, { EACCES, EIO } },
	{ SYS_rename, { ENOSPC, EIO } },
	{ SYS_readlink, { EACCES, EIO } },
	{ SYS_poll, { ENOMEM, EINTR } },
	{ SYS_dup2, { EMFILE, EBUSY } },
	{ SYS_access, { EACCES, EIO } },
#endif
	{ SYS_openat, { EMFILE, EACCES, ENOMEM } },
	{ SYS_openat2, { EMFILE, EACCES, ENOSYS } },
	{ SYS_close, { EINTR, EIO } },
	{ SYS_read, { EIO, EINTR } },
	{ SYS_pread64, { EIO } },
	{ SYS_write, { ENOSPC, EIO, EINTR } },
	{ SYS_pwrite64, { ENOSPC, EIO } },
	{ SYS_fstat, { ENOMEM } },
	{ SYS_newfstatat, { ENOMEM, EACCES } },
	{ SYS_statfs, { EIO, ENOMEM } },
	{ SYS_fstatfs, { EIO, ENOMEM } },
	{ SYS_getdents64, { EIO } },
	{ SYS_mmap, { ENOMEM, EAGAIN } },
	{ SYS_mprotect, { ENOMEM } },
	{ SYS_madvise, { EAGAIN, ENOMEM } },
	{ SYS_clone3, { EAGAIN, ENOMEM, ENOSPC, EPERM } },
	{ SYS_socket, { EMFILE, ENOBUFS } },
	{ SYS_socketpair, { EMFILE, ENOMEM } },
	{ SYS_bind, { EADDRINUSE, ENOMEM } },
	{ SYS_listen, { EADDRINUSE } },
	{ SYS_connect, { ECONNREFUSED, EAGAIN } },
	{ SYS_sendmsg, { ENOBUFS, EPIPE } },
	{ SYS_sendto, { ENOBUFS, EPIPE } },
	{ SYS_recvmsg, { ENOMEM, ECONNRESET } },
	{ SYS_recvfrom, { ENOMEM, ECONNRESET } },
	{ SYS_ppoll, { ENOMEM, EINTR } },
	{ SYS_unshare, { ENOMEM, ENOSPC, EPERM } },
	{ SYS_setns, { EPERM, ENOMEM } },
	{ SYS_mkdirat, { ENOSPC, EACCES } },
	{ SYS_unlinkat, { EACCES, EBUSY, EIO } },
	{ SYS_renameat, { ENOSPC, EIO } },
	{ SYS_mknodat, { EPERM, ENOSPC } },
	{ SYS_symlinkat, { ENOSPC, EACCES } },
	{ SYS_fchownat, { EPERM, EIO } },
	{ SYS_fchown, { EPERM, EIO } },
	{ SYS_fchmod, { EPERM, EIO } },
	{ SYS_fsopen, { EMFILE, EPERM, ENOMEM } },
	{ SYS_fsconfig, { EINVAL, EPERM } },
	{ SYS_fsmount, { EMFILE, EPERM } },
	{ SYS_open_tree, { EMFILE, EPERM, ENOMEM } },
	{ SYS_move_mount, { EPERM, EINVAL, ENOSPC } },
	{ SYS_mount_setattr, { EPERM, EINVAL } },
	{ SYS_pivot_root, { EBUSY, EPERM } },
	{ SYS_umount2, { EBUSY, EPERM } },
	{ SYS_bpf, { EPERM, ENOMEM, E2BIG } },
	{ SYS_prctl, { EPERM, EINVAL } },
	{ SYS_capset, { EPERM } },
	{ SYS_setresuid, { EAGAIN, EPERM } },
	{ SYS_setresgid, { EPERM } },
	{ SYS_setgroups, { ENOMEM, EPERM } },
	{ SYS_prlimit64, { EPERM } },
	{ SYS_chdir, { EACCES, EIO } },
	{ SYS_fchdir, { EACCES } },
	{ SYS_sethostname, { EPERM } },
	{ SYS_keyctl, { EDQUOT, ENOMEM, EACCES } },
	{ SYS_seccomp, { ENOMEM, EACCES, EINVAL } },
	{ SYS_execve, { ENOMEM, EACCES, E2BIG } },
	{ SYS_memfd_create, { EMFILE, ENOMEM } },
	{ SYS_ftruncate, { ENOSPC, EIO } },
	{ SYS_flock, { ENOLCK, EINTR } },
	{ SYS_dup3, { EMFILE } },
	{ SYS_fcntl, { EMFILE, ENOMEM } },
	{ SYS_ioctl, { ENOMEM, EPERM } },
	{ SYS_waitid, { EINTR } },
	{ SYS_pidfd_open, { EMFILE, ENOSYS } },
	{ SYS_pidfd_send_signal, { EPERM, ESRCH } },
	{ SYS_signalfd4, { EMFILE, ENOMEM } },
	{ SYS_setsid, { EPERM } },
	{ SYS_close_range, { EMFILE } },
	/* These do not fail, or have no way to say so. */
	{ SYS_exit_group, { 0 } },
	{ SYS_exit, { 0 } },
	{ SYS_brk, { 0 } },
	{ SYS_munmap, { 0 } },
	{ SYS_getpid, { 0 } },
	{ SYS_getppid, { 0 } },
	{ SYS_geteuid, { 0 } },
	{ SYS_getuid, { 0 } },
	{ SYS_getegid, { 0 } },
	{ SYS_getgid, { 0 } },
	{ SYS_gettid, { 0 } },
	{ SYS_umask, { 0 } },
	{ SYS_uname, { 0 } },
	{ SYS_getrandom, { 0 } },
	{ SYS_clock_gettime, { 0 } },
	{ SYS_gettimeofday, { 0 } },
	{ SYS_rt_sigaction, { 0 } },
	{ SYS_rt_sigprocmask, { 0 } },
	{ SYS_rt_sigreturn, { 0 } },
	{ SYS_restart_syscall, { 0 } },
	{ SYS_set_tid_address, { 0 } },
	{ SYS_set_robust_list, { 0 } },
	{ SYS_rseq, { 0 } },
#ifdef SYS_arch_prctl
	{ SYS_arch_prctl, { 0 } },
#endif
};

static const struct failure *failure_of(int nr)
{
	static const struct failure denied = { -1, { EPERM, ENOMEM } };
	size_t i;

	for (i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
		if (failures[i].number == nr)
			return &failures[i];
	return &denied;
}

/* The kernel makes no call of this number. */
static void call_skip(pid_t pid)
{
#if defined(__x86_64__)
	struct user_regs_struct regs;

	ptrace(PTRACE_GETREGS, pid, 0, &regs);
	regs.orig_rax = (unsigned long long)-1;
	ptrace(PTRACE_SETREGS, pid, 0, &regs);
#elif defined(__aarch64__)
	int none = -1;
	struct iovec part = { &none, sizeof(none) };

	ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &part);
#else
#error "how does a system call fail here?"
#endif
}

static void call_return(pid_t pid, long value)
{
#if defined(__x86_64__)
	struct user_regs_struct regs;

	ptrace(PTRACE_GETREGS, pid, 0, &regs);
	regs.rax = (unsigned long long)value;
	ptrace(PTRACE_SETREGS, pid, 0, &regs);
#elif defined(__aarch64__)
	struct user_regs_struct regs;
	struct iovec part = { &regs, sizeof(regs) };

	ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &part);
	regs.regs[0] = (unsigned long long)value;
	ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &part);
#endif
}

static int failure_count(const struct failure *f)
{
	int n = 0;

	while (n < 4 && f->errnos[n])
		n++;
	return n;
}

/* A file is closed whatever close(2) says. */
static void call_fail(pid_t pid)
{
	errnos = failure_count(failure_of(number));
	failing = which < errnos;
	if (failing && number != SYS_close)
		call_skip(pid);
}

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
	if (which >= 0)
		call_fail(pid);
	else
		kill(pid, signum);
}

static void go_on(pid_t pid, int status)
{
	int i = index_of(pid), sig = WSTOPSIG(status), event = status >> 16;
	bool watch;

	if (event == PTRACE_EVENT_EXEC && i > 0)
		processes[i].done = true;
	if (sig == SYSCALL_STOP && i == wanted && failing) {
		failing = false;
		call_return(pid, -failure_of(number)->errnos[which]);
	} else if (sig == SYSCALL_STOP && i == wanted && !processes[i].done && !struck) {
		count_call(pid);
	}
	if (event == PTRACE_EVENT_STOP && (sig == SIGSTOP || sig == SIGTSTP)) {
		ptrace(PTRACE_LISTEN, pid, 0, 0);
		return;
	}
	watch = i == wanted && (!struck || failing) && !processes[i].done;
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
	if (argv[4][0] == 'e')
		which = atoi(argv[4] + 1);
	else
		signum = atoi(argv[4]);
	report = fopen(argv[1], "ae");
	if (!report)
		err(2, "%s", argv[1]);
	status = follow(begin(argv + 5));
	fprintf(report, "%d %d %d %d %d\n", wanted, when, number, status, errnos);
	fclose(report);
	return struck ? status : NEVER;
}
