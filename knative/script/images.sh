#!/usr/bin/env bash
# make images: builds the image of each function and of the operator's command, pushes them, and prints the lines that name them by digest.
# Before command.sh, which has a registry of its own.
registry=${REGISTRY:-} tag=${TAG:-}
source "$(dirname "${BASH_SOURCE[0]}")/command.sh"

[[ -n $registry && -n $tag ]] ||
  fail "REGISTRY and TAG say where the images go: make images REGISTRY=registry.example.com/task-events TAG=0.1.0"
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
# PLATFORM=linux/amd64,linux/arm64 for more than this machine's own.
options=(--build-arg "VERSION=$tag" --build-arg "REVISION=$(git describe --always --abbrev=40 --dirty 2>/dev/null || echo unknown)")
[[ -z ${PLATFORM:-} ]] || options+=(--platform "$PLATFORM")

if [[ ${DRY_RUN:-} == 1 ]] || docker buildx version >/dev/null 2>&1; then
  engine=docker
elif command -v podman >/dev/null; then
  engine=podman
else
  fail "Neither docker with buildx nor podman is there: https://docs.docker.com/engine/install/, https://podman.io/docs/installation"
fi

# image <function> <name>: leaves a file that has its digest.
image() {
  local build=(build --build-arg "FUNCTION=$1" --tag "$2" "${options[@]}")
  if [[ $engine == docker ]]; then
    run docker buildx "${build[@]}" --metadata-file "$WORK/$1" --push .
  else
    run podman "${build[@]}" . && run podman push --digestfile "$WORK/$1" "$2"
  fi
}

step "Images, built by $engine and pushed to $registry"
for name in "${FUNCTIONS[@]}" "$GATEWAY" cli; do
  image "$name" "$registry/$name:$tag" ||
    fail "$name was not built or not pushed: see above. A login: $engine login ${registry%%/*}"
done

# docker writes JSON with more than one digest, podman this one alone.
digest_of() {
  grep --only-matching --extended-regexp '"containerimage\.digest": *"[^"]+"|^sha256:[0-9a-f]+$' "$WORK/$1" 2>/dev/null |
    grep --only-matching --extended-regexp 'sha256:[0-9a-f]+'
}

step "For images: of your overlay (knative/production/kustomization.yaml):"
for name in "${FUNCTIONS[@]}" "$GATEWAY" cli; do
  printf '  - name: dev.local/task-events/%s\n    newName: %s/%s\n' "$name" "$registry" "$name"
  if digest=$(digest_of "$name"); then printf '    digest: %s\n' "$digest"; else printf '    newTag: "%s"\n' "$tag"; fi
done
