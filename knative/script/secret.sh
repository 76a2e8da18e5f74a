#!/usr/bin/env bash
# Makes the Secrets of the minikube overlay, random and only where they are missing; nothing is written to a file.
source "$(dirname "${BASH_SOURCE[0]}")/command.sh"
use_cluster

random() { od -An -v -N32 -tx1 /dev/urandom | tr -d ' \n'; }
url() { printf 'postgres://%s:%s@postgres.default.svc:5432/task_events' "$1" "$2"; }
has() { ask kubectl get secret "$1" --namespace "$NAMESPACE" >/dev/null; }
password_of() {
  ask kubectl get secret database-roles --namespace "$NAMESPACE" \
    -o "go-template={{index .data \"$1\" | base64decode}}" || random
}

# make <name> <key=value…>: the values go by the pipe, not through the list of processes.
make() {
  local name=$1 pair
  shift
  if [[ ${DRY_RUN:-} == 1 ]]; then
    echo "kubectl create secret generic $name:" "${@%%=*}"
    return
  fi
  {
    printf 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\n  namespace: %s\n' "$name" "$NAMESPACE"
    printf '  labels:\n    app.kubernetes.io/name: %s\n    app.kubernetes.io/component: secret\n    app.kubernetes.io/part-of: task-events\nstringData:\n' "$name"
    for pair in "$@"; do printf '  %s: "%s"\n' "${pair%%=*}" "${pair#*=}"; done
  } | kubectl create --filename - || fail "The Secret $name could not be made: see above."
}

# One password for each role: the Job database-roles gives it to the role, the URLs below to who is that role.
if ! has database-roles; then
  pairs=()
  for role in audit audit_owner notification notification_owner recurring recurring_owner backup monitor; do
    pairs+=("$role=$(random)")
  done
  make database-roles "${pairs[@]}"
fi
if ! has database-admin; then
  password=$(random)
  make database-admin "password=$password" "url=$(url postgres "$password")"
fi
has database-backup || make database-backup "url=$(url backup "$(password_of backup)")"
for pair in audit-log:audit notification:notification recurring-task:recurring; do
  schema=${pair#*:}
  has "database-${pair%:*}" || make "database-${pair%:*}" \
    "url=$(url "$schema" "$(password_of "$schema")")" \
    "migrate-url=$(url "${schema}_owner" "$(password_of "${schema}_owner")")"
done

has token || make token "secret=$(random)"
has cursor || make cursor "keys=$(random)"
has service-token || make service-token "key=$(random)"
has smtp || make smtp "url=smtp://mail.default.svc:1025"
has sms || make sms "url=http://account:secret@sms.default.svc"
