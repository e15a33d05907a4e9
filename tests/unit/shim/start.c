/* SPDX-License-Identifier: Apache-2.0 */
/* What `start` reads and says: flags, bootstrap messages, addresses, options. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "address.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/fd.h"
#include "bootstrap.h"
#include "flags.h"
#include "options.h"

static int read_flags(int argc, const char *const *argv, struct flags *ret, struct error *e)
{
	return flags_read(argc, (char **)(uintptr_t)argv, ret, e);
}

static void flags_come_with_one_dash_or_two_and_with_or_without_equals(void **state)
{
	const char *const argv[] = { "shim",   "-namespace", "k8s.io", "--id=x",
				     "-debug", "--address",  "/s",     "start",
				     "-id",    "y",          NULL };
	struct flags f;

	(void)state;
	assert_int_equal(read_flags(10, argv, &f, NULL), 0);
	assert_string_equal(f.namespace, "k8s.io");
	assert_string_equal(f.id, "x"); /* what stands behind the action is no flag */
	assert_string_equal(f.address, "/s");
	assert_string_equal(f.action, "start");
	assert_true(f.debug);
}

static void flags_that_are_wrong_are_named(void **state)
{
	const char *const unknown[] = { "shim", "-nonsense", NULL }, *const missing[] = {
		"shim", "-id", NULL
	};
	const char *const odd[] = { "shim", "-debug=perhaps", NULL };
	struct error e = ERROR_INIT;
	struct flags f;

	(void)state;
	assert_true(read_flags(2, unknown, &f, &e) < 0);
	assert_non_null(strstr(e.text, "-nonsense"));
	assert_true(read_flags(2, missing, &f, &e) < 0);
	assert_non_null(strstr(e.text, "-id"));
	assert_true(read_flags(2, odd, &f, &e) < 0);
	assert_non_null(strstr(e.text, "perhaps"));
}

/* instance_id "c1", namespace "ns", one extension with systemd_cgroup; written by hand. */
static const uint8_t modern[] = "\x0a\x02"
				"c1"
				"\x12\x02"
				"ns"
				"\x42\x22\x0a\x20\x0a\x1a"
				"containerd.runc.v1.Options"
				"\x12\x02\x48\x01";

static void the_new_parameters_are_told_from_bare_options(void **state)
{
	struct bootstrap b;
	struct options o;
	struct buf out = { .max = 4096 };

	(void)state;
	assert_int_equal(bootstrap_read(modern, sizeof(modern) - 1, "c1", "ns", &b), 0);
	assert_true(b.modern);
	assert_int_equal(options_read(b.options, "ns", &o, NULL), 0);
	assert_true(o.systemd_cgroup);
	assert_int_equal(bootstrap_answer(&b, "unix:///s", 0, &out), 0);
	/* version 3, address, protocol */
	assert_int_equal(out.len, 20);
	assert_memory_equal(out.data, "\x08\x03\x12\x09unix:///s\x1a\x05ttrpc", 20);
	bootstrap_done(&b);
	buf_done(&out);
}

static void bare_options_get_a_plain_address(void **state)
{
	static const uint8_t any[] = "\x0a\x1a"
				     "containerd.runc.v1.Options"
				     "\x12\x02\x48\x01";
	struct buf out = { .max = 4096 };
	struct bootstrap b;
	struct options o;

	(void)state;
	assert_int_equal(bootstrap_read(any, sizeof(any) - 1, "c1", "ns", &b), 0);
	assert_false(b.modern);
	assert_int_equal(options_read(b.options, "ns", &o, NULL), 0);
	assert_true(o.systemd_cgroup);
	assert_int_equal(bootstrap_answer(&b, "unix:///s", 0, &out), 0);
	assert_string_equal(out.data, "unix:///s");
	bootstrap_done(&b);
	buf_done(&out);
}

static void nothing_on_stdin_is_an_old_containerd_without_options(void **state)
{
	struct bootstrap b;
	struct options o;

	(void)state;
	assert_int_equal(bootstrap_read("", 0, "c1", "ns", &b), 0);
	assert_false(b.modern);
	assert_null(b.options);
	assert_int_equal(options_read(b.options, "ns", &o, NULL), 0);
	assert_string_equal(o.root, OPTIONS_ROOT "/ns");
	bootstrap_done(&b);
}

static void parameters_of_another_container_are_not_ours(void **state)
{
	struct bootstrap b;

	(void)state;
	assert_int_equal(bootstrap_read(modern, sizeof(modern) - 1, "other", "ns", &b), 0);
	assert_false(b.modern);
	bootstrap_done(&b);
}

