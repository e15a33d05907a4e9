/* SPDX-License-Identifier: Apache-2.0 */
#include "rest.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/mem.h"
#include "streams.h"

/* A fifo takes so much, and so does the pipe that the shim reads. */
#define PIPE_SIZE    65536
#define NOT_YET_MS   3600000
#define AT_ONCE_MS   1
#define OUTPUT_BYTES ((size_t)PIPE_SIZE + 5000)

/* The outputs of a process that has ended, and their reader. */
struct fixture {
	struct loop loop;
	struct streams io;
	struct rest rest;
	struct rests rests;
	char dir[32], out[64], err[64];
	int reader[2];
	int taken;
};

static struct fixture *the;

static void taken(struct rest *rt)
{
	assert_ptr_equal(rt, &the->rest);
	the->taken++;
}

static int setup(void **state)
{
	the = calloc(1, sizeof(*the));
	the->rest = REST_NONE;
	rests_init(&the->rests);
	strcpy(the->dir, "/tmp/restXXXXXX");
	assert_non_null(mkdtemp(the->dir));
	snprintf(the->out, sizeof(the->out), "%s/out", the->dir);
	snprintf(the->err, sizeof(the->err), "%s/err", the->dir);
	assert_int_equal(mkfifo(the->out, 0700), 0);
	assert_int_equal(mkfifo(the->err, 0700), 0);
	the->reader[0] = open(the->out, O_RDONLY | O_NONBLOCK);
	the->reader[1] = open(the->err, O_RDONLY | O_NONBLOCK);
	assert_int_equal(loop_init(&the->loop, NULL), 0);
	streams_init(&the->io, &the->loop);
	*state = the;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rest_done(&the->rest);
	streams_done(&the->io);
	loop_done(&the->loop);
	mem_closep(&the->reader[0]);
	mem_closep(&the->reader[1]);
	unlink(the->out);
	unlink(the->err);
	rmdir(the->dir);
	free(the);
	return 0;
}

