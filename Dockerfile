# One image for every role: `serve --role web`, `serve --role worker`, `migrate`, or any other command.

# A tag moves, a digest does not: NODE_IMAGE=node:24-slim@sha256:… builds on the same bytes every time. See
# "Pinned images" in docs/operating.md.
ARG NODE_IMAGE=node:24-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
# No script of a package runs while the image is built: none of ours needs one.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY jobs ./jobs
COPY emails ./emails
COPY templates ./templates
COPY samples ./samples
# Leaves dist/ laid out like the checkout (src, jobs, emails, templates, samples), so that a path relative to a
# source file is the same in both.
RUN npm run build

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force

FROM ${NODE_IMAGE}
ENV NODE_ENV=production DATA_DIR=/data HOST=0.0.0.0 PORT=3000
# What lives needs 50 MB; without limits, garbage lies about for as long as the machine has memory.
ENV NODE_OPTIONS="--max-old-space-size=128 --max-semi-space-size=4"
WORKDIR /app
# What nobody needs who only runs the program, and what an attacker would reach for first. A named volume takes its
# owner and its mode from the directory it covers.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn* \
  && mkdir -m 700 /data && chown node:node /data
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json LICENSE ./
USER node
VOLUME /data
EXPOSE 3000
# /healthz is answered by every role of `serve`.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=4 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node handles SIGTERM itself (drain, then exit); reaping is for `init: true` in the Compose file.
ENTRYPOINT ["node", "dist/src/main.js"]
CMD ["serve"]
