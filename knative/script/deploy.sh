#!/usr/bin/env bash
# make deploy: builds and deploys each function by func, brings the database up to date, and waits until all is Ready.
source "$(dirname "${BASH_SOURCE[0]}")/command.sh"

need kubectl "https://kubernetes.io/docs/tasks/tools/"
need minikube "https://minikube.sigs.k8s.io/docs/start/"
need func "https://knative.dev/docs/functions/install-func/"
use_cluster
WORK=.state/func

bash knative/script/secret.sh

# A Job cannot be changed, and its image may be another one: the last one goes. What it reads comes with it.
job() {
  local component=$1
  attempt "The last Jobs could not be removed: see above." \
    kubectl delete job --namespace "$NAMESPACE" --selector "app.kubernetes.io/component=$component" --ignore-not-found
  attempt "The cluster refused that: see above." \
    kubectl apply --kustomize knative/minikube --selector "app.kubernetes.io/component=$component"
  attempt "A Job of $component did not complete. Why: kubectl --context $PROFILE logs --selector app.kubernetes.io/component=$component --tail=20" \
    kubectl wait job --namespace "$NAMESPACE" --selector "app.kubernetes.io/component=$component" --for=condition=Complete --timeout=300s
}

is_open() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# func builds in the Docker inside the cluster's node, which pushes to its own port 5000, and reads that back from here.
open_registry() {
  [[ ${DRY_RUN:-} == 1 ]] && return
  local environment
  environment=$(minikube --profile "$PROFILE" docker-env --shell bash) ||
    fail "minikube does not lend its Docker: the cluster has another container runtime. Make it with make minikube."
  eval "$environment"
  ! is_open 5000 || fail "Port 5000 of this machine is taken (on macOS by the AirPlay Receiver): free it, then again."
  kubectl port-forward --namespace kube-system service/registry 5000:80 >/dev/null &
  for _ in {1..50}; do
    is_open 5000 && return
    sleep 0.2
  done
  fail "The registry of minikube does not answer: minikube addons enable registry --profile $PROFILE"
}

step "Images, built in the cluster's Docker"
open_registry
for name in "${FUNCTIONS[@]}" "$GATEWAY"; do
  # func writes into func.yaml what it did: into a copy, so that the work tree stays as it is.
  run mkdir -p "$WORK/$name"
  run cp -Rp "functions/$name/." "$WORK/$name/"
  attempt "$name was not built: see above. The builder's image is large; when its download was cut, run it again." \
    func build --path "$WORK/$name" --registry "$REGISTRY" --push </dev/null
done

step "Database and topics"
job database-role
job migration
job topic
job schema

step "Functions"
for name in "${FUNCTIONS[@]}"; do
  attempt "$name was not deployed. Why: kubectl --context $PROFILE describe kservice $name, and the log of its Pod." \
    func deploy --path "$WORK/$name" --registry "$REGISTRY" --namespace "$NAMESPACE" </dev/null
done

step "Gateway, broker and sources"
attempt "The cluster refused that: see above." \
  kubectl apply --kustomize knative/minikube
# The image has the same name as the last one.
run kubectl rollout restart "statefulset/$GATEWAY" --namespace "$NAMESPACE"
attempt "The gateway does not become ready. Why: kubectl --context $PROFILE logs $GATEWAY-0 --all-containers --tail=50" \
  kubectl rollout status "statefulset/$GATEWAY" --namespace "$NAMESPACE" --timeout=300s
for kind in broker kafkasink kafkasource pingsource ksvc; do
  attempt "Not every $kind is Ready. Why: kubectl --context $PROFILE describe $kind; docs/cluster.md lists causes by symptom." \
    kubectl wait "$kind" --namespace "$NAMESPACE" --all --for=condition=Ready --timeout=300s
done

address=$(ask kubectl get broker task-events --namespace "$NAMESPACE" -o 'jsonpath={.status.address.url}') ||
  address=http://kafka-broker-ingress.knative-eventing.svc.cluster.local/default/task-events
event="-H 'content-type: application/json' -H 'ce-specversion: 1.0' -H 'ce-id: 1' -H 'ce-source: /task-app' -H 'ce-type: task.created' \\
    -H 'ce-subject: t1' -H 'ce-partitionkey: t1' -d '{\"task_id\":\"t1\",\"user_id\":\"u1\",\"payload\":{\"title\":\"Buy milk\"}}'"
cat <<TEXT

Everything is Ready. The Broker is at

  $address

From here, with make forward running in another terminal:

  curl -i http://localhost:8080/default/task-events $event

From inside the cluster:

  kubectl --context $PROFILE run curl-\$RANDOM --rm -i --restart=Never --image=curlimages/curl -- -si $address $event
TEXT
