/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/seccomp.h>
#include <stddef.h>

#include "base/mem.h"
#include "base/str.h"
#include "policy/document.h"
#include "policy/policy.h"
#include "spec/names.h"

/* --- tables -------------------------------------------------------------------------------------- */

static const struct field limit_fields[] = {
	{ "max", KIND_STRING, read_memory, AT(policy_limit, max) },
	{ "default", KIND_STRING, read_memory, AT(policy_limit, fallback) },
};
static const struct table limit_table = TABLE(struct policy_limit, limit_fields);

static const struct field count_fields[] = {
	{ "max", KIND_NUMBER, read_opt_u64, AT(policy_limit, max) },
	{ "default", KIND_NUMBER, read_opt_u64, AT(policy_limit, fallback) },
};
static const struct table count_table = TABLE(struct policy_limit, count_fields);

static const struct field swap_fields[] = {
	{ "max", KIND_STRING, read_bytes, AT(policy_resources, swap_max) },
};
static const struct table swap_table = TABLE(struct policy_resources, swap_fields);

static const struct field most_fields[] = {
	{ "max", KIND_NUMBER, read_opt_u64, 0 },
};
static const struct table most_table = TABLE(struct opt_u64, most_fields);

static const struct field cpu_fields[] = {
	{ "max", KIND_STRING, read_percent, AT(policy_resources, cpu_percent) },
	{ "shares", KIND_OBJECT, read_strict, AT(policy_resources, cpu_shares), &most_table },
};
static const struct table cpu_table = TABLE(struct policy_resources, cpu_fields);

static const struct field unified_fields[] = {
	{ "allow", KIND_STRINGS, read_allow, AT(policy_resources, unified) },
};
static const struct table unified_table = TABLE(struct policy_resources, unified_fields);

/* Bytes: "0" is none at all. */
static const struct field bytes_fields[] = {
	{ "max", KIND_STRING, read_bytes, AT(policy_limit, max) },
	{ "default", KIND_STRING, read_bytes, AT(policy_limit, fallback) },
};
static const struct table bytes_table = TABLE(struct policy_limit, bytes_fields);

static const struct field disk_fields[] = {
	{ "rbps", KIND_OBJECT, read_strict, AT(policy_disk, rates[POLICY_READ_BPS]),
	  &limit_table },
	{ "wbps", KIND_OBJECT, read_strict, AT(policy_disk, rates[POLICY_WRITE_BPS]),
	  &limit_table },
	{ "riops", KIND_OBJECT, read_strict, AT(policy_disk, rates[POLICY_READ_IOPS]),
	  &count_table },
	{ "wiops", KIND_OBJECT, read_strict, AT(policy_disk, rates[POLICY_WRITE_IOPS]),
	  &count_table },
};
static const struct table disk_table = TABLE(struct policy_disk, disk_fields);

static const struct field io_fields[] = {
	{ "weight", KIND_OBJECT, read_strict, AT(policy_resources, io_weight), &most_table },
	{ "disks", KIND_OBJECT, read_disks, 0, &disk_table },
};
static const struct table io_table = TABLE(struct policy_resources, io_fields);

static const struct field rdma_fields[] = {
	{ "hcaHandles", KIND_OBJECT, read_strict, AT(policy_rdma, handles), &count_table },
	{ "hcaObjects", KIND_OBJECT, read_strict, AT(policy_rdma, objects), &count_table },
};
static const struct table rdma_table = TABLE(struct policy_rdma, rdma_fields);

