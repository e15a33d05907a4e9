# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # the container's shell expands it
# From nothing to SQL: the operator from its own image, a Database of two instances, a client, all of them
# pods of a real kubelet under our shim. Each test goes on where the one before ended.

load lib

setup_file() {
	make -s -C "$TREE" image build/postgresql.tar >/dev/null
	timeout 400 "$TREE/hack/node" load "$TREE/build/strake-operator.tar" "$TREE/build/postgresql.tar" 2>/dev/null
	eventually 30 k get serviceaccount default >/dev/null
}

setup() {
	BEGUN=$SECONDS
}

teardown() {
	echo "# $((SECONDS - BEGUN)) s" >&3
	[ -n "$BATS_TEST_COMPLETED" ] || {
		k get databases,pods -A -o wide
		k get events -A --sort-by=.lastTimestamp | tail -30
		k -n strake-system logs -l app.kubernetes.io/name=strake-operator --prefix --tail=20
	}
}

teardown_file() {
	k delete --ignore-not-found databases,pods,persistentvolumeclaims,secrets --all --timeout=90s >/dev/null
	k delete --ignore-not-found -k "$TREE/manifests" --timeout=90s >/dev/null
	eventually 60 nothing_of_pods || {
		what_is_left
		return 1
	}
}

ready() { # seconds
	eventually "$1" k wait database/pair --for=condition=Ready --timeout=5s >/dev/null 2>&1
}

# settled SECONDS: what was asked last is seen, and the Database is Ready with it.
settled() {
	eventually "$1" is_settled
}

is_settled() {
	k get database pair -o json | jq -e '.metadata.generation == .status.observedGeneration and
		(.status.conditions | map({ (.type): .status }) | add | .Ready == "True" and .Progressing != "True")' >/dev/null
}

# sql rw|ro STATEMENT: as the application, through the Service.
sql() { k exec client -- sh -c 'psql "$(echo "$URI" | sed "s/-rw/-$1/")" -XAtqc "$2"' sh "$@"; }
sql_says() { [ "$(sql "$1" "$2" 2>&1)" = "$3" ]; }

# over_tls SSLMODE [HOST]: how the application's connection is, which knows the authority from its Secret.
over_tls() {
	k exec client -- sh -c 'psql "$(echo "$URI" | sed "s/pair-rw/$2/")?sslmode=$1&sslrootcert=/app/ca.crt" -XAtqc \
		"select ssl, version from pg_stat_ssl where pid = pg_backend_pid()"' sh "$1" "${2:-pair-rw}" 2>&1
}
over_tls_says() { [[ "$(over_tls "$1" "${3:-pair-rw}")" == *"$2"* ]]; }

client() {
	pod client '.spec.containers[0] += { image: "strake/postgresql:17", env: [
		{ name: "URI", valueFrom: { secretKeyRef: { name: "pair-app", key: "uri" } } } ],
		volumeMounts: [ { name: "app", mountPath: "/app" } ] }
		| .spec.volumes = [ { name: "app", secret: { secretName: "pair-app" } } ]'
	running client
}

admin_says() { [ "$(admin "$1" "$2" 2>&1)" = "$3" ]; }

database_patch() { k patch database pair --type merge -p "$1" >/dev/null; }

@test "the operator is installed from its own image, and leads" {
	operator_apply
	[ "$(k -n strake-system get deployment strake-operator -o 'jsonpath={.spec.template.spec.runtimeClassName}')" = strake ]
	k -n strake-system rollout status deployment/strake-operator --timeout=120s
	has_leader() { [ -n "$(k -n strake-system get lease strake-operator -o 'jsonpath={.spec.holderIdentity}')" ]; }
	eventually 30 has_leader
}

@test "a Database of two instances becomes Ready" {
	k apply -f "$TREE/manifests/samples/pair.yaml"
	ready 240
	[ "$(k get database pair -o 'jsonpath={.status.readyReplicas} {.status.currentPrimary}')" = "2 pair-0" ]
}

@test "a client selects 1 through the read-write Service" {
	client
	eventually 30 sql_says rw 'select 1' 1
}

