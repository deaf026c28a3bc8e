#!/bin/sh
# php.ini takes the password from the environment.
set -eu
REDIS_PASSWORD=$(cat "$REDIS_PASSWORD_FILE")
export REDIS_PASSWORD
exec php-fpm --nodaemonize --fpm-config /usr/local/etc/php-fpm.conf
