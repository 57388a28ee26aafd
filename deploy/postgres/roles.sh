#!/usr/bin/env bash
# Run by the image of PostgreSQL when it makes its database, and by hand in one that is there already:
#
#   docker compose exec postgres bash /docker-entrypoint-initdb.d/roles.sh
set -euo pipefail

: "${POSTGRES_OWNER_PASSWORD:?set POSTGRES_OWNER_PASSWORD in .env}"
: "${POSTGRES_WORKER_PASSWORD:?set POSTGRES_WORKER_PASSWORD in .env}"
psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --no-psqlrc --file="${ROLES_SQL:-/etc/weekly-verdict/roles.sql}"
