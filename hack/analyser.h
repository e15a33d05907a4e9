/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What clang's analyser cannot know, because it sees one source file at a time: included ahead of
 * each file by `make check-analyse`, and in no build. Every line here is a promise that the code
 * keeps and a unit test of libbase holds it to.
 */
#include <errno.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"

/* A call that failed has left a positive errno. */
static inline int *analyser_errno(int *at)
{
	if (*at <= 0)
		__builtin_unreachable();
	return at;
}
#undef errno
#define errno (*analyser_errno(__errno_location()))

/* These report failure: their result is negative. */
static inline int analyser_negative(int r)
{
	if (r >= 0)
		__builtin_unreachable();
	return r;
}
#ifndef ANALYSER_OF_BASE
#define error_set(...)    analyser_negative(error_set(__VA_ARGS__))
#define error_say(...)    analyser_negative(error_say(__VA_ARGS__))
#define error_prefix(...) analyser_negative(error_prefix(__VA_ARGS__))

#define str_empty(s)                        \
	({                                  \
		const char *analysed = (s); \
		!analysed || !*analysed;    \
	})
#endif