static void what_is_neither_is_refused(void **state)
{
	struct bootstrap b;

	(void)state;
	assert_int_equal(bootstrap_read("\x0a\xff", 2, "c1", "ns", &b), -EBADMSG);
	bootstrap_done(&b);
}

static void options_come_as_toml_too(void **state)
{
	static const char text[] =
		"# of the node\nSystemdCgroup = true\n\n  Root = \"/run/x\"\n"
		"IoUid = 1000\nBinaryName = '/usr/bin/strake'\n";
	Pb__RuncOptions *o;

	(void)state;
	o = (Pb__RuncOptions *)message_unpack(&pb__runc_options__descriptor, NULL, 0);
	assert_int_equal(options_read_toml(text, strlen(text), o, NULL), 0);
	assert_true(o->systemd_cgroup);
	assert_string_equal(o->root, "/run/x");
	assert_string_equal(o->binary_name, "/usr/bin/strake");
	assert_int_equal(o->io_uid, 1000);
	message_free(&o->base);
}

static void wrong_toml_is_refused_with_its_line(void **state)
{
	static const char *const wrong[] = {
		"\nSystemdCgroup = yes\n", "\nIoUid = -1\n",  "\nRoot = /run\n",
		"\nNoSuchKey = true\n",    "\nJust a word\n", "\nRoot = \"a\\nb\"\n",
	};
	struct error e;
	Pb__RuncOptions *o;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		e = ERROR_INIT;
		o = (Pb__RuncOptions *)message_unpack(&pb__runc_options__descriptor, NULL, 0);
		assert_int_equal(options_read_toml(wrong[i], strlen(wrong[i]), o, &e), -22);
		assert_non_null(strstr(e.text, "line 2"));
		message_free(&o->base);
	}
}

static void options_may_be_in_a_file(void **state)
{
	char path[] = "/tmp/optionsXXXXXX", type[] = "runtimeoptions.v1.Options";
	static const char text[] = "BinaryName = \"crun\"\n";
	uint8_t bytes[64] = { 0x12, sizeof(path) - 1 };
	Pb__Any any = PB__ANY__INIT;
	struct error e = ERROR_INIT;
	struct options o;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	close(fd);
	memcpy(bytes + 2, path, sizeof(path) - 1);
	any.type_url = type;
	any.value.data = bytes;
	any.value.len = 2 + sizeof(path) - 1;
	assert_int_equal(options_read(&any, "ns", &o, NULL), 0);
	assert_string_equal(o.binary, "crun");
	unlink(path);
	assert_int_equal(options_read(&any, "ns", &o, &e), -22);
	assert_non_null(strstr(e.text, path));
}

static void read_binary_name(const char *name, struct options *ret)
{
	uint8_t bytes[64] = { 0x32, (uint8_t)strlen(name) };
	Pb__Any any = PB__ANY__INIT;
	char type[] = "containerd.runc.v1.Options";

	memcpy(bytes + 2, name, strlen(name));
	any.type_url = type;
	any.value.data = bytes;
	any.value.len = 2 + strlen(name);
	assert_int_equal(options_read(&any, "ns", ret, NULL), 0);
}

static void another_runtime_has_its_state_where_containerds_shim_has_it(void **state)
{
	struct options o;

	(void)state;
	read_binary_name("runc", &o);
	assert_string_equal(o.binary, "runc");
	assert_string_equal(o.root, "/run/containerd/runc/ns");
	read_binary_name("/usr/bin/strake", &o); /* that is ourselves */
	assert_string_equal(o.binary, "");
	assert_string_equal(o.root, OPTIONS_ROOT "/ns");
}

static void put(const char *dir, const char *name, const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	close(fd);
}

static void what_is_saved_in_the_bundle_is_loaded_again(void **state)
{
	char dir[] = "/tmp/bundleXXXXXX", path[64];
	struct options o, back;

	(void)state;
	assert_non_null(mkdtemp(dir));
	read_binary_name("/opt/crun", &o);
	o.systemd_cgroup = true;
	assert_int_equal(options_save(&o, dir, NULL), 0);
	assert_int_equal(options_load(dir, "other", &back, NULL), 0);
	assert_string_equal(back.binary, "/opt/crun");
	assert_string_equal(back.root, o.root);
	assert_true(back.systemd_cgroup);
	snprintf(path, sizeof(path), "%s/" OPTIONS_FILE, dir);
	unlink(path);
	rmdir(dir);
}

