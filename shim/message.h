/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "wellknown.pb-c.h"

struct buf;

/* The messages of shim/proto, as protobuf-c makes and reads them. */

/* Appends the packed message. 0, -ENOMEM or -EFBIG. */
int message_pack(const ProtobufCMessage *m, struct buf *out);

/* NULL where the bytes are no such message. To be given to message_free(). */
ProtobufCMessage *message_unpack(const ProtobufCMessageDescriptor *type, const void *data,
				 size_t len);
void message_free(ProtobufCMessage *m); /* NULL is fine */

static inline void message_freep(void *m)
{
	message_free(*(ProtobufCMessage **)m);
}
#define automessage __attribute__((cleanup(message_freep)))

/* Whether the Any holds the message `name`: with or without "type.googleapis.com/" before it. */
bool message_any_is(const Pb__Any *any, const char *name);

/* What clients take for "not yet": the zero time of Go, in the year 1. */
#define MESSAGE_NEVER ((struct timespec){ .tv_sec = -62135596800 })

/* The time in `at`, as a Timestamp. */
Pb__Timestamp message_time(const struct timespec *at);
