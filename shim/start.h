/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct error;
struct flags;

/* The actions of the command line. The working directory is the bundle. */
int start_run(const struct flags *f,
	      struct error *e); /* returns twice: in the daemon at its end */
int delete_run(const struct flags *f, struct error *e);
int info_run(struct error *e);
int pause_run(struct error *e); /* within a sandbox of ours */
