/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/template.h"

#include <stddef.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#define TEMPLATE_VERSION "1.3.0"
#define OPTIONS_MAX      8

struct template_mount {
	const char *destination;
	const char *type;
	const char *source;
	const char *options[OPTIONS_MAX]; /* the first NULL ends them */
};

static const struct template_mount mounts[] = {
	{ "/proc", "proc", "proc", { NULL } },
	{ "/dev", "tmpfs", "tmpfs", { "nosuid", "strictatime", "mode=755", "size=65536k" } },
	{ "/dev/pts",
	  "devpts",
	  "devpts",
	  { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5" } },
	{ "/dev/shm",
	  "tmpfs",
	  "shm",
	  { "nosuid", "noexec", "nodev", "mode=1777", "size=65536k" } },
	{ "/dev/mqueue", "mqueue", "mqueue", { "nosuid", "noexec", "nodev" } },
	{ "/sys", "sysfs", "sysfs", { "nosuid", "noexec", "nodev", "ro" } },
	{ "/sys/fs/cgroup",
	  "cgroup",
	  "cgroup",
	  { "nosuid", "noexec", "nodev", "relatime", "ro" } },
};

/* A user namespace without a network namespace of its own may not mount a sysfs. */
static const struct template_mount rootless_sys = {
	"/sys", "none", "/sys", { "rbind", "nosuid", "noexec", "nodev", "ro" }
};

static const char *const capabilities[] = { "CAP_AUDIT_WRITE", "CAP_KILL",
					    "CAP_NET_BIND_SERVICE", NULL };

static const char *const namespaces[] = { "pid", "network", "ipc", "uts", "mount", "cgroup" };
static const char *const rootless_namespaces[] = { "pid",   "ipc",    "uts",
						   "mount", "cgroup", "user" };

static const char *const masked_paths[] = {
	"/proc/acpi",
	"/proc/asound",
	"/proc/kcore",
	"/proc/keys",
	"/proc/latency_stats",
	"/proc/timer_list",
	"/proc/timer_stats",
	"/proc/sched_debug",
	"/proc/scsi",
	"/sys/firmware",
	"/sys/devices/virtual/powercap",
	NULL,
};

static const char *const readonly_paths[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL,
};

static void put_strings(struct json_writer *w, const char *key, const char *const *list)
{
	json_write_key(w, key);
	json_write_array(w);
	for (; *list; list++)
		json_write_string(w, *list);
	json_write_end(w);
}

static void write_user(struct json_writer *w)
{
	json_write_key(w, "user");
	json_write_object(w);
	json_put_u64(w, "uid", 0);
	json_put_u64(w, "gid", 0);
	json_write_end(w);
}

static void write_capabilities(struct json_writer *w)
{
	json_write_key(w, "capabilities");
	json_write_object(w);
	put_strings(w, "bounding", capabilities);
	put_strings(w, "effective", capabilities);
	put_strings(w, "permitted", capabilities);
	json_write_end(w);
}

static void write_rlimits(struct json_writer *w)
{
	json_write_key(w, "rlimits");
	json_write_array(w);
	json_write_object(w);
	json_put_string(w, "type", "RLIMIT_NOFILE");
	json_put_u64(w, "hard", 1024);
	json_put_u64(w, "soft", 1024);
	json_write_end(w);
	json_write_end(w);
}

static void write_process(struct json_writer *w)
{
	static const char *const args[] = { "sh", NULL };
	static const char *const env[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"TERM=xterm", NULL
	};

	json_write_key(w, "process");
	json_write_object(w);
	json_put_bool(w, "terminal", true);
	write_user(w);
	put_strings(w, "args", args);
	put_strings(w, "env", env);
	json_put_string(w, "cwd", "/");
	write_capabilities(w);
	write_rlimits(w);
	json_put_bool(w, "noNewPrivileges", true);
	json_write_end(w);
}

static void write_root(struct json_writer *w)
{
	json_write_key(w, "root");
	json_write_object(w);
	json_put_string(w, "path", "rootfs");
	json_put_bool(w, "readonly", true);
	json_write_end(w);
}

/* A group that the only mapping does not hold cannot own the terminals. */
static bool option_is_left_out(const char *option, const struct spec_template *t)
{
	return t->rootless && str_starts(option, "gid=");
}

static void write_mount(struct json_writer *w, const struct template_mount *m,
			const struct spec_template *t)
{
	size_t i;

	json_write_object(w);
	json_put_string(w, "destination", m->destination);
	json_put_string(w, "type", m->type);
	json_put_string(w, "source", m->source);
	if (m->options[0]) {
		json_write_key(w, "options");
		json_write_array(w);
		for (i = 0; i < OPTIONS_MAX && m->options[i]; i++)
			if (!option_is_left_out(m->options[i], t))
				json_write_string(w, m->options[i]);
		json_write_end(w);
	}
	json_write_end(w);
}

static void write_mounts(struct json_writer *w, const struct spec_template *t)
{
	size_t i;

	json_write_key(w, "mounts");
	json_write_array(w);
	for (i = 0; i < ARRAY_SIZE(mounts); i++) {
		if (!t->rootless || !str_starts(mounts[i].destination, "/sys"))
			write_mount(w, &mounts[i], t);
		else if (str_eq(mounts[i].destination, "/sys"))
			write_mount(w, &rootless_sys, t);
	}
	json_write_end(w);
}

static void write_mapping(struct json_writer *w, const char *key, uint32_t host_id)
{
	json_write_key(w, key);
	json_write_array(w);
	json_write_object(w);
	json_put_u64(w, "containerID", 0);
	json_put_u64(w, "hostID", host_id);
	json_put_u64(w, "size", 1);
	json_write_end(w);
	json_write_end(w);
}

/* No device but the defaults, which every container has. */
static void write_resources(struct json_writer *w)
{
	json_write_key(w, "resources");
	json_write_object(w);
	json_write_key(w, "devices");
	json_write_array(w);
	json_write_object(w);
	json_put_bool(w, "allow", false);
	json_put_string(w, "access", "rwm");
	json_write_end(w);
	json_write_end(w);
	json_write_end(w);
}

static void write_namespaces(struct json_writer *w, const char *const *types, size_t n)
{
	size_t i;

	json_write_key(w, "namespaces");
	json_write_array(w);
	for (i = 0; i < n; i++) {
		json_write_object(w);
		json_put_string(w, "type", types[i]);
		json_write_end(w);
	}
	json_write_end(w);
}

static void write_linux(struct json_writer *w, const struct spec_template *t)
{
	json_write_key(w, "linux");
	json_write_object(w);
	if (t->rootless) {
		write_mapping(w, "uidMappings", t->uid);
		write_mapping(w, "gidMappings", t->gid);
		write_namespaces(w, rootless_namespaces, ARRAY_SIZE(rootless_namespaces));
	} else {
		write_resources(w);
		write_namespaces(w, namespaces, ARRAY_SIZE(namespaces));
	}
	put_strings(w, "maskedPaths", masked_paths);
	put_strings(w, "readonlyPaths", readonly_paths);
	json_write_end(w);
}

void spec_template_write(struct json_writer *w, const struct spec_template *t)
{
	json_write_object(w);
	json_put_string(w, "ociVersion", TEMPLATE_VERSION);
	write_process(w);
	write_root(w);
	json_put_string(w, "hostname", "strake");
	write_mounts(w, t);
	write_linux(w, t);
	json_write_end(w);
}