@test "a row that is written on the primary is read on the replica" {
	sql rw 'create table words (word text); insert into words values ($$first$$)'
	eventually 30 sql_says ro 'select word, pg_is_in_recovery() from words' 'first|t'
	[ "$(sql rw 'select pg_is_in_recovery()')" = f ]
	run sql ro 'insert into words values ($$second$$)'
	[[ "$output" == *"read-only transaction"* ]]
}

@test "process 1 of each pod of ours has a filter and no way to new privileges, pause containers too" {
	run on_node 'for p in $(pgrep -P "$(pgrep -d, -f "[c]ontainerd-shim-")"); do
		grep -q "^NSpid:.*	1$" /proc/$p/status 2>/dev/null || continue # what an exec has started
		sed -n "s/^\(Name\|CapBnd\|NoNewPrivs\|Seccomp\):\t//p" /proc/$p/status | tr "\n" " "; echo; done | sort | uniq -c'
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *" 2 sh 0000000000000000 1 2 "* ]] # the server's parent
	[[ "$output" == *" 2 strake-operator 0000000000000000 1 2 "* ]]
	[[ "$output" == *" 5 pause 00000000a80425fb 1 2 "* ]]
	[ "${#lines[@]}" -eq 4 ] # and the client's, which asks for nothing
	[ "$(on_node 'pgrep -fc "[c]ontainerd-shim-runc"' || true)" -eq 0 ]
}

@test "the Database's limits are those of its cgroup" {
	[ "$(k exec pair-0 -- cat /sys/fs/cgroup/memory.max)" -eq $((256 << 20)) ]
}

@test "a parameter that is taken up by a reload" {
	local before
	before=$(of pair-0 .metadata.uid)
	database_patch '{"spec": {"config": {"parameters": {"work_mem": "7MB"}}}}'
	eventually 150 admin_says pair-0 'show work_mem' 7MB
	eventually 150 admin_says pair-1 'show work_mem' 7MB
	[ "$(of pair-0 .metadata.uid)" = "$before" ]
}

@test "a user, a database, an extension and a grant are added" {
	k create secret generic pair-users --from-literal=reader=word >/dev/null
	database_patch '{"spec": {"users": [{"name": "reader"}], "databases": [
		{"name": "app", "grants": [{"role": "reader", "privileges": ["SELECT"]}]},
		{"name": "shop", "owner": "reader", "extensions": ["pg_trgm"]}]}}'
	reads() { k exec client -- env PGPASSWORD=word psql -h pair-ro -U reader -d app -XAtqc 'select word from words'; }
	reads_it() { [ "$(reads 2>&1)" = first ]; }
	eventually 200 reads_it
	run k exec client -- env PGPASSWORD=word psql -h pair-rw -U reader -d app -XAtqc 'delete from words'
	[[ "$output" == *"permission denied"* ]]
	[ "$(k exec client -- env PGPASSWORD=word psql -h pair-rw -U reader -d shop -XAtqc "select extname from pg_extension where extname = 'pg_trgm'")" = pg_trgm ]
}

@test "TLS is offered and verifies by the authority beside the credentials; required, it is all there is" {
	over_tls_says verify-full 't|TLSv1.3'
	over_tls_says verify-full 't|TLSv1.3' pair-ro
	over_tls_says disable 'f|'
	database_patch '{"spec": {"tls": {"mode": "Required"}}}'
	eventually 150 over_tls_says disable 'no encryption'
	eventually 150 over_tls_says disable 'no encryption' pair-ro
	over_tls_says verify-full 't|TLSv1.3'
	settled 60
	[ "$(k get database pair -o 'jsonpath={.status.conditions[?(@.type=="TLSReady")].status}')" = True ]
}

@test "lines of pg_hba: who is turned away is, and nobody else" {
	database_patch '{"spec": {"config": {"hostBasedAuthentication": ["host app reader all reject"]}}}'
	turned_away() { [[ "$(k exec client -- env PGPASSWORD=word psql -h pair-rw -U reader -d app -XAtqc 'select 1' 2>&1)" == *"rejects connection"* ]]; }
	eventually 150 turned_away
	[ "$(k exec client -- env PGPASSWORD=word psql -h pair-rw -U reader -d shop -XAtqc 'select 1')" = 1 ]
	sql_says rw 'select word from words' first
	settled 60
}

