/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The shell that runs in PostgreSQL's pods, with nothing but what any image of it has. Beside them in
 * /etc/database lie postgresql.conf and pg_hba.conf, the words of postgresql_objects.h, and a number or a
 * word each in replicas, lag and tls.
 */
extern const char script_start[]; /* process 1: makes, copies, serves */
extern const char script_ready[]; /* the probe, which takes up what has changed as well */
extern const char
	script_objects[]; /* on the primary: makes what is declared, and says so in the log */
