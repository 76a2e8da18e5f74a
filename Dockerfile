# syntax=docker/dockerfile:1
# The image of a function, or of the operator's command: --build-arg FUNCTION=audit-log, or =cli. All of them: make images.
ARG NODE=24.21.0-bookworm-slim

# Once, on the machine that builds: a bundle is the same on every platform.
FROM --platform=$BUILDPLATFORM node:${NODE} AS bundle
WORKDIR /source
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY rolldown.config.ts tsconfig.json ./
COPY cli ./cli
COPY functions ./functions
COPY lib ./lib
RUN npm exec -- rolldown -c rolldown.config.ts

FROM bundle AS chosen
ARG FUNCTION
RUN mv "functions/$FUNCTION/dist" dist 2>/dev/null || mv "$FUNCTION/dist" dist 2>/dev/null || \
    { echo "FUNCTION=$FUNCTION is neither a folder of functions/ nor cli." >&2; exit 1; }

# What V8 compiled, kept by the user and the Node that will look for it: a start takes three quarters of the CPU.
FROM node:${NODE} AS compiled
WORKDIR /function
ENV NODE_COMPILE_CACHE=/function/cache
COPY --from=chosen /source/dist ./dist
RUN mkdir -m 1777 cache
USER 65532:65532
RUN node --eval 'import("./dist/index.mjs").then(() => { require("module").flushCompileCache(); process.exit(); })' \
    && chmod -R a+rX cache/*

FROM node:${NODE}
ARG FUNCTION
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="$FUNCTION" \
      org.opencontainers.image.description="A part of Task Events" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production NODE_COMPILE_CACHE=/function/cache
WORKDIR /function
# Root's, whatever the builder's default: the user only reads them.
COPY --from=compiled --chown=0:0 /function ./
USER 65532:65532
EXPOSE 8080 9102
ENTRYPOINT ["node", "dist/index.mjs"]
