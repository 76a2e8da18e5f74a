# What the scripts share: how a command is run, and what is said when it cannot. Sourced by them, never run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

PROFILE=${MINIKUBE_PROFILE:-knative}
NAMESPACE=default
# The topic-reading groups of gateway replicas, and the Pods they are named after.
GATEWAY=websocket-gateway
REGISTRY=localhost:5000/task-events
FUNCTIONS=(audit-log notification recurring-task)

fail() {
  printf '%s\n' "$*" >&2
  exit 2
}

step() {
  printf '\n%s\n' "$*"
}

# DRY_RUN=1 prints the commands in place of running them.
run() {
  if [[ ${DRY_RUN:-} == 1 ]]; then
    printf '%s\n' "$*"
  else
    "$@"
  fi
}

# attempt <what to do when it fails> <command…>
attempt() {
  local advice=$1
  shift
  run "$@" || fail "$advice"
}

# A question to the cluster: its answer decides what is run. A dry run takes it that nothing is there yet.
ask() {
  [[ ${DRY_RUN:-} != 1 ]] && "$@" 2>/dev/null
}

need() {
  [[ ${DRY_RUN:-} == 1 ]] || command -v "$1" >/dev/null || fail "$1 is missing. $2"
}

# Everything after this speaks to the profile's cluster alone, whatever the shell's own context is.
use_cluster() {
  [[ ${DRY_RUN:-} == 1 ]] && return
  local own
  own=$(mktemp)
  # shellcheck disable=SC2064 # The file of now.
  trap "rm -f '$own'; kill \$(jobs -p) 2>/dev/null || true" EXIT
  kubectl --context "$PROFILE" config view --minify --flatten --raw >"$own" 2>/dev/null ||
    fail "There is no cluster $PROFILE. Make it: make minikube"
  export KUBECONFIG=$own
  kubectl get namespace "$NAMESPACE" --request-timeout=15s >/dev/null 2>&1 ||
    fail "The cluster $PROFILE does not answer. Start it: minikube start --profile $PROFILE"
}
