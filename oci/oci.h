/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * liboci: runs containers from OCI bundles (runtime-spec 1.3) on cgroup v2. No daemon, no threads,
 * no globals; nothing of the caller changes: not its umask, signals, working directory or
 * subreaper flag. Every call returns 0 or -errno and explains itself in `struct error` (base/error.h,
 * may be NULL).
 *
 * A container's first process is for a moment a copy of the caller. Nobody in the container can reach
 * the caller's executable through it: the copy runs from a sealed one (CVE-2019-5736).
 */

struct arena;
struct cgroup_stats;
struct error;
struct json_writer;
struct spec;
struct spec_intel_rdt;
struct spec_pair;
struct spec_resources;
struct timing;

/* Where and how; the same for all calls on one set of containers. Strings are borrowed. */
struct oci_runtime {
	const char *root;           /* state directory: "/run/strake" */
	const char *cgroup_manager; /* "cgroupfs", "systemd", "disabled"; NULL: cgroupfs */
	bool rootless; /* no power over mounts and the host's cgroups: see --rootless */
	const char *
		policy; /* node policies: a file or folder; NULL: the node's own (policy/load.h) */
	/*
	 * Where denied calls are told, for policies that ask: a file to append JSON lines to; "-": text
	 * on stderr, oci_run() alone; NULL: the policy's own file, or else the kernel's log.
	 */
	const char *report;
	/*
	 * A socket (SOCK_SEQPACKET) that is told, by messages of one JSON object each, what node policies
	 * take from who asked for more, what they refuse, and the denied calls of containers whose policies
	 * ask for it (policies/README.md). Containers keep it. Where there is no room a message is left
	 * out, and denied calls are counted; -1 or 0: none.
	 */
	int policy_fd;
	/*
	 * containerd's namespace that the caller works for, for policies that match by it; NULL: none.
	 * In that of Kubernetes, "k8s.io", annotations of containerd's are taken for containerd's words.
	 */
	const char *containerd_namespace;
	/* oci_run(): a file for the profile that allows what the container has called; NULL: none. */
	const char *record;
	int cancel_fd;         /* readable: give up, clean up, -ECANCELED; -1: none */
	struct timing *timing; /* NULL: nobody asked; see run/timing.h */
	void (*warn)(void *arg, const char *text); /* what did not stop us; may be NULL */
	void *warn_arg;
};

struct oci_create_options {
	const char *id;
	const char *bundle;         /* folder */
	const char *config;         /* NULL: config.json in the bundle */
	const char *console_socket; /* with process.terminal: where its master goes; or NULL */
	int console_fd;             /* the same, connected already; -1 */
	unsigned int rows, columns; /* of the terminal, where the process names no size; or 0 */
	const char *pid_file;       /* or NULL */
	const char *pidfd_socket;   /* gets the process's pidfd; or NULL */
	unsigned int preserve_fds;  /* files 3 to 3+n-1, which must be open */
	const bool *preserve_gaps;  /* those of them that are not for the process; NULL: none */
	unsigned int
		listen_fds; /* the first of them, that it is told of as sd_listen_fds(3) says */
	const char *listen_names; /* LISTEN_FDNAMES; or NULL */
	bool no_pivot;
	bool no_new_keyring;
	bool notify;  /* it gets a socket to say by that it is ready: oci_ready_listen() */
	int stdio[3]; /* what the payload gets as 0, 1, 2; -1: the caller's own */
};

/* A process of ours in a container. The caller closes pid_fd and reaps it if it is its parent. */
struct oci_process {
	pid_t pid; /* as the caller sees it */
	int pid_fd;
};