static const struct field resources_fields[] = {
	{ "memory", KIND_OBJECT, read_strict, AT(policy_resources, memory), &limit_table },
	{ "swap", KIND_OBJECT, read_strict, 0, &swap_table },
	{ "pids", KIND_OBJECT, read_strict, AT(policy_resources, pids), &count_table },
	{ "cpu", KIND_OBJECT, read_strict, 0, &cpu_table },
	{ "io", KIND_OBJECT, read_strict, 0, &io_table },
	{ "hugetlb", KIND_OBJECT, read_strict, AT(policy_resources, hugetlb), &bytes_table },
	{ "rdma", KIND_OBJECT, read_strict, AT(policy_resources, rdma), &rdma_table },
	{ "unified", KIND_OBJECT, read_strict, 0, &unified_table },
};
static const struct table resources_table = TABLE(struct policy_resources, resources_fields);

static const struct field rlimit_fields[] = {
	{ "max", KIND_NUMBER, read_opt_u64, AT(policy_rlimit, max) },
	{ "default", KIND_NUMBER, read_opt_u64, AT(policy_rlimit, fallback) },
};
static const struct table rlimit_table = TABLE(struct policy_rlimit, rlimit_fields);

static const struct field capability_fields[] = {
	{ "ceiling", KIND_STRINGS, read_capabilities, 0 },
	{ "inheritable", KIND_STRING, read_clear, AT(policy_process, clear_inheritable) },
	{ "ambient", KIND_STRING, read_clear, AT(policy_process, clear_ambient) },
};
static const struct table capability_table = TABLE(struct policy_process, capability_fields);

static const struct spec_name root_words[] = {
	{ "any", POLICY_ROOT_ANY },
	{ "userns-only", POLICY_ROOT_USERNS },
	{ "never", POLICY_ROOT_NEVER },
	{ NULL, 0 },
};
static const struct field user_fields[] = {
	{ "root", KIND_STRING, read_word, AT(policy_process, root), root_words },
	{ "minUid", KIND_NUMBER, read_opt_u64, AT(policy_process, min_uid) },
	{ "minGid", KIND_NUMBER, read_opt_u64, AT(policy_process, min_gid) },
};
static const struct table user_table = TABLE(struct policy_process, user_fields);

static const struct field oom_fields[] = {
	{ "min", KIND_NUMBER, read_opt_i64, AT(policy_process, min_oom_score_adj) },
};
static const struct table oom_table = TABLE(struct policy_process, oom_fields);

static const struct field nice_fields[] = {
	{ "min", KIND_NUMBER, read_opt_i64, AT(policy_process, min_nice) },
};
static const struct table nice_table = TABLE(struct policy_process, nice_fields);

static const struct field selinux_fields[] = {
	{ "allow", KIND_STRINGS, read_allow, AT(policy_process, selinux) },
};
static const struct table selinux_table = TABLE(struct policy_process, selinux_fields);

static const struct field apparmor_fields[] = {
	{ "allow", KIND_STRINGS, read_allow, AT(policy_process, apparmor) },
};
static const struct table apparmor_table = TABLE(struct policy_process, apparmor_fields);

static const struct field process_fields[] = {
	{ "noNewPrivileges", KIND_BOOL, read_bool, AT(policy_process, no_new_privileges) },
	{ "user", KIND_OBJECT, read_strict, 0, &user_table },
	{ "capabilities", KIND_OBJECT, read_strict, 0, &capability_table },
	{ "rlimits", KIND_OBJECT, read_rlimits, 0, &rlimit_table },
	{ "oomScoreAdj", KIND_OBJECT, read_strict, 0, &oom_table },
	{ "realtime", KIND_BOOL, read_denied, AT(policy_process, no_realtime) },
	{ "nice", KIND_OBJECT, read_strict, 0, &nice_table },
	{ "apparmor", KIND_OBJECT, read_strict, 0, &apparmor_table },
	{ "selinux", KIND_OBJECT, read_strict, 0, &selinux_table },
};
static const struct table process_table = TABLE(struct policy_process, process_fields);

