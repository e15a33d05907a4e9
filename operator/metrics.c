// SPDX-License-Identifier: Apache-2.0
#include "metrics.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/proc.h"
#include "base/str.h"
#include "kube/connection.h"
#include "operator.h"

#define QUEUE_LABEL "name=\"database\""

void metrics_request(struct metrics *m, const struct call_record *r)
{
	m->request_ms += r->took_ms;
	for (int i = 0; i < METRICS_CODES; i++) {
		if (!m->requests[i].count) {
			str_copy(m->requests[i].method, sizeof(m->requests[i].method),
				 r->method);
			m->requests[i].code = r->status;
		} else if (m->requests[i].code != r->status ||
			   !str_eq(m->requests[i].method, r->method)) {
			continue;
		}
		m->requests[i].count++;
		return;
	}
}

static void head(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_addf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void number(struct buf *b, const char *name, const char *type, const char *help,
		   const char *labels, double value)
{
	head(b, name, type, help);
	buf_addf(b, "%s%s %.15g\n", name, labels, value);
}

static void timing(struct buf *b, const char *name, const char *help, const char *label,
		   const struct histogram *h)
{
	head(b, name, "histogram", help);
	histogram_write(h, name, label, b);
}

static void write_requests(const struct metrics *m, const char *host, struct buf *b)
{
	head(b, "rest_client_requests_total", "counter",
	     "Requests to the API server, by method and code.");
	for (int i = 0; i < METRICS_CODES && m->requests[i].count; i++) {
		char code[16] = "<error>";

		if (m->requests[i].code)
			snprintf(code, sizeof(code), "%d", m->requests[i].code);
		buf_addf(
			b,
			"rest_client_requests_total{code=\"%s\",host=\"%s\",method=\"%s\"} %llu\n",
			code, host, m->requests[i].method,
			(unsigned long long)m->requests[i].count);
	}
}

static void write_queue(const struct queue *q, struct buf *b)
{
	static const char labels[] = "{" QUEUE_LABEL "}";

	number(b, "workqueue_depth", "gauge", "Databases waiting.", labels, q->depth);
	number(b, "workqueue_adds_total", "counter", "Databases added.", labels,
	       (double)q->adds);
	number(b, "workqueue_retries_total", "counter", "Databases tried again.", labels,
	       (double)q->retries);
	timing(b, "workqueue_queue_duration_seconds", "Time spent waiting.", QUEUE_LABEL,
	       &q->waited);
	timing(b, "workqueue_work_duration_seconds", "Time spent working.", QUEUE_LABEL,
	       &q->worked);
}

static void write_reconciles(const struct operator_ *o, struct buf *b)
{
	const struct metrics *m = &o->metrics;

	head(b, "controller_runtime_reconcile_total", "counter", "Looks at a Database.");
	buf_addf(
		b,
		"controller_runtime_reconcile_total{controller=\"database\",result=\"success\"} "
		"%llu\n"
		"controller_runtime_reconcile_total{controller=\"database\",result=\"error\"} "
		"%llu\n",
		(unsigned long long)(m->reconciles - m->reconcile_errors),
		(unsigned long long)m->reconcile_errors);
	number(b, "controller_runtime_reconcile_errors_total", "counter",
	       "Looks at a Database that failed.", "{controller=\"database\"}",
	       (double)m->reconcile_errors);
	timing(b, "controller_runtime_reconcile_time_seconds", "Time of one look.",
	       "controller=\"database\"", &o->queue.worked);
	number(b, "controller_runtime_active_workers", "gauge", "Databases worked on.",
	       "{controller=\"database\"}", o->queue.active);
}

static void write_process(struct buf *b)
{
	unsigned long pages = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f) {
		if (fscanf(f, "%lu %lu", &pages, &resident) != 2)
			resident = 0;
		fclose(f);
	}
	number(b, "process_resident_memory_bytes", "gauge", "Resident memory.", "",
	       (double)resident * (double)sysconf(_SC_PAGESIZE));
}

int metrics_write(const struct operator_ *o, struct buf *b)
{
	const char *host = strstr(o->access.server, "://");
	char labels[320];

	write_queue(&o->queue, b);
	write_reconciles(o, b);
	write_requests(&o->metrics, host ? host + 3 : "", b);
	snprintf(labels, sizeof(labels), "{name=\"%s\"}", o->config->lease_name);
	number(b, "leader_election_master_status", "gauge", "1 while leading.", labels,
	       o->leading);
	number(b, "strake_operator_databases", "gauge", "Databases known.", "",
	       (double)o->cache.records);
	number(b, "strake_operator_watch_failures_total", "counter",
	       "Watches that had to be begun again after a failure.", "",
	       (double)o->metrics.watch_failures);
	write_process(b);
	return buf_adds(b, "");
}