struct oci_exec_options {
	const char *id;
	const char *process; /* file with a process object; or NULL, then from the fields: */
	const char
		*process_text; /* the object itself, for which `process` is a name; or NULL */
	size_t process_len;
	char *const *args; /* NULL-terminated */
	const char *cwd;   /* NULL: the container's */
	char *const *env;  /* NULL-terminated, added to the container's; or NULL */
	const char *user;  /* "uid[:gid]"; NULL: the container's */
	const uint32_t *additional_gids;
	size_t n_additional_gids;
	char *const *caps; /* NULL-terminated names to add to bounding, permitted, effective */
	const char *apparmor_profile;
	const char *selinux_label;
	bool no_new_privs; /* set it, whatever the container has */
	bool tty;
	bool ignore_paused;
	const char *cgroup; /* sub-cgroup, or NULL */
	const char *console_socket;
	int console_fd;
	unsigned int rows, columns;
	const char *pid_file;
	const char *pidfd_socket;
	unsigned int preserve_fds;
	const bool *preserve_gaps;
	unsigned int listen_fds;
	const char *listen_names;
	int stdio[3];
};

enum oci_status {
	OCI_CREATING,
	OCI_CREATED,
	OCI_RUNNING,
	OCI_PAUSED,
	OCI_STOPPED,
};

const char *oci_status_name(enum oci_status status);

int oci_create(const struct oci_runtime *rt, const struct oci_create_options *opt,
	       struct oci_process *ret, struct error *e);
int oci_start(const struct oci_runtime *rt, const char *id, struct error *e);

/*
 * Create and start in one. The caller waits for ret->pid_fd, then ends *run by one of the two below: while
 * it has that, `rt` must stay. oci_run_delete() is oci_delete() by force for this very container, which
 * it need not look for; without it the container stays. What its end would be faster with is kept open,
 * a connection to systemd's bus; oci_run_rest(), when it has lived for OCI_RUN_BRIEF_MS, lets that go.
 */
#define OCI_RUN_BRIEF_MS 12

struct oci_run;

int oci_run(const struct oci_runtime *rt, const struct oci_create_options *opt,
	    struct oci_process *ret, struct oci_run **run, struct error *e);
int oci_run_delete(struct oci_run *run, struct error *e);
void oci_run_rest(struct oci_run *run);
int oci_run_ready_fd(const struct oci_run *run); /* borrowed; -1 */
void oci_run_free(struct oci_run *run);

/*
 * Readiness as sd_notify(3) tells it, of a container made with `notify`. To be called before
 * oci_start(): what it says is heard on the returned fd. -ENOENT: it was made without.
 */
int oci_ready_listen(const struct oci_runtime *rt, const char *id, struct error *e);
/* Hands one message on to the service manager's socket, with main_pid unless that is 0. 1: it is ready. */
int oci_ready_relay(int fd, pid_t main_pid, const char *service, struct error *e);
/* All of them until it is ready. -ESRCH: it has ended before. */
int oci_ready_wait(const struct oci_runtime *rt, int fd, const struct oci_process *p,
		   const char *service, struct error *e);

/* Returns once the process has executed. */
int oci_exec(const struct oci_runtime *rt, const struct oci_exec_options *opt,
	     struct oci_process *ret, struct error *e);

/* -ESRCH where it is not running. `all`: every process of its cgroup. */
int oci_kill(const struct oci_runtime *rt, const char *id, int signum, bool all,
	     struct error *e);
int oci_pause(const struct oci_runtime *rt, const char *id, struct error *e);
int oci_resume(const struct oci_runtime *rt, const char *id, struct error *e);
int oci_update(const struct oci_runtime *rt, const char *id, const struct spec_resources *r,
	       struct error *e);
/* The same for linux.intelRdt: its schemata. */
int oci_update_rdt(const struct oci_runtime *rt, const char *id, const struct spec_intel_rdt *r,
		   struct error *e);

/*
 * The mounts of `mounts`, which needs hold nothing else, into a running container: all, or none. What
 * shows namespaces of who mounts it, a new proc or cgroup, is -ENOTSUP. Removed is what is mounted on
 * their destinations; what keeps the container from a masked path is -EPERM.
 */
int oci_mounts_add(const struct oci_runtime *rt, const char *id, const struct spec *mounts,
		   struct error *e);
int oci_mounts_remove(const struct oci_runtime *rt, const char *id, const struct spec *mounts,
		      struct error *e);

/*
 * Checkpoints, made and restored by CRIU (criu.org), which must be installed. Folders and names are those of
 * its options; NULL where not given.
 */