static const struct field call_arg_fields[] = {
	{ "index", KIND_NUMBER, read_u32, AT(spec_seccomp_arg, index), NULL, FIELD_REQUIRED },
	{ "value", KIND_NUMBER, read_u64, AT(spec_seccomp_arg, value), NULL, FIELD_REQUIRED },
	{ "valueTwo", KIND_NUMBER, read_u64, AT(spec_seccomp_arg, value_two) },
	{ "op", KIND_STRING, read_word, AT(spec_seccomp_arg, op), spec_seccomp_op_names,
	  FIELD_REQUIRED },
};
static const struct table call_arg_table = TABLE(struct spec_seccomp_arg, call_arg_fields);

static const struct field call_fields[] = {
	{ "names", KIND_STRINGS, read_strings, AT(spec_seccomp_rule, names), NULL,
	  FIELD_REQUIRED },
	{ "errno", KIND_STRING, read_errno, 0 },
	{ "args", KIND_OBJECTS, read_strict_list,
	  LIST_OFFSET(struct spec_seccomp_rule, n_args, args), &call_arg_table },
};
static const struct table call_table = TABLE(struct spec_seccomp_rule, call_fields);

static int read_denied_calls(struct reader *r, const struct json *j, const struct field *f,
			     void *dst)
{
	struct policy_seccomp *s = dst;
	size_t i, k;
	int err = read_strict_list(r, j, f, &s->n_denied);

	for (i = 0; err == 0 && i < s->n_denied; i++) {
		struct spec_seccomp_rule *rule = &s->denied[i];

		rule->action = SECCOMP_RET_ERRNO;
		if (rule->names.n == 0)
			return reader_refuse(r, j, "names no call");
		for (k = 0; k < rule->n_args; k++)
			if (rule->args[k].index >= SPEC_SECCOMP_MAX_ARGS)
				return reader_refuse(r, j, "a call has the arguments 0 to 5");
	}
	return err;
}

static const struct field seccomp_fields[] = {
	{ "default", KIND_STRING, read_string, AT(policy_seccomp, profile.name) },
	{ "required", KIND_BOOL, read_bool, AT(policy_seccomp, required) },
	{ "ceiling", KIND_STRINGS, read_ceilings, 0 },
	{ "deny", KIND_OBJECTS, read_denied_calls, 0, &call_table },
	{ "abis", KIND_STRINGS, read_abis, 0 },
	{ "listeners", KIND_STRINGS, read_allowed_paths, AT(policy_seccomp, listeners) },
	{ "specAllow", KIND_BOOL, read_denied, AT(policy_seccomp, no_spec_allow) },
	{ "report", KIND_BOOL, read_bool, AT(policy_seccomp, report) },
	{ "reportFile", KIND_STRING, read_clean_path, AT(policy_seccomp, report_file) },
};
static const struct table seccomp_table = TABLE(struct policy_seccomp, seccomp_fields);

static const struct field landlock_fields[] = {
	{ "scoped", KIND_STRINGS, read_scopes, 0 },
	{ "write", KIND_STRINGS, read_writes, 0 },
	{ "required", KIND_BOOL, read_bool, AT(policy_landlock, layer.required) },
};
static const struct table landlock_table = TABLE(struct policy_landlock, landlock_fields);

static const struct field namespaces_fields[] = {
	{ "require", KIND_STRINGS, read_required_ns, 0 },
};
static const struct table namespaces_table = TABLE(bool[SPEC_NS_COUNT], namespaces_fields);

static const struct field userns_fields[] = {
	{ "hostIdMin", KIND_NUMBER, read_opt_u64, AT(policy_user_namespace, min_host_id) },
	{ "maxSize", KIND_NUMBER, read_opt_u64, AT(policy_user_namespace, max_size) },
};
static const struct table userns_table = TABLE(struct policy_user_namespace, userns_fields);

static const struct field root_fields[] = {
	{ "readonly", KIND_BOOL, read_bool, AT(policy_rule, root_readonly) },
};
static const struct table root_table = TABLE(struct policy_rule, root_fields);

