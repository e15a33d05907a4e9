/* SPDX-License-Identifier: Apache-2.0 */
#include "message.h"

#include <string.h>

#include "base/buf.h"
#include "base/str.h"

int message_pack(const ProtobufCMessage *m, struct buf *out)
{
	size_t len = protobuf_c_message_get_packed_size(m);
	int r;

	r = buf_reserve(out, len);
	if (r < 0)
		return r;
	protobuf_c_message_pack(m, (uint8_t *)out->data + out->len);
	out->len += len;
	out->data[out->len] = '\0';
	return 0;
}

ProtobufCMessage *message_unpack(const ProtobufCMessageDescriptor *type, const void *data,
				 size_t len)
{
	return protobuf_c_message_unpack(type, NULL, len, data);
}

void message_free(ProtobufCMessage *m)
{
	if (m)
		protobuf_c_message_free_unpacked(m, NULL);
}

bool message_any_is(const Pb__Any *any, const char *name)
{
	const char *slash;

	if (!any || !any->type_url)
		return false;
	if (str_eq(any->type_url, name))
		return true;
	slash = strrchr(any->type_url, '/');
	return slash && str_eq(slash + 1, name);
}

Pb__Timestamp message_time(const struct timespec *at)
{
	Pb__Timestamp t = PB__TIMESTAMP__INIT;

	t.seconds = at->tv_sec;
	t.nanos = (int32_t)at->tv_nsec;
	return t;
}
