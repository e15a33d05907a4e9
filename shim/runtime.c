/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime.h"

#include "base/str.h"
#include "options.h"

const struct runtime *runtime_of(const struct options *o)
{
	return str_empty(o->binary) ? &builtin_runtime : &program_runtime;
}
