/* SPDX-License-Identifier: Apache-2.0 */
#include "streams.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/proc.h"

#define SIZE ((size_t)1 << 20)

/* The streams of a `cat` between a client that writes one fifo and reads another. */
struct fixture {
	struct loop loop;
	struct streams io;
	struct source process;
	char dir[32], in[64], out[64];
	pid_t cat, writer, reader;
	bool ended;
};

static struct fixture *the;

static int setup(void **state)
{
	the = calloc(1, sizeof(*the));
	strcpy(the->dir, "/tmp/streamsXXXXXX");
	assert_non_null(mkdtemp(the->dir));
	snprintf(the->in, sizeof(the->in), "%s/in", the->dir);
	snprintf(the->out, sizeof(the->out), "%s/out", the->dir);
	assert_int_equal(mkfifo(the->in, 0700), 0);
	assert_int_equal(mkfifo(the->out, 0700), 0);
	assert_int_equal(loop_init(&the->loop, NULL), 0);
	streams_init(&the->io, &the->loop);
	signal(SIGPIPE, SIG_IGN);
	*state = the;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	streams_done(&the->io);
	loop_close(&the->loop, &the->process);
	loop_done(&the->loop);
	unlink(the->in);
	unlink(the->out);
	rmdir(the->dir);
	free(the);
	return 0;
}

static unsigned char byte_at(size_t i)
{
	return (unsigned char)(i * 2654435761u >> 13);
}

/* As a client does: its opening of a fifo waits for the other side. */
static void write_all(void)
{
	static unsigned char data[SIZE];
	int fd = open(the->in, O_WRONLY);
	size_t i;

	for (i = 0; i < SIZE; i++)
		data[i] = byte_at(i);
	for (i = 0; i < SIZE; i += 32768)
		if (fd_write_all(fd, data + i, 32768) < 0)
			_exit(1);
	_exit(0);
}

static void read_all(int reader_late_ms)
{
	unsigned char data[32768];
	int fd = open(the->out, O_RDONLY);
	size_t have = 0;
	ssize_t n, i;

	poll(NULL, 0, reader_late_ms);
	while ((n = read(fd, data, sizeof(data))) > 0)
		for (i = 0; i < n; i++)
			if (data[i] != byte_at(have++))
				_exit(2);
	if (have != SIZE)
		fprintf(stderr, "%zu bytes are missing\n", SIZE - have);
	_exit(have == SIZE ? 0 : 1);
}

static void cat_ready(struct source *s, uint32_t events)
{
	int status = 0;

	(void)events;
	proc_reap(s->fd, &status);
	loop_close(&the->loop, s);
	the->ended = true;
	streams_process_ended(&the->io);
}

static void cat_start(void)
{
	the->cat = fork();
	if (the->cat == 0) {
		dup2(the->io.child[0], 0);
		dup2(the->io.child[1], 1);
		execlp("cat", "cat", (char *)NULL);
		_exit(127);
	}
	the->process = (struct source){ .fd = proc_open(the->cat), .ready = cat_ready };
	assert_true(the->process.fd >= 0);
	assert_int_equal(loop_set(&the->loop, &the->process, EPOLLIN), 0);
}

static int status_of(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void go(int reader_late_ms)
{
	const struct streams_options opt = { .in = the->in, .out = the->out, .err = "" };

	the->reader = fork();
	if (the->reader == 0)
		read_all(reader_late_ms);
	assert_int_equal(streams_open(&the->io, &opt, NULL), 0);
	the->writer = fork();
	if (the->writer == 0) {
		close(the->io.hold_fd);
		write_all();
	}
	cat_start();
	assert_int_equal(streams_begin(&the->io, NULL), 0);
	/* No client says that it is done before it has come: its fifo would end without it. */
	assert_true(fd_wait(the->io.in.from.fd, POLLIN, 60000) > 0);
	streams_close_stdin(&the->io);
	while (!the->ended || !streams_is_drained(&the->io))
		assert_int_equal(loop_once(&the->loop, NULL), 0);
	assert_int_equal(status_of(the->writer), 0);
	assert_int_equal(status_of(the->reader), 0);
}

static void test_all_comes_back(void **state)
{
	(void)state;
	go(0);
}

static void test_late_reader(void **state)
{
	(void)state;
	go(50);
}

#define TEST(name, test)                          \
	{                                         \
		name, test, setup, teardown, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a megabyte goes in and comes out", test_all_comes_back),
		TEST("also to a reader that is late", test_late_reader),
	};

	return cmocka_run_group_tests_name("streams", tests, NULL, NULL);
}
