#!/bin/sh
# Fills the hashes of the passwords into the users of redis-users.acl, and starts Redis as the image does. A user whose password is not
# set is left out.
set -eu
umask 022
users=/tmp/redis-users.acl
hash() { printf %s "$1" | sha256sum | cut -d ' ' -f 1; }
printf 'user default on #%s ~* &* +@all\n' "$(hash "$REDIS_PASSWORD")" >"$users"
while IFS= read -r line; do
    name=$(printf %s "$line" | cut -d ' ' -f 2 | tr '[:lower:]' '[:upper:]')
    eval "password=\${REDIS_${name}_PASSWORD:-}"
    [ -n "$password" ] || continue
    printf '%s\n' "$line" | sed "s/\${${name}}/$(hash "$password")/" >>"$users"
done </etc/redis-users.acl
exec docker-entrypoint.sh redis-server --aclfile "$users" "$@"