static const struct spec_name propagation_words[] = {
	{ "private", POLICY_PROPAGATION_PRIVATE },
	{ "slave", POLICY_PROPAGATION_SLAVE },
	{ "shared", POLICY_PROPAGATION_SHARED },
	{ NULL, 0 },
};
static const struct spec_name idmap_words[] = {
	{ "any", POLICY_IDMAP_ANY },
	{ "own", POLICY_IDMAP_OWN },
	{ "none", POLICY_IDMAP_NONE },
	{ NULL, 0 },
};
static const struct field mounts_fields[] = {
	{ "denySources", KIND_STRINGS, read_clean_paths, AT(policy_mounts, denied_sources) },
	{ "idmap", KIND_STRING, read_word, AT(policy_mounts, idmap), idmap_words },
	{ "types", KIND_STRINGS, read_allow, AT(policy_mounts, types) },
	{ "bindFlags", KIND_STRINGS, read_bind_flags, AT(policy_mounts, bind_flags) },
	{ "propagation", KIND_STRING, read_word, AT(policy_mounts, propagation),
	  propagation_words },
};
static const struct table mounts_table = TABLE(struct policy_mounts, mounts_fields);

static const struct field paths_fields[] = {
	{ "masked", KIND_STRINGS, read_clean_paths, AT(policy_rule, masked_paths) },
	{ "readonly", KIND_STRINGS, read_clean_paths, AT(policy_rule, readonly_paths) },
};
static const struct table paths_table = TABLE(struct policy_rule, paths_fields);

static const struct field sysctl_fields[] = {
	{ "allow", KIND_STRINGS, read_sysctls, AT(policy_rule, sysctl) },
};
static const struct table sysctl_table = TABLE(struct policy_rule, sysctl_fields);

static const struct field devices_fields[] = {
	{ "allow", KIND_STRINGS, read_devices, AT(policy_rule, devices) },
};
static const struct table devices_table = TABLE(struct policy_rule, devices_fields);

static int read_stages(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	const struct json *item;
	uint64_t v = 0;
	int err = read_allow(r, j, f, dst);

	for (item = j->child; err == 0 && item; item = item->next)
		err = reader_name(r, item, spec_hook_stage_names, &v);
	return err;
}

static const struct field hook_fields[] = {
	{ "path", KIND_STRING, read_string, AT(policy_hook, path), NULL, FIELD_REQUIRED },
	{ "sha256", KIND_STRING, read_string, AT(policy_hook, sha256) },
	{ "stages", KIND_STRINGS, read_stages, AT(policy_hook, stages) },
	{ "args", KIND_STRINGS, read_allow, AT(policy_hook, args) },
	{ "env", KIND_STRINGS, read_strings, AT(policy_hook, env) },
};
static const struct table hook_table = TABLE(struct policy_hook, hook_fields);

static const struct field hooks_fields[] = {
	{ "allow", KIND_OBJECTS, read_hook_list, AT(policy_rule, hooks), &hook_table },
};
static const struct table hooks_table = TABLE(struct policy_rule, hooks_fields);

static const struct field net_devices_fields[] = {
	{ "allow", KIND_STRINGS, read_allow, AT(policy_rule, net_devices) },
};
static const struct table net_devices_table = TABLE(struct policy_rule, net_devices_fields);

static const struct field rdt_fields[] = {
	{ "allow", KIND_STRINGS, read_allow, AT(policy_rule, rdt_classes) },
};
static const struct table rdt_table = TABLE(struct policy_rule, rdt_fields);

static const struct field annotations_fields[] = {
	{ "strip", KIND_STRINGS, read_strings, AT(policy_rule, strip_annotations) },
};
static const struct table annotations_table = TABLE(struct policy_rule, annotations_fields);

static const struct field cgroup_fields[] = {
	{ "parents", KIND_STRINGS, read_clean_paths, AT(policy_rule, cgroup_parents) },
};
static const struct table cgroup_table = TABLE(struct policy_rule, cgroup_fields);

