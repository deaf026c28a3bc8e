/**
 * What went wrong with a command, from what clients and servers say. The texts are theirs: of
 * ioredis 5.11 and 6.0, node-redis 5.12 and 6.3, and Redis 6.2 to 7.4.
 */
import { describe, expect, test } from 'vitest';
import { READ, TOUCH, WRITE } from '../../../src/save-handler/redis/scripts.ts';
import {
  blamesConnection,
  type CommandContext,
  isRefusal,
  toStoreError,
} from '../../../src/save-handler/redis/store-error.ts';

const codeOf = (text: string, context: Partial<CommandContext> = {}, code?: string): string =>
  toStoreError(Object.assign(new Error(text), code === undefined ? {} : { code }), {
    address: 'h:1',
    command: WRITE,
    ...context,
  }).code;

const UNKNOWN = 'ERR_PSB_STORE_UNKNOWN_OUTCOME';
const UNREACHABLE = 'ERR_PSB_STORE_UNREACHABLE';
const TIMEOUT = 'ERR_PSB_STORE_TIMEOUT';

describe('a command that got no answer', () => {
  test.each(['GET', 'GETEX', 'EXISTS', 'PTTL', READ, TOUCH])('%o reads: a time-out', (command) => {
    expect(codeOf('Command timed out', { command })).toBe(TIMEOUT);
    expect(codeOf('Connection is closed.', { command })).toBe(UNREACHABLE);
  });

  // PEXPIRE is also how an id that was given up ends soon.
  test.each(['SET', 'DEL', 'PEXPIRE', WRITE])('%o may have happened', (command) => {
    expect(codeOf('Command timed out', { command })).toBe(UNKNOWN);
    expect(codeOf('Connection is closed.', { command })).toBe(UNKNOWN);
    expect(codeOf('read ECONNRESET', { command }, 'ECONNRESET')).toBe(UNKNOWN);
  });

  test.each([
    "Stream isn't writeable and enableOfflineQueue options is false",
    "Cluster isn't ready and enableOfflineQueue options is false",
    'Cluster is ended.',
    'None of startup nodes is available',
    'Too many Cluster redirections. Last error: ReplyError: MOVED 1 127.0.0.1:7001',
    'All keys in the pipeline should belong to the same slots allocation group',
    'All the keys in a pipeline command should belong to the same slot group',
    'Connection in subscriber mode, only subscriber commands may be used',
    "Connection is in monitoring mode, can't process commands.",
    'The client is closed',
    'The client is offline',
    'The queue is full',
    'The command was aborted',
    'Timeout waiting for a client after 3000ms',
    'Command timeout during maintenance. Waited to write command for more than 10ms.',
    'All the root nodes are unavailable',
    'Cannot find node 127.0.0.1:7001',
    'Too many Cluster redirections',
  ])('was not sent: %s', (text) => {
    expect(codeOf(text)).toBe(UNREACHABLE);
    // Unless the client may have sent it before.
    expect(codeOf(text, { resent: true })).toBe(UNKNOWN);
  });

  test.each([
    'Command aborted due to connection close',
    'Reached the max retries per request limit (which is 0).',
    "Socket timeout. Expecting data, but didn't receive any in 5ms.",
    'Socket closed unexpectedly',
    'Disconnects client',
    'Cluster is disconnecting.',
    '',
  ])('may have been sent: %j', (text) => {
    expect(codeOf(text)).toBe(UNKNOWN);
    expect(codeOf(text, { unsent: true })).not.toBe(UNKNOWN);
  });
});

describe('what a server says of the connection', () => {
  const script = "-READONLY You can't write against a read only replica.";
  test.each([
    "READONLY You can't write against a read only replica.",
    "READONLY You can't write against a read only replica. script: 5d, on @user_script:4.",
    `ERR Error running script (call to f_5d): @user_script:4: @user_script: 4: ${script}`,
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    'LOADING Redis is loading the dataset in memory',
    'NOAUTH Authentication required.',
    'WRONGPASS invalid username-password pair or user is disabled.',
  ])('%s', (text) => {
    expect(blamesConnection(new Error(text))).toBe(true);
  });

  test.each([
    "NOPERM this user has no permissions to run the 'del' command",
    "OOM command not allowed when used memory > 'maxmemory'.",
    'WRONGTYPE Operation against a key holding the wrong kind of value',
    'BUSY Redis is busy running a script.',
    'NOSCRIPT No matching script.',
    'CLUSTERDOWN The cluster is down',
    'MISCONF Errors writing to the AOF file: LOADING',
    'Connection is closed.',
  ])('not of the connection: %s', (text) => {
    expect(blamesConnection(new Error(text))).toBe(false);
  });

  test.each([
    ["NOPERM this user has no permissions to run the 'del' command", true],
    [`ERR Error running script (call to f_5d): @user_script:9: @user_script: 9: -NOPERM x`, true],
    ["ERR The user executing the script can't run this command or subcommand", true],
    ['NOAUTH Authentication required.', false],
  ])('%s is a refusal of the ACL: %s', (text, expected) => {
    expect(isRefusal(new Error(text))).toBe(expected);
  });
});