static void what_containerds_own_shim_left_is_loaded_too(void **state)
{
	char dir[] = "/tmp/bundleXXXXXX", path[64];
	struct error e = ERROR_INIT;
	struct options o;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(options_load(dir, "ns", &o, NULL), 0);
	assert_string_equal(o.binary, "");
	put(dir, "runtime", "");
	assert_int_equal(options_load(dir, "ns", &o, NULL), 0);
	assert_string_equal(o.binary, "runc");
	assert_string_equal(o.root, "/run/containerd/runc/ns");
	put(dir, "runtime", "/usr/bin/crun");
	put(dir, "options.json", "{\"root\":\"/srv/r\",\"systemd_cgroup\":true}");
	assert_int_equal(options_load(dir, "ns", &o, NULL), 0);
	assert_string_equal(o.binary, "/usr/bin/crun");
	assert_string_equal(o.root, "/srv/r/ns");
	assert_true(o.systemd_cgroup);
	put(dir, "options.json", "{");
	assert_int_equal(options_load(dir, "ns", &o, &e), -22);
	assert_non_null(strstr(e.text, "options.json"));
	snprintf(path, sizeof(path), "%s/options.json", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/runtime", dir);
	unlink(path);
	rmdir(dir);
}

/* echo -n /run/containerd/containerd.sock/default/c1 | sha256sum */
static void the_address_is_the_digest_that_containerd_computes_too(void **state)
{
	char one[ADDRESS_MAX], other[ADDRESS_MAX];

	(void)state;
	assert_int_equal(address_path("/run/containerd/s", "/run/containerd/containerd.sock",
				      "default", "c1", one, NULL),
			 0);
	assert_string_equal(
		one,
		"/run/containerd/s/d25aa4ef11a84e954e74a5bcff06557d0b6ea8d0c00243896f29826694bbd888");
	assert_int_equal(address_path("/run/containerd/s",
				      "//run/./containerd/x/../containerd.sock", "default",
				      "c1", other, NULL),
			 0);
	assert_string_equal(one, other);
}

static void group_is(const char *config, const char *want)
{
	char dir[] = "/tmp/strake-group-XXXXXX", path[64], group[128];
	FILE *f;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/config.json", dir);
	if (config) {
		f = fopen(path, "w");
		assert_non_null(f);
		fputs(config, f);
		fclose(f);
	}
	assert_int_equal(address_group(dir, "self", group, sizeof(group), NULL), 0);
	assert_string_equal(group, want);
	unlink(path);
	rmdir(dir);
}

static void the_group_is_what_annotations_say(void **state)
{
	(void)state;
	group_is("{\"annotations\":{\"io.kubernetes.cri.sandbox-id\":\"pod\"}}", "pod");
	group_is("{\"annotations\":{\"io.kubernetes.cri.sandbox-id\":\"pod\","
		 "\"io.containerd.runc.v2.group\":\"mine\"}}",
		 "mine");
	group_is("{\"annotations\":{\"other\":\"x\"}}", "self");
	group_is("{}", "self");
	group_is(NULL, "self");
}

static void a_socket_is_for_its_owner_and_a_dead_one_is_replaced(void **state)
{
	char dir[] = "/tmp/strake-socket-XXXXXX", path[64];
	struct stat about;
	int fd = -1, again = -1;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	assert_int_equal(address_listen(dir, path, &fd, NULL), 0);
	assert_int_equal(stat(path, &about), 0);
	assert_int_equal(about.st_mode & 0777, 0600);
	assert_int_equal(address_listen(dir, path, &again, NULL), 1); /* it answers */
	close(fd);
	assert_int_equal(address_listen(dir, path, &again, NULL), 0); /* it is dead */
	close(again);
	unlink(path);
	rmdir(dir);
}

/* One that starts with the others, says what came of it, and listens on until all have said so. */
static void rival(const char *dir, const char *path, int go_fd, int said_fd)
{
	int fd = -1;
	char byte;

	if (read(go_fd, &byte, 1) != 0)
		_exit(1);
	byte = (char)('0' + address_listen(dir, path, &fd, NULL));
	if (write(said_fd, &byte, 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

#define RIVALS 4

static void of_those_that_start_together_one_listens(void **state)
{
	char dir[] = "/tmp/strake-socket-XXXXXX", path[64], byte;
	int round, i, go[2], said[2], listening;
	pid_t pids[RIVALS];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	for (round = 0; round < 100; round++) {
		assert_int_equal(pipe(go), 0);
		assert_int_equal(pipe(said), 0);
		for (i = 0; i < RIVALS; i++) {
			pids[i] = fork();
			if (pids[i] == 0) {
				close(go[1]);
				rival(dir, path, go[0], said[1]);
			}
		}
		close(go[0]);
		close(go[1]);
		for (i = 0, listening = 0; i < RIVALS; i++) {
			assert_int_equal(read(said[0], &byte, 1), 1);
			assert_in_range(byte, '0', '1');
			listening += byte == '0';
		}
		for (i = 0; i < RIVALS; i++)
			kill(pids[i], SIGKILL);
		for (i = 0; i < RIVALS; i++)
			assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
		close(said[0]);
		close(said[1]);
		assert_int_equal(listening, 1);
	}
	unlink(path);
	rmdir(dir);
}

/* A shim, once somebody has connected: as it is killed, held up, or asked something. */
enum shim { DIES, HANGS, ANSWERS };

static void shim_live(int listen_fd, enum shim what)
{
	struct pollfd one = { .fd = listen_fd, .events = POLLIN };
	char call[64];
	int fd;

	poll(&one, 1, -1);
	/* When a killed process is taken to pieces, it is connected to, and closed after that. */
	usleep(50000);
	while (what == HANGS)
		pause();
	if (what == DIES)
		_exit(0);
	/* Its word counts, not that it hangs up on us then. */
	fd = accept(listen_fd, NULL, NULL);
	if (recv(fd, call, sizeof(call), 0) != 10 || send(fd, call, 10, 0) != 10)
		_exit(1);
	shutdown(fd, SHUT_RDWR);
	for (;;)
		pause();
}

static pid_t shim_on(const char *dir, const char *path, enum shim what)
{
	int fd = -1, ready[2];
	pid_t pid;
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		if (address_listen(dir, path, &fd, NULL) != 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		shim_live(fd, what);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void write_address(const char *dir, const char *text)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/address", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void what_a_killed_shim_leaves_is_removed_and_what_lives_is_not(void **state)
{
	char dir[] = "/tmp/strake-socket-XXXXXX", path[64], address[80];
	enum shim what;
	int fd = -1;
	pid_t pid;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	snprintf(address, sizeof(address), "unix://%s", path);
	assert_false(address_remove_dead(dir)); /* no address */
	write_address(dir, "unix://s");
	assert_false(address_remove_dead(dir));
	write_address(dir, address);
	assert_false(address_remove_dead(dir)); /* no socket */

	assert_int_equal(address_listen(dir, path, &fd, NULL), 0);
	close(fd);
	assert_true(address_remove_dead(dir));
	assert_int_equal(access(path, F_OK), -1);

	pid = shim_on(dir, path, DIES);
	assert_true(address_remove_dead(dir));
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(waitpid(pid, NULL, 0), pid);

	for (what = HANGS; what <= ANSWERS; what++) {
		pid = shim_on(dir, path, what);
		assert_false(address_remove_dead(dir));
		assert_int_equal(access(path, F_OK), 0);
		assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		assert_true(address_remove_dead(dir));
	}

	snprintf(path, sizeof(path), "%s/address", dir);
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_come_with_one_dash_or_two_and_with_or_without_equals),
		cmocka_unit_test(flags_that_are_wrong_are_named),
		cmocka_unit_test(the_new_parameters_are_told_from_bare_options),
		cmocka_unit_test(bare_options_get_a_plain_address),
		cmocka_unit_test(nothing_on_stdin_is_an_old_containerd_without_options),
		cmocka_unit_test(parameters_of_another_container_are_not_ours),
		cmocka_unit_test(what_is_neither_is_refused),
		cmocka_unit_test(options_come_as_toml_too),
		cmocka_unit_test(wrong_toml_is_refused_with_its_line),
		cmocka_unit_test(options_may_be_in_a_file),
		cmocka_unit_test(another_runtime_has_its_state_where_containerds_shim_has_it),
		cmocka_unit_test(what_is_saved_in_the_bundle_is_loaded_again),
		cmocka_unit_test(what_containerds_own_shim_left_is_loaded_too),
		cmocka_unit_test(the_address_is_the_digest_that_containerd_computes_too),
		cmocka_unit_test(the_group_is_what_annotations_say),
		cmocka_unit_test(a_socket_is_for_its_owner_and_a_dead_one_is_replaced),
		cmocka_unit_test(of_those_that_start_together_one_listens),
		cmocka_unit_test(what_a_killed_shim_leaves_is_removed_and_what_lives_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