@test "another image of the same version is rolled out, replicas first" {
	local before
	before=$(of pair-0 '.status.containerStatuses[0].imageID')
	"$TREE/hack/postgresql-image" --label build=2 strake/postgresql:17-2 "$TREE/build/tests/postgresql-2.tar" >/dev/null
	timeout 200 "$TREE/hack/node" load "$TREE/build/tests/postgresql-2.tar" 2>/dev/null
	database_patch '{"spec": {"image": "strake/postgresql:17-2"}}'
	settled 300
	for pod in pair-0 pair-1; do
		[ "$(of $pod '.spec.containers[0].image')" = strake/postgresql:17-2 ]
		[ "$(of $pod '.status.containerStatuses[0].imageID')" != "$before" ]
	done
	[[ "$(of pair-1 .metadata.creationTimestamp)" < "$(of pair-0 .metadata.creationTimestamp)" ]]
	eventually 30 sql_says rw 'select word from words' first
	eventually 30 sql_says ro 'select word from words' first
}

@test "a parameter that takes a restart, replicas first" {
	database_patch '{"spec": {"config": {"parameters": {"max_connections": "120"}}}}'
	eventually 240 admin_says pair-0 'show max_connections' 120
	settled 120
	[ "$(admin pair-1 'show max_connections')" = 120 ]
	[[ "$(of pair-1 .metadata.creationTimestamp)" < "$(of pair-0 .metadata.creationTimestamp)" ]]
	eventually 30 sql_says ro 'select word from words' first
}

@test "pods that are killed come back with their data" {
	on_node 'kill -9 $(pgrep -x postgres)'
	eventually 120 sql_says rw 'select word from words' first
	k delete pod pair-0 --grace-period=0 --force >/dev/null 2>&1
	eventually 120 sql_says rw 'select word from words' first
	settled 120
}

@test "an instance over its memory limit is OOMKilled, and comes back with its data" {
	oom_killed() { [[ "$(of pair-1 '.status.containerStatuses[0].state.terminated.reason}{.status.containerStatuses[0].lastState.terminated.reason')" == *OOMKilled* ]]; }
	run k exec pair-1 -- sh -c 'head -c 600M /dev/zero | tail -c 600M | wc -c'
	eventually 60 oom_killed
	settled 120
	eventually 30 sql_says ro 'select word from words' first
}

# restarted UNIT: on the node, and no container with it.
restarted() {
	local before
	before=$(of pair-0 '.status.containerStatuses[0].containerID')
	on_node "systemctl restart $1"
	eventually 60 sql_says rw 'select word from words' first
	ready 120
	[ "$(of pair-0 '.status.containerStatuses[0].containerID')" = "$before" ]
	[ "$(of pair-0 '.status.containerStatuses[0].restartCount')" -eq 0 ]
}

@test "containerd is restarted, and no container with it" {
	restarted containerd
}

@test "kubelet is restarted, and no container with it" {
	restarted kubelet
}

@test "the node loses its power: the data are there when it is back" {
	sql rw 'insert into words values ($$second$$)'
	timeout 300 "$TREE/hack/node" reset
	# It is not restarted: its pod ended with the node.
	k delete pod client --grace-period=0 --force >/dev/null 2>&1
	client
	eventually 240 sql_says rw 'select word from words order by word' $'first\nsecond'
	settled 240
	sql rw 'delete from words where word = $$second$$'
	eventually 30 sql_says ro 'select word from words' first
}

@test "it hibernates, and wakes with its data" {
	k scale database pair --replicas=0 >/dev/null
	gone() { [ -z "$(k get pods -l example.com/database=pair -o name)" ]; }
	eventually 90 gone
	k scale database pair --replicas=2 >/dev/null
	settled 240
	eventually 30 sql_says ro 'select word from words' first
}

@test "claims stay when it is deleted, serve the next of its name, and go when that is asked" {
	k delete database pair --timeout=90s >/dev/null
	[ "$(k get persistentvolumeclaims -o name | wc -l)" -eq 2 ]
	k apply -f "$TREE/manifests/samples/pair.yaml" >/dev/null
	settled 240
	eventually 30 sql_says rw 'select word from words' first
	database_patch '{"spec": {"deletionPolicy": "Delete"}}'
	settled 30
	k delete database pair --timeout=90s >/dev/null
	no_claims() { [ -z "$(k get persistentvolumeclaims -o name)" ]; }
	eventually 90 no_claims
}
