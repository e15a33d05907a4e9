/* SPDX-License-Identifier: Apache-2.0 */
/* A listener's way: out of the child without a system call, and to an agent over a socket. */
#include "seccomp/notify.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fd.h"
#include "base/json.h"
#include "profile_build.h"
#include "seccomp/load.h"

#define LIMIT_MS 5000

/* --- from child to parent ---------------------------------------------------------------------------- */

struct child {
	struct seccomp_handoff *handoff;
	pid_t pid;
	int pid_fd;
};

/* What runs in the child, with the handoff mapped and no_new_privs set. */
typedef void (*child_main)(struct seccomp_handoff *h, const struct seccomp_program *p);

static void child_start(struct child *c, child_main main, const struct seccomp_program *p)
{
	int fd = memfd_create("handoff", MFD_CLOEXEC);

	assert_int_equal(seccomp_handoff_map(fd, &c->handoff), 0);
	close(fd);
	c->pid = fork();
	assert_true(c->pid >= 0);
	if (c->pid == 0) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		main(c->handoff, p);
		_exit(250);
	}
	c->pid_fd = pidfd_open(c->pid, 0);
	assert_true(c->pid_fd >= 0);
}

static int child_end(struct child *c)
{
	int status;

	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	close(c->pid_fd);
	seccomp_handoff_unmap(c->handoff);
	return status;
}

static void main_load(struct seccomp_handoff *h, const struct seccomp_program *p)
{
	seccomp_handoff_begin(h);
	seccomp_handoff_offer(h, seccomp_load(p));
	/* All of these are notified: those that hang runtimes which call them on the way too. */
	fcntl(0, F_GETFD);
	syscall(SYS_write, -1, "", 0);
	syscall(SYS_sendmsg, -1, NULL, 0);
	_exit(syscall(SYS_getppid) == 4711 ? 7 : 8);
}

static void compile(uint32_t default_action, const char *notify, struct seccomp_program *ret)
{
	struct seccomp_target target;
	struct error e = ERROR_INIT;
	struct p p;

	p_init(&p, default_action);
	if (*notify)
		p_rule(&p, SECCOMP_RET_USER_NOTIF, notify);
	seccomp_target_host(&target, 0);
	if (seccomp_compile(&p.spec, &target, ret, &e) < 0)
		fail_msg("%s", e.text);
	assert_true(ret->has_notify);
	p_done(&p);
}

/* Answers every notification until the child is gone: how many there were. */
static size_t serve(int listener, size_t *seen_getppid)
{
	size_t n = 0;

	for (;;) {
		struct seccomp_notif req = { 0 };
		struct seccomp_notif_resp resp = { 0 };
		struct pollfd pfd = { .fd = listener, .events = POLLIN };

		assert_int_equal(poll(&pfd, 1, LIMIT_MS), 1);
		if (!(pfd.revents & POLLIN))
			return n;
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &req) < 0) {
			assert_true(errno == ENOENT || errno == EAGAIN);
			continue;
		}
		n++;
		resp.id = req.id;
		if (req.data.nr == SYS_getppid) {
			(*seen_getppid)++;
			resp.val = 4711;
		} else {
			resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		}
		ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &resp);
	}
}

