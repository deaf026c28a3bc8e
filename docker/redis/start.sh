#!/bin/sh
# Starts Redis with a password that it makes itself, so that there is none in any file of the repository.
set -eu
password=/run/demo/redis-password
if [ ! -s "$password" ]; then
  (umask 333 && head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >"$password")
  chmod 444 "$password"
fi
cat >/tmp/redis.conf <<END
appendonly yes
maxmemory-policy noeviction
user demo on >$(cat "$password") ~* &* +@all
# The source documents' handler knows no password. It may do just what it does, and only below session:.
user default on nopass ~session:* -@all +get +setex +del +ping
END
chmod 644 /tmp/redis.conf
exec docker-entrypoint.sh redis-server /tmp/redis.conf