struct oci_criu_options {
	const char *image;        /* folder of the image */
	const char *work;         /* folder for logs; NULL: the image's */
	const char *parent;       /* checkpoint: an earlier image, relative to this one */
	const char *page_server;  /* checkpoint: "ADDRESS:PORT", where pages go */
	const char *cgroups_mode; /* "soft", "full", "strict", "ignore"; NULL: soft */
	const char *network_lock; /* "iptables", "nftables", "skip" */
	const char *lsm_profile;  /* restore: "apparmor:NAME", "selinux:LABEL" */
	const char *lsm_mount_context;
	char *const *empty_ns; /* NULL-terminated: "network"; or NULL */
	int status_fd;         /* lazy pages: gets a zero byte when they are served; -1 */
	bool leave_running;
	bool pre_dump; /* memory alone, and it goes on */
	bool tcp_established, tcp_skip_in_flight, tcp_close;
	bool ext_unix_sk, shell_job, file_locks, link_remap, lazy_pages, auto_dedup;
};

/*
 * Saves a container that runs or is paused. Unless it is to go on its processes have been killed then; what
 * else there is of it stays for oci_delete(). What cannot be saved is refused: Landlock, a seccomp agent.
 */
int oci_checkpoint(const struct oci_runtime *rt, const char *id,
		   const struct oci_criu_options *opt, struct error *e);
/*
 * As oci_run(), from an image. The container is made from its config.json again, under the node's
 * policies: -EPERM where they would change what the image holds. Of `opt` what concerns making a payload
 * has no meaning.
 */
int oci_restore(const struct oci_runtime *rt, const struct oci_create_options *opt,
		const struct oci_criu_options *criu, struct oci_process *ret,
		struct oci_run **run, struct error *e);

/* Removes a container that is stopped or was never started; `force`: kills what is there first, whatever state it is in. */
int oci_delete(const struct oci_runtime *rt, const char *id, bool force, struct error *e);

/* What `state` prints. Strings live in the arena. */
struct oci_state {
	const char *id;
	enum oci_status status;
	pid_t pid; /* 0 where it has ended */
	const char *bundle;
	const char *rootfs;
	const char *created; /* RFC 3339 */
	uid_t owner;         /* who made it */
	const char *oci_version;
	const char *cgroup; /* below the mount, "" where there is none */
	const char *scope;  /* systemd's unit, or NULL where it is not the manager */
	size_t n_annotations;
	const struct spec_pair *annotations;
};

int oci_state(const struct oci_runtime *rt, const char *id, struct arena *a,
	      struct oci_state *ret, struct error *e);

/* Calls `each` for the id of every container below the root; stops at its first non-zero answer. */
int oci_list(const struct oci_runtime *rt, int (*each)(void *arg, const char *id), void *arg,
	     struct error *e);

/* Writes what this runtime supports, as runtime-spec's "features.md" has it. */
void oci_features(struct json_writer *w);

/* Its processes, sorted. *ret is the caller's to free. */
int oci_pids(const struct oci_runtime *rt, const char *id, pid_t **ret, size_t *n,
	     struct error *e);
int oci_stats(const struct oci_runtime *rt, const char *id, struct cgroup_stats *ret,
	      struct error *e);

/* A container that runs, watched from outside: for poll(2). */
struct oci_watch {
	int pid_fd;    /* POLLIN: its first process has ended */
	int memory_fd; /* POLLPRI: time for oci_watch_oom(); -1: no memory controller */
	uint64_t oom_kills;
};

#define OCI_WATCH_NONE ((struct oci_watch){ .pid_fd = -1, .memory_fd = -1 })

/* -ESRCH where it is not running. */
int oci_watch_open(const struct oci_runtime *rt, const char *id, struct oci_watch *ret,
		   struct error *e);
/* 1: the kernel has killed in it for want of memory since last asked; 0, or -errno (-ENODEV: the
 * cgroup is gone). */
int oci_watch_oom(struct oci_watch *w);
void oci_watch_done(struct oci_watch *w);

/* Waits for its end; *ret is its exit status as a shell shows it. -ENODATA: before Linux 6.15, where
 * its parent was faster. */
int oci_wait(const struct oci_runtime *rt, const char *id, int *ret, struct error *e);
