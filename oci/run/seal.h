/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct error;

/*
 * Running from something that cannot be written (CVE-2019-5736): until execve, /proc/PID/exe of a
 * container's process is our own executable, and a "#!/proc/self/exe" in an image would even run it
 * inside. oci_seal() (oci.h) executes us again from a copy: an overlay without an upper layer, which
 * has no writable way back to the file, else a sealed memfd. A file that fs-verity protects, or
 * that lies on a read-only file system, needs neither.
 */

/* 0 where the caller is sealed, else -EPERM. */
int seal_check(struct error *e);
