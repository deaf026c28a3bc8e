#!/bin/sh
REDISCLI_AUTH=$(cat /run/demo/redis-password) redis-cli --user demo ping | grep -q PONG
