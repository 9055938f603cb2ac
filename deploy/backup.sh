#!/bin/sh
# One backup with the moment in its name; those older than VEJVISER_BACKUP_DAYS go. They hold telephone numbers: keep the
# folder encrypted, and take a copy of it to another place.
set -eu
folder=${VEJVISER_BACKUPS:?}
python -m bot backup "$folder/vejviser-$(date -u +%Y%m%dT%H%M%SZ).zip"
find "$folder" -name 'vejviser-*.zip' -mtime "+${VEJVISER_BACKUP_DAYS:?}" -delete
