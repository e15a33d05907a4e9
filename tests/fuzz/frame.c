/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer: bytes -> ttrpc frames -> requests of the services. However the bytes are cut, the same
 * frames come out, and what is decoded is packed and freed without harm.
 */
#include "frame.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "pod.h"
#include "task.pb-c.h"
#include "ttrpc.pb-c.h"

#define DIE_UNLESS(x)            \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(const ProtobufCMessageDescriptor *type, const void *data, size_t len)
{
	ProtobufCMessage *m = message_unpack(type, data, len);
	struct buf out = { .max = FRAME_MAX };

	if (!m)
		return;
	DIE_UNLESS(message_pack(m, &out) == 0 || len > FRAME_MAX / 2);
	buf_done(&out);
	message_free(m);
}

/* What containerd says of a pod, within one of the messages. */
static void read_pod(const void *data, size_t len)
{
	Pb__CreateSandboxRequest *rq = (Pb__CreateSandboxRequest *)message_unpack(
		&pb__create_sandbox_request__descriptor, data, len);
	struct pod pod;

	if (rq && pod_read(rq, &pod, NULL) == 0)
		pod_done(&pod);
	message_free((ProtobufCMessage *)rq);
}

static void handle(const struct frame *f)
{
	Pb__Request *rq =
		(Pb__Request *)message_unpack(&pb__request__descriptor, f->payload, f->len);

	DIE_UNLESS(f->len <= FRAME_MAX);
	if (!rq)
		return;
	decode(&pb__create_request__descriptor, rq->payload.data, rq->payload.len);
	decode(&pb__exec_request__descriptor, rq->payload.data, rq->payload.len);
	decode(&pb__update_request__descriptor, rq->payload.data, rq->payload.len);
	decode(&pb__create_sandbox_request__descriptor, rq->payload.data, rq->payload.len);
	read_pod(rq->payload.data, rq->payload.len);
	message_free(&rq->base);
}

/* A sum over all frames that come out of the bytes when they arrive `step` at a time. */
static uint64_t read_all(const uint8_t *data, size_t size, size_t step, int look)
{
	struct frame_reader r;
	struct frame f;
	uint64_t sum = 0;
	size_t at, i;

	frame_reader_init(&r);
	for (at = 0; at < size; at += step) {
		const uint8_t *p = data + at;
		size_t len = size - at < step ? size - at : step;
		int k;

		while ((k = frame_feed(&r, &p, &len, &f)) > 0) {
			sum = sum * 31 + f.stream + f.type + (uint64_t)k;
			for (i = 0; k == FRAME_WHOLE && i < f.len; i++)
				sum = sum * 31 + f.payload[i];
			if (look && k == FRAME_WHOLE && f.type == FRAME_REQUEST)
				handle(&f);
		}
		DIE_UNLESS(k == FRAME_MORE && len == 0);
	}
	frame_reader_done(&r);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t whole;

	if (!size)
		return 0;
	whole = read_all(data, size, size, 1);
	DIE_UNLESS(whole == read_all(data, size, 1, 0));
	DIE_UNLESS(whole == read_all(data, size, 7, 0));
	return 0;
}
