/* SPDX-License-Identifier: Apache-2.0 */
/* Programs loaded into the kernel, and what happens to calls there. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/capability.h"
#include "profile_build.h"
#include "seccomp/abi.h"
#include "seccomp/load.h"
#include "unit/skip.h"

/* What a child answers: the errno of a call, or 0. */
static int result(long r)
{
	return r < 0 ? errno : 0;
}

static void compile(const struct p *p, struct seccomp_program *ret)
{
	struct seccomp_target target;
	struct error e = ERROR_INIT;

	seccomp_target_host(&target, (uint32_t)p->spec.flags);
	if (seccomp_compile(&p->spec, &target, ret, &e) < 0 ||
	    seccomp_prove(ret, &p->spec, &target, &e) < 0)
		fail_msg("%s", e.text);
}

/* Runs fn in a child under the profile: its wait status. */
static int under(const struct p *p, int (*fn)(void))
{
	autoprogram program = { 0 };
	int status;
	pid_t pid;

	compile(p, &program);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || seccomp_load(&program) < 0)
			_exit(255);
		_exit(fn());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void check_exit(int status, int code)
{
	if (!WIFEXITED(status))
		fail_msg("ended by signal %d", WTERMSIG(status));
	assert_int_equal(WEXITSTATUS(status), code);
}

static void check_signal(int status, int sig)
{
	if (!WIFSIGNALED(status))
		fail_msg("exited with %d", WEXITSTATUS(status));
	assert_int_equal(WTERMSIG(status), sig);
}

static int call_getppid(void)
{
	return result(syscall(SYS_getppid));
}

static int call_unknown(void)
{
	return result(syscall(999));
}

static int call_minus_one(void)
{
	return result(syscall(-1));
}

static int call_socket_tcp(void)
{
	return result(syscall(SYS_socket, AF_INET, SOCK_STREAM, 0));
}

/* Bit 32 of the family: the kernel does not look at it. */
static int call_socket_upper(void)
{
	return result(syscall(SYS_socket, (1L << 32) | AF_INET, SOCK_STREAM, 0));
}

static void calls_are_allowed_refused_and_unknown_as_the_profile_says(void **state)
{
	struct p p;

	(void)state;
	p_init(&p, SECCOMP_RET_ERRNO);
	p_rule(&p, SECCOMP_RET_ALLOW, "exit_group getpid statx");
	/* What sanitizers call between two lines of ours. */
	p_rule(&p, SECCOMP_RET_ALLOW, "mmap munmap madvise sigaltstack");
	check_exit(under(&p, call_getppid), EPERM);
	check_exit(under(&p, call_unknown), ENOSYS);
	check_exit(under(&p, call_minus_one), ENOSYS);
	p_rule(&p, SECCOMP_RET_ALLOW, "getppid");
	check_exit(under(&p, call_getppid), 0);
	p_errno(p_rule(&p, SECCOMP_RET_ERRNO, "getppid"), 77);
	check_exit(under(&p, call_getppid), 77);
	p_done(&p);
}

static void log_lets_through_and_trace_without_a_tracer_is_enosys(void **state)
{
	struct p p, q;

	(void)state;
	p_init(&p, SECCOMP_RET_ALLOW);
	p_rule(&p, SECCOMP_RET_LOG, "getppid");
	check_exit(under(&p, call_getppid), 0);
	p_done(&p);
	p_init(&q, SECCOMP_RET_ALLOW);
	p_rule(&q, SECCOMP_RET_TRACE, "getppid");
	check_exit(under(&q, call_getppid), ENOSYS);
	p_done(&q);
}

static void killing_ends_the_process(void **state)
{
	static const uint32_t kills[] = { SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kills); i++) {
		struct p p;

		p_init(&p, SECCOMP_RET_ALLOW);
		p_rule(&p, kills[i], "getppid");
		check_signal(under(&p, call_getppid), SIGSYS);
		p_done(&p);
	}
}

static volatile sig_atomic_t trapped;

static void on_trap(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	trapped = info->si_syscall;
}

static int call_trapped(void)
{
	struct sigaction sa = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };

	sigaction(SIGSYS, &sa, NULL);
	syscall(SYS_getppid);
	return trapped == SYS_getppid ? 42 : 1;
}

static void a_trap_tells_the_process_which_call_it_was(void **state)
{
	struct p p;

	(void)state;
	p_init(&p, SECCOMP_RET_ALLOW);
	p_rule(&p, SECCOMP_RET_TRAP, "getppid");
	check_exit(under(&p, call_trapped), 42);
	p_done(&p);
}

static void arguments_decide_and_ignored_bits_do_not(void **state)
{
	struct p p;

	(void)state;
	p_init(&p, SECCOMP_RET_ALLOW);
	p_when(&p, SECCOMP_RET_ERRNO, "socket", 0, SPEC_SECCOMP_EQ, AF_UNIX, 0);
	check_exit(under(&p, call_socket_tcp), 0);
	/* That the kernel does ignore them is what makes this worth a rule. */
	check_exit(under(&p, call_socket_upper), 0);
	p_errno(p_when(&p, SECCOMP_RET_ERRNO, "socket", 0, SPEC_SECCOMP_EQ, AF_INET, 0), 99);
	check_exit(under(&p, call_socket_tcp), 99);
	check_exit(under(&p, call_socket_upper), 99);
	p_done(&p);
}

#ifdef __x86_64__
static int call_x32(void)
{
	return result(syscall((long)(SECCOMP_X32_BIT | SYS_getppid)));
}

static int i386_getppid(void)
{
	int r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(64) : "memory", "r8", "r9", "r10", "r11");
	return r;
}

