#!/bin/sh
# Redis with its password from the environment: on a command line every process of the machine could read it. What it
# holds may all be lost (whose turn it is, rates, locks), so nothing is written to disk.
set -eu
: "${REDISCLI_AUTH:?is the password}"
exec redis-server - <<END
bind ${REDIS_BIND:?}
port ${REDIS_PORT:?}
requirepass ${REDISCLI_AUTH}
save ""
appendonly no
maxmemory 256mb
maxmemory-policy noeviction
END
