#!/usr/bin/env bash
# make undeploy: takes away what make deploy brought. Topics, database and Secrets stay, unless DATA=delete.
source "$(dirname "${BASH_SOURCE[0]}")/command.sh"
need kubectl "https://kubernetes.io/docs/tasks/tools/"
use_cluster

remove() {
  attempt "Not everything could be removed: see above, then again." \
    kubectl delete --kustomize knative/minikube --selector "$1" --ignore-not-found --timeout=180s
}

# Kafka keeps a member that was killed for a session timeout, and refuses until then.
remove_group() {
  for _ in {1..6}; do
    run kubectl exec statefulset/kafka --namespace "$NAMESPACE" --container redpanda -- rpk group delete "$1" && return
    sleep "${RETRY_SECONDS:-5}"
  done
  fail "The consumer group $1 could not be removed: see above, then again."
}

step "Sources first: they would write dead letters when their functions are gone"
remove 'app.kubernetes.io/component in (schedule, source)'

step "Functions and gateway"
attempt "The functions could not be removed: see above, then again." \
  kubectl delete ksvc --namespace "$NAMESPACE" --ignore-not-found --timeout=180s "${FUNCTIONS[@]}"
remove 'app.kubernetes.io/component notin (store, database-role, backup)'

step "Consumer groups of gateway replicas that do not run"
run kubectl wait pod --namespace "$NAMESPACE" --selector "app.kubernetes.io/name=$GATEWAY" --for=delete --timeout=120s
running=$(ask kubectl get pods --namespace "$NAMESPACE" -o name || true)
groups=$(ask kubectl exec statefulset/kafka --namespace "$NAMESPACE" --container redpanda -- rpk group list || true)
for group in $(grep --only-matching --extended-regexp "\\b$GATEWAY-[0-9]+\\b" <<<"$groups" || true); do
  grep --quiet --line-regexp "pod/$group" <<<"$running" || remove_group "$group"
done

if [[ ${DATA:-keep} == delete ]]; then
  step "Data and Secrets"
  remove 'app.kubernetes.io/part-of=task-events'
  run kubectl delete pvc,secret --namespace "$NAMESPACE" --selector app.kubernetes.io/part-of=task-events --ignore-not-found
else
  step "Topics, database and Secrets are kept; DATA=delete make undeploy removes them, minikube delete --profile $PROFILE the cluster."
fi