static int call_i386(void)
{
	int r = i386_getppid();

	return r < 0 ? -r : 0;
}

static bool has_i386(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(i386_getppid() == getppid() ? 0 : 1);
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void other_abis_are_killed_unless_listed(void **state)
{
	struct p p;

	(void)state;
	if (!has_i386()) {
		SKIP("this kernel runs no 32-bit calls");
	}
	p_init(&p, SECCOMP_RET_ALLOW);
	check_signal(under(&p, call_x32), SIGSYS);
	check_signal(under(&p, call_i386), SIGSYS);
	p_arch(&p, AUDIT_ARCH_I386);
	check_exit(under(&p, call_i386), 0);
	p_rule(&p, SECCOMP_RET_ERRNO, "getppid");
	check_exit(under(&p, call_i386), EPERM);
	p_done(&p);
}
#endif

/* --- loading ---------------------------------------------------------------------------------------- */

static int in_child(int (*fn)(const struct seccomp_program *), const struct seccomp_program *p)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(fn(p));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int load_plain(const struct seccomp_program *p)
{
	return -seccomp_load(p);
}

static int load_without_admin(const struct seccomp_program *p)
{
	if (capability_set(0, 0, 0) < 0)
		return 254;
	return -seccomp_load(p);
}

static int load_without_admin_but_nnp(const struct seccomp_program *p)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return load_without_admin(p);
}

/* An unknown flag is an error, and no filter is there afterwards. */
static int load_unknown_flag(const struct seccomp_program *p)
{
	struct seccomp_program bad = *p;
	int r;

	bad.flags = 1u << 20;
	r = seccomp_load(&bad);
	return prctl(PR_GET_SECCOMP) == 0 ? -r : 255;
}

static void loading_needs_a_privilege_or_none_to_gain(void **state)
{
	autoprogram program = { 0 }, empty = { 0 };
	struct p p;

	(void)state;
	p_init(&p, SECCOMP_RET_ALLOW);
	compile(&p, &program);
	assert_int_equal(in_child(load_without_admin, &program), EACCES);
	assert_int_equal(in_child(load_without_admin_but_nnp, &program), 0);
	assert_int_equal(in_child(load_unknown_flag, &program), EINVAL);
	assert_int_equal(in_child(load_without_admin, &empty), 0);
	if (geteuid() == 0)
		assert_int_equal(in_child(load_plain, &program), 0);
	p_done(&p);
}

static void the_kernel_is_asked_for_flags_without_loading_anything(void **state)
{
	struct seccomp_target target;

	(void)state;
	seccomp_target_host(&target, 0);
	assert_int_equal(target.flags, 0);
	seccomp_target_host(&target, SECCOMP_FILTER_FLAG_LOG | 1u << 5 | 1u << 20);
	assert_int_equal(target.flags & SECCOMP_FILTER_FLAG_LOG, SECCOMP_FILTER_FLAG_LOG);
	assert_int_equal(target.flags & 1u << 20, 0);
	assert_int_equal(target.native, seccomp_abi_native());
	assert_int_equal(prctl(PR_GET_SECCOMP), 0);
}

/* --- the last call is execve, or execveat ------------------------------------------------------------- */

/* 1: the new program began, and was killed at its first call; the filter knows one call only. */
static int exec_under(const char *only, bool at)
{
	static char *const argv[] = { (char *)"true", NULL };
	autoprogram program = { 0 };
	int status, fd, event = 0;
	struct p p;
	pid_t pid;

	p_init(&p, SECCOMP_RET_KILL_PROCESS);
	p_rule(&p, SECCOMP_RET_ALLOW, only);
	/* A profile that knows newer calls: else these would be unknown, and ENOSYS. */
	p_rule(&p, SECCOMP_RET_KILL_PROCESS, "openat2");
	compile(&p, &program);
	p_done(&p);
	fd = open("/bin/true", O_PATH | O_CLOEXEC);
	assert_true(fd >= 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		if (seccomp_load(&program) < 0)
			_exit(255);
		if (at)
			syscall(SYS_execveat, fd, "", argv, argv + 1, AT_EMPTY_PATH);
		else
			execve("/bin/true", argv, argv + 1);
		_exit(254);
	}
	close(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXEC), 0);
	for (;;) {
		assert_int_equal(ptrace(PTRACE_CONT, pid, 0, 0), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFSTOPPED(status))
			break;
		event |= status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8);
	}
	check_signal(status, SIGSYS);
	return event;
}

static void a_profile_that_knows_only_the_last_call_lets_the_program_begin(void **state)
{
	(void)state;
	assert_int_equal(exec_under("execve", false), 1);
	assert_int_equal(exec_under("execveat", true), 1);
	assert_int_equal(exec_under("execveat", false), 0);
	assert_int_equal(exec_under("execve", true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_are_allowed_refused_and_unknown_as_the_profile_says),
		cmocka_unit_test(log_lets_through_and_trace_without_a_tracer_is_enosys),
		cmocka_unit_test(killing_ends_the_process),
		cmocka_unit_test(a_trap_tells_the_process_which_call_it_was),
		cmocka_unit_test(arguments_decide_and_ignored_bits_do_not),
#ifdef __x86_64__
		cmocka_unit_test(other_abis_are_killed_unless_listed),
#endif
		cmocka_unit_test(loading_needs_a_privilege_or_none_to_gain),
		cmocka_unit_test(the_kernel_is_asked_for_flags_without_loading_anything),
		cmocka_unit_test(
			a_profile_that_knows_only_the_last_call_lets_the_program_begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
