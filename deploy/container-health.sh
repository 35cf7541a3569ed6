#!/usr/bin/env bash
# container-health.sh PORT PATH - ends with 0 when http://127.0.0.1:PORT/PATH answers 200. Needs nothing but bash.
set -euo pipefail
exec 3<>"/dev/tcp/127.0.0.1/$1"
printf 'GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$2" >&3
read -r -t 3 _ status _ <&3
[ "$status" = 200 ]
