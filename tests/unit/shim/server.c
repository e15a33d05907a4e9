/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/str.h"

/* A server whose method "Later" keeps its call, and whose others answer with their own name. */
struct fixture {
	struct loop loop;
	struct server server;
	int client_fd;
	struct frame_reader reader;
	struct call_list waiters;
};

static struct fixture *the;

static void handle(struct server *s, struct call *call, const Pb__Request *rq)
{
	(void)s;
	if (str_eq(rq->method, "Later")) {
		call->waiting = true;
		LIST_INSERT_HEAD(&the->waiters, call, of_waiters);
	} else {
		call_fail(call, CODE_UNIMPLEMENTED, "%s", rq->method);
	}
}

static int setup(void **state)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(sa_family_t);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	the = calloc(1, sizeof(*the));
	LIST_INIT(&the->waiters);
	frame_reader_init(&the->reader);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, len), 0); /* autobind */
	assert_int_equal(listen(fd, 5), 0);
	len = sizeof(at);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(loop_init(&the->loop, NULL), 0);
	the->server.handle = handle;
	assert_int_equal(server_init(&the->server, &the->loop, fd, NULL), 0);
	the->client_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(the->client_fd, (const struct sockaddr *)&at, len), 0);
	*state = the;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	server_done(&the->server);
	loop_done(&the->loop);
	frame_reader_done(&the->reader);
	if (the->client_fd >= 0)
		close(the->client_fd);
	free(the);
	return 0;
}

static void turn(void)
{
	while (fd_wait(the->loop.fd, POLLIN, 0) > 0)
		assert_int_equal(loop_once(&the->loop, NULL), 0);
}

static void ask(uint32_t stream, const char *method)
{
	Pb__Request rq = PB__REQUEST__INIT;
	struct buf payload = { .max = 1 << 20 }, out = { .max = 1 << 20 };
	char service[] = "s";

	rq.service = service;
	rq.method = (char *)(uintptr_t)method;
	assert_int_equal(message_pack(&rq.base, &payload), 0);
	assert_int_equal(frame_put(&out, stream, FRAME_REQUEST, payload.data, payload.len), 0);
	assert_int_equal(fd_write_all(the->client_fd, out.data, out.len), 0);
	buf_done(&payload);
	buf_done(&out);
	turn();
}

/* The next answer: its stream, code and text. */
static void expect(uint32_t stream, int code, const char *text)
{
	Pb__Response *m;
	uint8_t byte;
	const uint8_t *data;
	struct frame f;
	size_t len;

	do {
		assert_int_equal(fd_wait(the->client_fd, POLLIN, 1000), 1);
		assert_int_equal(read(the->client_fd, &byte, 1), 1);
		data = &byte;
		len = 1;
	} while (frame_feed(&the->reader, &data, &len, &f) != FRAME_WHOLE);
	assert_int_equal(f.stream, stream);
	assert_int_equal(f.type, FRAME_RESPONSE);
	m = (Pb__Response *)message_unpack(&pb__response__descriptor, f.payload, f.len);
	assert_non_null(m);
	assert_int_equal(m->status ? m->status->code : 0, code);
	if (text)
		assert_string_equal(m->status->message, text);
	message_free(&m->base);
}

static void answers_come_in_the_order_of_the_answering(void **state)
{
	struct call *call;

	(void)state;
	ask(1, "Later");
	ask(3, "Now");
	expect(3, CODE_UNIMPLEMENTED, "Now");
	call = LIST_FIRST(&the->waiters);
	assert_non_null(call);
	LIST_REMOVE(call, of_waiters);
	call->waiting = false;
	call_reply(call, NULL);
	expect(1, CODE_OK, NULL);
}

static void streams_must_be_odd_and_rise(void **state)
{
	(void)state;
	ask(2, "Now");
	expect(2, CODE_INVALID_ARGUMENT, NULL);
	ask(5, "Now");
	expect(5, CODE_UNIMPLEMENTED, "Now");
	ask(3, "Now");
	expect(3, CODE_INVALID_ARGUMENT, NULL);
	ask(7, "Now");
	expect(7, CODE_UNIMPLEMENTED, "Now");
}

static void a_frame_of_an_unknown_type_is_passed_over(void **state)
{
	static const uint8_t frame[] = { 0, 0, 0, 2, 0, 0, 0, 1, 42, 0, 'x', 'y' };

	(void)state;
	assert_int_equal(fd_write_all(the->client_fd, frame, sizeof(frame)), 0);
	ask(1, "Now");
	expect(1, CODE_UNIMPLEMENTED, "Now");
}

static void what_is_no_request_is_refused_and_the_connection_stays(void **state)
{
	static const uint8_t frame[] = { 0, 0, 0, 2, 0, 0, 0, 1, 1, 0, 0xff, 0xff };

	(void)state;
	assert_int_equal(fd_write_all(the->client_fd, frame, sizeof(frame)), 0);
	turn();
	expect(1, CODE_INVALID_ARGUMENT, NULL);
	ask(3, "Now");
	expect(3, CODE_UNIMPLEMENTED, "Now");
}

static void a_message_that_is_too_long_is_refused_and_the_connection_stays(void **state)
{
	static const uint8_t header[] = { 0, 0x40, 0, 1, 0, 0, 0, 1, 1, 0 };
	static const uint8_t zeros[4096];
	size_t left = FRAME_MAX + 1;

	(void)state;
	assert_int_equal(fd_write_all(the->client_fd, header, sizeof(header)), 0);
	while (left) {
		size_t n = left < sizeof(zeros) ? left : sizeof(zeros);

		assert_int_equal(fd_write_all(the->client_fd, zeros, n), 0);
		left -= n;
		turn();
	}
	expect(1, CODE_RESOURCE_EXHAUSTED, NULL);
	ask(3, "Now");
	expect(3, CODE_UNIMPLEMENTED, "Now");
}

static void half_a_frame_hurts_nobody(void **state)
{
	static const uint8_t half[] = { 0, 0, 0, 9, 0, 0 };

	(void)state;
	assert_int_equal(fd_write_all(the->client_fd, half, sizeof(half)), 0);
	turn();
	assert_int_equal(the->server.n_conns, 1);
	close(the->client_fd);
	the->client_fd = -1;
	turn();
	assert_int_equal(the->server.n_conns, 0);
}

static void a_client_that_goes_takes_its_waiting_calls_along(void **state)
{
	(void)state;
	ask(1, "Later");
	ask(3, "Later");
	assert_non_null(LIST_FIRST(&the->waiters));
	close(the->client_fd);
	the->client_fd = -1;
	turn();
	assert_null(LIST_FIRST(&the->waiters));
	assert_int_equal(the->server.n_conns, 0);
}

/* Both sides have filled their sockets before, each waiting for the other to read. */
static void requests_are_read_while_answers_wait(void **state)
{
	const uint32_t many = 4000;
	uint32_t i;

	(void)state;
	for (i = 0; i < many; i++)
		ask(2 * i + 1, "Now");
	for (i = 0; i < many; i++) {
		turn();
		expect(2 * i + 1, CODE_UNIMPLEMENTED, "Now");
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(answers_come_in_the_order_of_the_answering),
		TEST(streams_must_be_odd_and_rise),
		TEST(a_frame_of_an_unknown_type_is_passed_over),
		TEST(what_is_no_request_is_refused_and_the_connection_stays),
		TEST(a_message_that_is_too_long_is_refused_and_the_connection_stays),
		TEST(half_a_frame_hurts_nobody),
		TEST(a_client_that_goes_takes_its_waiting_calls_along),
		TEST(requests_are_read_while_answers_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
