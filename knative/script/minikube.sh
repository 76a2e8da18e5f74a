#!/usr/bin/env bash
# make minikube: a cluster with Knative, the Kafka parts of Eventing, Dapr, and the stores. Goes on where it was stopped.
source "$(dirname "${BASH_SOURCE[0]}")/command.sh"

# Eventing 1.22 refuses a Kubernetes before 1.34, which is newer than the quickstart's own default.
KUBERNETES=${KUBERNETES_VERSION:-1.34.0}
KNATIVE=1.22
KAFKA_BROKER_VERSION=1.22.3
DAPR=1.18.3
# The dispatchers alone ask for 1 CPU and 700 MiB each; the quickstart's own 3 CPUs and 3 GiB do not hold them.
CPUS=${CPUS:-6}
MEMORY=${MEMORY:-12g}
KAFKA_URL=https://github.com/knative-extensions/eventing-kafka-broker/releases/download/knative-v$KAFKA_BROKER_VERSION

need kubectl "https://kubernetes.io/docs/tasks/tools/"
need minikube "https://minikube.sigs.k8s.io/docs/start/"
need kn "https://knative.dev/docs/client/install-kn/, and its plugin quickstart"
need helm "https://helm.sh/docs/intro/install/"

is_made() { ask minikube profile list --output json | grep --quiet "\"Name\": *\"$PROFILE\""; }

if is_made; then
  step "The cluster $PROFILE is there."
  attempt "minikube could not start $PROFILE: see above, or begin anew after minikube delete --profile $PROFILE" \
    minikube start --profile "$PROFILE"
else
  step "Kubernetes $KUBERNETES with Knative (10 minutes)"
  # The quickstart waits for an Enter, which the empty input gives it. Images come from Docker inside the node.
  attempt "kn quickstart failed: see above. It needs its plugin ($KNATIVE) and minikube 1.35 or newer. Then: minikube delete --profile $PROFILE, and again." \
    kn quickstart minikube --name "$PROFILE" --kubernetes-version "$KUBERNETES" -- \
    --cpus "$CPUS" --memory "$MEMORY" --container-runtime docker </dev/null
fi
use_cluster

if [[ ${DRY_RUN:-} != 1 ]]; then
  version=$(kubectl get namespace knative-eventing -o 'jsonpath={.metadata.labels.app\.kubernetes\.io/version}' 2>/dev/null) ||
    fail "The cluster has no Knative: the quickstart stopped half way. Begin anew: minikube delete --profile $PROFILE; make minikube"
  [[ $version == "$KNATIVE".* ]] ||
    fail "Knative Eventing is $version, but the Kafka parts are $KAFKA_BROKER_VERSION: install kn-plugin-quickstart $KNATIVE, minikube delete --profile $PROFILE, and again."
fi

step "Images of the cluster's own registry are not looked up by the controller"
attempt "Knative Serving is not as expected: see above." \
  kubectl patch configmap config-deployment --namespace knative-serving --type merge \
  --patch '{"data":{"registries-skipping-tag-resolving":"kind.local,ko.local,dev.local,localhost:5000"}}'

step "Kafka sources, sinks and the Kafka Broker"
for part in controller source broker sink; do
  attempt "That release could not be fetched or applied: see above, then again." \
    kubectl apply --filename "$KAFKA_URL/eventing-kafka-$part.yaml"
done
attempt "A Kafka part does not become ready. Why: kubectl --context $PROFILE -n knative-eventing get pods; often CPUS and MEMORY are too small." \
  kubectl wait --namespace knative-eventing --for=condition=Available --timeout=600s \
  deployment/kafka-controller deployment/kafka-webhook-eventing deployment/kafka-broker-receiver deployment/kafka-sink-receiver

step "Dapr $DAPR"
attempt "Dapr could not be installed: see above, then again." \
  helm upgrade --install dapr dapr --repo https://dapr.github.io/helm-charts --version "$DAPR" \
  --namespace dapr-system --create-namespace --set dapr_sidecar_injector.sidecarDropALLCapabilities=true --wait --timeout 10m

step "Secrets, made here where they are missing"
bash knative/script/secret.sh

step "Redpanda, PostgreSQL and Redis"
attempt "The stores were refused: see above." \
  kubectl apply --kustomize knative/minikube --selector app.kubernetes.io/component=store
for store in statefulset/kafka statefulset/postgres statefulset/redis deployment/mail deployment/sms; do
  attempt "$store does not become ready. Why: kubectl --context $PROFILE describe $store, and its Pod's log." \
    kubectl rollout status "$store" --namespace "$NAMESPACE" --timeout=300s
done

step "The cluster is ready. Next: make deploy"
