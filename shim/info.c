/* SPDX-License-Identifier: Apache-2.0 */

/* `-info`: what this runtime is, for those who ask before they use it. */
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/fd.h"
#include "bootstrap.pb-c.h"
#include "message.h"
#include "start.h"

#define INFO_STDIN_MAX (10u << 20)

int info_run(struct error *e)
{
	Pb__RuntimeVersion version = PB__RUNTIME_VERSION__INIT;
	Pb__RuntimeInfo info = PB__RUNTIME_INFO__INIT;
	autobuf in = { .max = INFO_STDIN_MAX }, out = { .max = INFO_STDIN_MAX };
	automessage Pb__Any *options = NULL;
	char name[] = "io.containerd.strake.v1", number[] = STRAKE_VERSION;
	int r;

	r = buf_read_fd(&in, STDIN_FILENO);
	if (r == 0 && in.len)
		options = (Pb__Any *)message_unpack(&pb__any__descriptor, in.data, in.len);
	version.version = number;
	info.name = name;
	info.version = &version;
	info.options = options;
	if (r == 0)
		r = message_pack(&info.base, &out);
	if (r == 0)
		r = fd_write_all(STDOUT_FILENO, out.data, out.len);
	return r < 0 ? error_set(e, -r, "describe the runtime") : 0;
}
