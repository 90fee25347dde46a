#!/usr/bin/env bash
# Copies the database every night and deletes copies that are older than two weeks.
set -euo pipefail

target=/backups/$(date +%F)

dump() {
  pg_dump --format=custom parcels > "$target.partial"
  mv "$target.partial" "$target"
}

prune() {
  find /backups -type f -mtime +14 -delete
}

dump
prune