static void check_listener(uint32_t default_action, const char *notify)
{
	autoprogram program = { 0 };
	struct error e = ERROR_INIT;
	size_t getppid_seen = 0;
	struct child c;
	int listener, status;

	compile(default_action, notify, &program);
	child_start(&c, main_load, &program);
	listener = seccomp_handoff_take(c.handoff, c.pid_fd, LIMIT_MS, &e);
	if (listener < 0)
		fail_msg("%s", e.text);
	assert_true(fcntl(listener, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(listener, F_GETFD) & FD_CLOEXEC);
	seccomp_handoff_release(c.handoff);
	assert_true(serve(listener, &getppid_seen) >= 4);
	assert_int_equal(getppid_seen, 1);
	close(listener);
	status = child_end(&c);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
}

static void a_listener_leaves_the_child_where_some_calls_are_notified(void **state)
{
	(void)state;
	check_listener(SECCOMP_RET_ALLOW, "fcntl write sendmsg getppid");
}

static void a_listener_leaves_the_child_where_every_call_is_notified(void **state)
{
	(void)state;
	check_listener(SECCOMP_RET_USER_NOTIF, "");
}

static void main_fail(struct seccomp_handoff *h, const struct seccomp_program *p)
{
	(void)p;
	seccomp_handoff_begin(h);
	seccomp_handoff_offer(h, -EINVAL);
	_exit(3);
}

static void main_die(struct seccomp_handoff *h, const struct seccomp_program *p)
{
	(void)p;
	seccomp_handoff_begin(h);
	_exit(4);
}

static void main_pause(struct seccomp_handoff *h, const struct seccomp_program *p)
{
	(void)h;
	(void)p;
	pause();
}

static void main_lie(struct seccomp_handoff *h, const struct seccomp_program *p)
{
	(void)p;
	seccomp_handoff_begin(h);
	seccomp_handoff_offer(h, 0);
	_exit(5);
}

static int take(struct child *c, int timeout_ms, struct error *e)
{
	*e = ERROR_INIT;
	return seccomp_handoff_take(c->handoff, c->pid_fd, timeout_ms, e);
}

static void a_child_that_brings_no_listener_is_an_error_and_never_a_hang(void **state)
{
	struct error e;
	struct child c;
	int status;

	(void)state;
	child_start(&c, main_fail, NULL);
	assert_int_equal(take(&c, LIMIT_MS, &e), -EINVAL);
	assert_int_equal(WEXITSTATUS(child_end(&c)), 3);

	child_start(&c, main_die, NULL);
	assert_int_equal(take(&c, LIMIT_MS, &e), -ESRCH);
	assert_int_equal(WEXITSTATUS(child_end(&c)), 4);

	child_start(&c, main_pause, NULL);
	assert_int_equal(take(&c, 20, &e), -ETIMEDOUT);
	assert_non_null(strstr(e.text, "20 ms"));
	kill(c.pid, SIGKILL);
	child_end(&c);

	/* Its standard input is no listener, whatever it says. */
	child_start(&c, main_lie, NULL);
	assert_int_equal(take(&c, LIMIT_MS, &e), -EPROTO);
	kill(c.pid, SIGKILL);
	status = child_end(&c);
	assert_true(WIFSIGNALED(status));
}

/* --- from parent to agent ------------------------------------------------------------------------------ */

struct agent {
	char folder[64];
	char path[300];
	int fd;
};

static void agent_listen(struct agent *a, const char *name, int backlog)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int dir_fd;

	strcpy(a->folder, "/tmp/strake-agent-XXXXXX");
	assert_non_null(mkdtemp(a->folder));
	snprintf(a->path, sizeof(a->path), "%s/%s", a->folder, name);
	dir_fd = open(a->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/%.64s", dir_fd, name);
	a->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(a->fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(a->fd, backlog), 0);
	close(dir_fd);
}

static void agent_done(struct agent *a)
{
	close(a->fd);
	unlink(a->path);
	rmdir(a->folder);
}

static void write_state(struct json_writer *w, const void *state)
{
	json_write_object(w);
	json_put_string(w, "id", state);
	json_put_string(w, "status", "creating");
	json_write_end(w);
}

static const struct seccomp_notify message = {
	.oci_version = "1.3.0",
	.pid = 1234,
	.metadata = "secret\n\"x\"",
	.write_state = write_state,
	.state = "box",
};

static void the_agent_gets_one_document_with_the_listener(void **state)
{
	struct error e = ERROR_INIT;
	int fds[8], pair[2], conn;
	size_t n_fds = ARRAY_SIZE(fds);
	char text[4096];
	struct json *doc;
	struct stat sent, got;
	struct arena arena;
	struct agent a;
	ssize_t n;
	int64_t pid;

	(void)state;
	agent_listen(&a, "agent.sock", 4);
	assert_int_equal(pipe(pair), 0);
	if (seccomp_notify_send(a.path, &message, pair[0], LIMIT_MS, &e) < 0)
		fail_msg("%s", e.text);

	conn = accept(a.fd, NULL, NULL);
	n = fd_recv(conn, text, sizeof(text), fds, &n_fds);
	assert_true(n > 0);
	assert_int_equal(n_fds, 1);
	assert_int_equal(fstat(pair[0], &sent), 0);
	assert_int_equal(fstat(fds[0], &got), 0);
	assert_int_equal(sent.st_ino, got.st_ino);

	arena_init(&arena, 1u << 20);
	assert_int_equal(json_parse(&arena, "message", text, (size_t)n, &doc, &e), 0);
	assert_string_equal(json_get_string(doc, "ociVersion"), "1.3.0");
	assert_string_equal(json_get_string(doc, "metadata"), "secret\n\"x\"");
	assert_int_equal(json_get(doc, "fds")->len, 1);
	assert_string_equal(json_get(doc, "fds")->child->text, "seccompFd");
	assert_int_equal(json_to_i64(json_get(doc, "pid"), &pid), 0);
	assert_int_equal(pid, 1234);
	assert_string_equal(json_get_string(json_get(doc, "state"), "id"), "box");
	arena_done(&arena);

	/* Then the connection is closed. */
	assert_int_equal(recv(conn, text, sizeof(text), 0), 0);
	close(conn);
	close(fds[0]);
	close(pair[0]);
	close(pair[1]);
	agent_done(&a);
}

static void an_agent_far_down_the_tree_is_reached(void **state)
{
	struct error e = ERROR_INIT;
	char deep[200], socket_path[300];
	struct agent a;
	int conn;

	(void)state;
	agent_listen(&a, "s", 4);
	/* 100 more characters than an address takes. */
	snprintf(deep, sizeof(deep), "%s/%0100d", a.folder, 0);
	assert_int_equal(mkdir(deep, 0700), 0);
	snprintf(socket_path, sizeof(socket_path), "%s/s", deep);
	assert_int_equal(rename(a.path, socket_path), 0);
	strcpy(a.path, socket_path);
	if (seccomp_notify_send(a.path, &message, 0, LIMIT_MS, &e) < 0)
		fail_msg("%s", e.text);
	conn = accept(a.fd, NULL, NULL);
	assert_true(conn >= 0);
	close(conn);
	unlink(a.path);
	rmdir(deep);
	agent_done(&a);
}

static void an_agent_that_is_not_there_is_an_error_that_names_it(void **state)
{
	struct error e = ERROR_INIT;
	struct agent a;

	(void)state;
	assert_int_equal(seccomp_notify_send("/no/such/agent", &message, 0, LIMIT_MS, &e),
			 -ENOENT);
	assert_non_null(strstr(e.text, "/no/such/agent"));
	assert_true(*e.hint);

	agent_listen(&a, "agent.sock", 4);
	close(a.fd);
	a.fd = -1;
	assert_int_equal(seccomp_notify_send(a.path, &message, 0, LIMIT_MS, &e), -ECONNREFUSED);
	agent_done(&a);
}

static void an_agent_that_never_accepts_is_waited_for_within_bounds(void **state)
{
	struct error e = ERROR_INIT;
	struct agent a;
	int r = 0;

	(void)state;
	agent_listen(&a, "agent.sock", 0);
	for (int i = 0; i < 10 && r == 0; i++)
		r = seccomp_notify_send(a.path, &message, 0, 30, &e);
	assert_int_equal(r, -ETIMEDOUT);
	agent_done(&a);
}

static void the_listener_path_is_checked_against_the_rules(void **state)
{
	struct seccomp_program plain = { 0 }, notify = { .has_notify = true };
	struct spec_seccomp s = { .present = true };
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(seccomp_notify_check(&s, &plain, &e), 0);
	assert_int_equal(seccomp_notify_check(&s, &notify, &e), -EINVAL);
	assert_non_null(strstr(e.text, "listenerPath"));
	s.listener_metadata = "x";
	assert_int_equal(seccomp_notify_check(&s, &plain, &e), -EINVAL);
	s.listener_path = "agent";
	assert_int_equal(seccomp_notify_check(&s, &plain, &e), 0);
	assert_int_equal(seccomp_notify_check(&s, &notify, &e), -EINVAL);
	s.listener_path = "/run/agent";
	assert_int_equal(seccomp_notify_check(&s, &notify, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_listener_leaves_the_child_where_some_calls_are_notified),
		cmocka_unit_test(a_listener_leaves_the_child_where_every_call_is_notified),
		cmocka_unit_test(a_child_that_brings_no_listener_is_an_error_and_never_a_hang),
		cmocka_unit_test(the_agent_gets_one_document_with_the_listener),
		cmocka_unit_test(an_agent_far_down_the_tree_is_reached),
		cmocka_unit_test(an_agent_that_is_not_there_is_an_error_that_names_it),
		cmocka_unit_test(an_agent_that_never_accepts_is_waited_for_within_bounds),
		cmocka_unit_test(the_listener_path_is_checked_against_the_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