static void turn(void)
{
	const struct timespec at_once = { 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	for (;;) {
		if (fd_wait(the->loop.fd, POLLIN, 0) > 0)
			assert_int_equal(loop_once(&the->loop, NULL), 0);
		else if (sigtimedwait(&set, NULL, &at_once) == SIGIO)
			rests_look(&the->rests);
		else
			return;
	}
}

static void process_write(size_t to_out, size_t to_err)
{
	const struct streams_options opt = { .in = "", .out = the->out, .err = the->err };
	static char data[PIPE_SIZE];
	size_t first = to_out < PIPE_SIZE ? to_out : PIPE_SIZE;
	int out_fd;

	assert_int_equal(streams_open(&the->io, &opt, NULL), 0);
	assert_int_equal(fd_write_all(the->io.child[1], data, first), 0);
	assert_int_equal(fd_write_all(the->io.child[2], data, to_err), 0);
	out_fd = dup(the->io.child[1]);
	assert_int_equal(streams_begin(&the->io, NULL), 0);
	turn(); /* the fifo has it now, and the pipe is empty */
	assert_int_equal(fd_write_all(out_fd, data, to_out - first), 0);
	close(out_fd);
	streams_process_ended(&the->io);
	turn();
}

static void await_reader(unsigned int ms)
{
	const char *const paths[] = { the->out, the->err };

	rest_await(&the->rest, &the->rests, &the->io, paths, ms, taken);
}

static size_t reader_take(int fd)
{
	static char data[2 * PIPE_SIZE];
	ssize_t n = read(fd, data, sizeof(data));

	assert_true(n >= 0);
	return (size_t)n;
}

static void test_nothing_left(void **state)
{
	(void)state;
	process_write(10, 0);
	assert_int_equal(reader_take(the->reader[0]), 10);
	await_reader(NOT_YET_MS);
	assert_false(rest_is_awaited(&the->rest));
	turn();
	assert_int_equal(the->taken, 0);
}

static void test_last_byte(void **state)
{
	(void)state;
	process_write(OUTPUT_BYTES, 7);
	await_reader(NOT_YET_MS);
	assert_true(rest_is_awaited(&the->rest));
	turn();
	assert_int_equal(the->taken, 0);
	assert_int_equal(reader_take(the->reader[0]), PIPE_SIZE);
	turn(); /* now the fifo has what was left in the pipe */
	assert_int_equal(the->taken, 0);
	assert_int_equal(reader_take(the->reader[0]), OUTPUT_BYTES - PIPE_SIZE);
	turn();
	assert_int_equal(the->taken, 0);
	assert_int_equal(reader_take(the->reader[1]), 7);
	turn();
	assert_int_equal(the->taken, 1);
	assert_false(rest_is_awaited(&the->rest));
	assert_int_equal(reader_take(the->reader[0]), 0);
}

static void test_end_of_output(void **state)
{
	(void)state;
	process_write(10, 0);
	await_reader(NOT_YET_MS);
	assert_int_equal(reader_take(the->reader[0]), 10);
	turn();
	assert_int_equal(the->taken, 1);
	assert_int_equal(reader_take(the->reader[0]), 0);
}

static void test_reader_closes(void **state)
{
	(void)state;
	process_write(10, 0);
	await_reader(NOT_YET_MS);
	turn();
	assert_int_equal(the->taken, 0);
	close(the->reader[0]);
	the->reader[0] = -1;
	turn();
	assert_int_equal(the->taken, 1);
}

static void test_other_reader_closes(void **state)
{
	(void)state;
	process_write(10, 0);
	await_reader(NOT_YET_MS);
	close(the->reader[1]);
	the->reader[1] = -1;
	turn();
	assert_int_equal(the->taken, 0);
	assert_int_equal(reader_take(the->reader[0]), 10);
	turn();
	assert_int_equal(the->taken, 1);
}

static void test_no_reader(void **state)
{
	(void)state;
	process_write(10, 7);
	mem_closep(&the->reader[0]);
	mem_closep(&the->reader[1]);
	the->reader[0] = the->reader[1] = -1;
	await_reader(NOT_YET_MS);
	assert_false(rest_is_awaited(&the->rest));
}

/* Its end and that of its output come in any order. */
static void test_flush(void **state)
{
	const struct streams_options opt = { .in = "", .out = the->out, .err = the->err };

	(void)state;
	assert_int_equal(streams_open(&the->io, &opt, NULL), 0);
	assert_int_equal(fd_write_all(the->io.child[1], "words", 5), 0);
	assert_int_equal(streams_begin(&the->io, NULL), 0);
	streams_process_ended(&the->io);
	streams_flush(&the->io);
	assert_true(streams_is_drained(&the->io));
	assert_int_equal(reader_take(the->reader[0]), 5);
}

static void test_stuck_reader(void **state)
{
	(void)state;
	process_write(10, 0);
	await_reader(AT_ONCE_MS);
	assert_true(rest_is_awaited(&the->rest));
	assert_int_equal(loop_once(&the->loop, NULL), 0);
	assert_int_equal(the->taken, 1);
}

static void test_no_fifo(void **state)
{
	const char *const paths[] = { "/dev/null", "" };

	(void)state;
	rest_await(&the->rest, &the->rests, &the->io, paths, NOT_YET_MS, taken);
	assert_false(rest_is_awaited(&the->rest));
}

#define TEST(name, test)                          \
	{                                         \
		name, test, setup, teardown, NULL \
	}

int main(void)
{
	sigset_t set;

	const struct CMUnitTest tests[] = {
		TEST("nothing left is not waited for", test_nothing_left),
		TEST("the last byte of both outputs is waited for", test_last_byte),
		TEST("the reader sees the end of the output when it has taken it",
		     test_end_of_output),
		TEST("a reader that closes is not waited for", test_reader_closes),
		TEST("one that closes stderr is still waited for at stdout",
		     test_other_reader_closes),
		TEST("where nobody reads nothing is waited for", test_no_reader),
		TEST("what was left at the end of the process is moved at once", test_flush),
		TEST("a stuck reader has its time and no more", test_stuck_reader),
		TEST("what is no fifo is not waited for", test_no_fifo),
	};

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return cmocka_run_group_tests_name("rest", tests, NULL, NULL);
}