static const struct field exec_fields[] = {
	{ "sameAsContainer", KIND_BOOL, read_bool, AT(policy_rule, exec_as_container) },
};
static const struct table exec_table = TABLE(struct policy_rule, exec_fields);

static int read_user_namespace_key(struct reader *r, const struct json *j,
				   const struct field *f, void *dst)
{
	struct policy_match *m = dst;

	m->set_user_namespace = true;
	return read_bool(r, j, f, &m->user_namespace);
}

static const struct field match_fields[] = {
	{ "userNamespace", KIND_BOOL, read_user_namespace_key, 0 },
	{ "cgroupParents", KIND_STRINGS, read_clean_paths, AT(policy_match, cgroup_parents) },
	{ "stateFolders", KIND_STRINGS, read_clean_paths, AT(policy_match, state_folders) },
	{ "containerdNamespaces", KIND_STRINGS, read_strings,
	  AT(policy_match, containerd_namespaces) },
	{ "kubernetesNamespaces", KIND_STRINGS, read_strings,
	  AT(policy_match, kubernetes_namespaces) },
	{ "annotations", KIND_PAIRS, read_pairs, AT(policy_match, annotations) },
};
static const struct table match_table = TABLE(struct policy_match, match_fields);

static const struct spec_name mode_words[] = {
	{ "enforce", POLICY_ENFORCE },
	{ "audit", POLICY_AUDIT },
	{ NULL, 0 },
};

int read_description(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	(void)r, (void)j, (void)f, (void)dst;
	return 0;
}

static const struct field rule_fields[] = {
	{ "name", KIND_STRING, read_string, AT(policy_rule, name), NULL, FIELD_REQUIRED },
	{ "description", KIND_STRING, read_description, 0 },
	{ "mode", KIND_STRING, read_word, AT(policy_rule, mode), mode_words },
	{ "match", KIND_OBJECT, read_strict, AT(policy_rule, match), &match_table },
	{ "except", KIND_OBJECTS, read_strict_list,
	  LIST_OFFSET(struct policy_rule, n_except, except), &match_table },
	{ "process", KIND_OBJECT, read_strict, AT(policy_rule, process), &process_table },
	{ "seccomp", KIND_OBJECT, read_strict, AT(policy_rule, seccomp), &seccomp_table },
	{ "landlock", KIND_OBJECT, read_strict, AT(policy_rule, landlock), &landlock_table },
	{ "namespaces", KIND_OBJECT, read_strict, AT(policy_rule, namespaces),
	  &namespaces_table },
	{ "userNamespace", KIND_OBJECT, read_strict, AT(policy_rule, user_namespace),
	  &userns_table },
	{ "root", KIND_OBJECT, read_strict, 0, &root_table },
	{ "mounts", KIND_OBJECT, read_strict, AT(policy_rule, mounts), &mounts_table },
	{ "paths", KIND_OBJECT, read_strict, 0, &paths_table },
	{ "sysctl", KIND_OBJECT, read_strict, 0, &sysctl_table },
	{ "devices", KIND_OBJECT, read_strict, 0, &devices_table },
	{ "hooks", KIND_OBJECT, read_strict, 0, &hooks_table },
	{ "netDevices", KIND_OBJECT, read_strict, 0, &net_devices_table },
	{ "intelRdt", KIND_OBJECT, read_strict, 0, &rdt_table },
	{ "annotations", KIND_OBJECT, read_strict, 0, &annotations_table },
	{ "cgroup", KIND_OBJECT, read_strict, 0, &cgroup_table },
	{ "resources", KIND_OBJECT, read_strict, AT(policy_rule, resources), &resources_table },
	{ "exec", KIND_OBJECT, read_strict, 0, &exec_table },
};
const struct table policy_rule_table = TABLE(struct policy_rule, rule_fields);
