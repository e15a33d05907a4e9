/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where the kernel hands over to a program, in place of libc's _start: data become memory of no file
 * (base/data.h), libc is made ready without its questions to the processor where that may be (base/libc.h),
 * and by _start where it may not.
 *
 * For static programs on x86-64, which name it to the linker (-Wl,-e,entry_start); see the Makefile.
 */
void entry_start(void);
