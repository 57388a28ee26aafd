# One image for every role: `serve --role web`, `serve --role worker`, `migrate`, or any other command.

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY jobs ./jobs
COPY emails ./emails
COPY templates ./templates
COPY samples ./samples
# Leaves dist/ laid out like the checkout (src, jobs, emails, templates, samples), so that a path relative to a
# source file is the same in both.
RUN npm run build

FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev && npm cache clean --force

FROM node:24-slim
ENV NODE_ENV=production DATA_DIR=/data HOST=0.0.0.0 PORT=3000
# What lives needs 50 MB; without limits, garbage lies about for as long as the machine has memory.
ENV NODE_OPTIONS="--max-old-space-size=128 --max-semi-space-size=4"
WORKDIR /app
# A named volume takes its owner from the directory it covers.
RUN mkdir /data && chown node:node /data
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
