import { expect, it } from 'vitest';
import { keyCommands } from '../../docker/demo/service/page-commands.ts';

const value = (bytes: Buffer | undefined): string | undefined => bytes?.toString('latin1');

it('knows what the commands of PHP and of the bridge do to a session', () => {
  const cases: [string[], object[]][] = [
    [['SETEX', 'k', '1440', 'a'], [{ kind: 'write', command: 'SETEX', key: 'k', ttl: 1440 }]],
    [['set', 'k', 'a', 'PX', '1440000'], [{ kind: 'write', command: 'SET', key: 'k', ttl: 1440 }]],
    [['SET', 'k', 'a', 'NX', 'EX', '7'], [{ kind: 'write', command: 'SET', key: 'k', ttl: 7 }]],
    [['PSETEX', 'k', '7000', 'a'], [{ kind: 'write', command: 'PSETEX', key: 'k', ttl: 7 }]],
    [['EXPIRE', 'k', '60'], [{ kind: 'touch', command: 'EXPIRE', key: 'k', ttl: 60 }]],
    [['PEXPIRE', 'k', '60000'], [{ kind: 'touch', command: 'PEXPIRE', key: 'k', ttl: 60 }]],
    [['GETEX', 'k', 'EX', '60'], [{ kind: 'touch', command: 'GETEX', key: 'k', ttl: 60 }]],
    [['GETEX', 'k'], []],
    [['GET', 'k'], []],
    [['EXISTS', 'k'], []],
    [
      ['DEL', 'k', 'l'],
      [
        { kind: 'destroy', command: 'DEL', key: 'k' },
        { kind: 'destroy', command: 'DEL', key: 'l' },
      ],
    ],
  ];
  for (const [args, expected] of cases) {
    expect(keyCommands(args).map(({ bytes: _, ...rest }) => rest)).toEqual(expected);
  }
});

it('takes the bytes back out of what MONITOR escaped', () => {
  const [write] = keyCommands([
    'SETEX',
    'k',
    '9',
    'a|s:9:\\"\\xed\\x99\\x8d\\";\\\\x41\\n\\x00\\\\',
  ]);
  expect(value(write?.bytes)).toBe('a|s:9:"\xed\x99\x8d";\\x41\n\0\\');
});
