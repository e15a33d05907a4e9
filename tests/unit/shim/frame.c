/* SPDX-License-Identifier: Apache-2.0 */
#include "frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Stream 1, a request of three bytes. */
static const uint8_t request[] = { 0, 0, 0, 3, 0, 0, 0, 1, 1, 0, 'a', 'b', 'c' };

static void a_frame_comes_out_of_pieces_of_any_size(void **state)
{
	(void)state;
	for (size_t step = 1; step <= sizeof(request); step++) {
		struct frame_reader r;
		struct frame f;
		int frames = 0;

		frame_reader_init(&r);
		for (size_t at = 0; at < sizeof(request); at += step) {
			const uint8_t *data = request + at;
			size_t len = sizeof(request) - at < step ? sizeof(request) - at : step;

			while (frame_feed(&r, &data, &len, &f) == FRAME_WHOLE) {
				frames++;
				assert_int_equal(f.stream, 1);
				assert_int_equal(f.type, FRAME_REQUEST);
				assert_int_equal(f.len, 3);
				assert_memory_equal(f.payload, "abc", 3);
			}
			assert_int_equal(len, 0);
		}
		assert_int_equal(frames, 1);
		frame_reader_done(&r);
	}
}

static void two_frames_in_one_piece_come_out_in_order(void **state)
{
	static const uint8_t both[] = { 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 'x',
					0, 0, 0, 0, 0, 0, 0, 3, 9, 7 };
	const uint8_t *data = both;
	size_t len = sizeof(both);
	struct frame_reader r;
	struct frame f;

	(void)state;
	frame_reader_init(&r);
	assert_int_equal(frame_feed(&r, &data, &len, &f), FRAME_WHOLE);
	assert_int_equal(f.stream, 1);
	assert_int_equal(frame_feed(&r, &data, &len, &f), FRAME_WHOLE);
	assert_int_equal(f.stream, 3);
	assert_int_equal(f.type, 9);
	assert_int_equal(f.flags, 7);
	assert_int_equal(f.len, 0);
	assert_int_equal(frame_feed(&r, &data, &len, &f), FRAME_MORE);
	frame_reader_done(&r);
}

static void what_is_too_long_is_told_once_and_dropped_and_the_next_is_read(void **state)
{
	static const uint8_t header[] = { 0, 0x40, 0, 1, 0, 0, 0, 5, 1, 0 }; /* FRAME_MAX + 1 */
	static const uint8_t zeros[4096];
	const uint8_t *data = header;
	size_t len = sizeof(header), left = FRAME_MAX + 1;
	struct frame_reader r;
	struct frame f;

	(void)state;
	frame_reader_init(&r);
	assert_int_equal(frame_feed(&r, &data, &len, &f), FRAME_TOO_LONG);
	assert_int_equal(f.stream, 5);
	while (left) {
		data = zeros;
		len = left < sizeof(zeros) ? left : sizeof(zeros);
		left -= len;
		assert_int_equal(frame_feed(&r, &data, &len, &f), FRAME_MORE);
		assert_int_equal(len, 0);
	}
	assert_null(r.payload.data);
	data = request;
	len = sizeof(request);
	assert_int_equal(frame_feed(&r, &data, &len, &f), FRAME_WHOLE);
	assert_int_equal(f.stream, 1);
	frame_reader_done(&r);
}

static void a_promise_of_four_megabytes_costs_no_memory(void **state)
{
	static const uint8_t header[] = { 0, 0x40, 0, 0, 0, 0, 0, 1, 1, 0, 'x' };
	const uint8_t *data = header;
	size_t len = sizeof(header);
	struct frame_reader r;
	struct frame f;

	(void)state;
	frame_reader_init(&r);
	assert_int_equal(frame_feed(&r, &data, &len, &f), FRAME_MORE);
	assert_true(r.payload.cap < 4096);
	frame_reader_done(&r);
}

static void what_is_put_is_what_comes_out(void **state)
{
	struct buf out = { .max = 1 << 20 };
	struct frame_reader r;
	const uint8_t *data;
	struct frame f;
	size_t len;

	(void)state;
	assert_int_equal(frame_put(&out, 77, FRAME_RESPONSE, "hello", 5), 0);
	data = (const uint8_t *)out.data;
	len = out.len;
	frame_reader_init(&r);
	assert_int_equal(frame_feed(&r, &data, &len, &f), FRAME_WHOLE);
	assert_int_equal(f.stream, 77);
	assert_int_equal(f.type, FRAME_RESPONSE);
	assert_memory_equal(f.payload, "hello", 5);
	frame_reader_done(&r);
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_comes_out_of_pieces_of_any_size),
		cmocka_unit_test(two_frames_in_one_piece_come_out_in_order),
		cmocka_unit_test(
			what_is_too_long_is_told_once_and_dropped_and_the_next_is_read),
		cmocka_unit_test(a_promise_of_four_megabytes_costs_no_memory),
		cmocka_unit_test(what_is_put_is_what_comes_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
