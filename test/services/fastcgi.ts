import { connect } from 'node:net';

/** Where a FastCGI server listens. */
export interface FastCgiAddress {
  readonly host: string;
  readonly port: number;
}

export interface FastCgiAnswer {
  readonly stdout: Buffer;
  readonly stderr: string;
}

const BEGIN_REQUEST = 1;
const END_REQUEST = 3;
const PARAMS = 4;
const STDIN = 5;
const STDOUT = 6;
const STDERR = 7;

/**
 * One request over one connection, as the FastCGI specification 1.0 has it for the responder role.
 * It exists because a test that goes through nginx pays for a second program and cannot read PHP's
 * error stream.
 */
export function fastCgi(
  address: FastCgiAddress,
  params: Readonly<Record<string, string>>,
  body: Uint8Array = Buffer.alloc(0),
  timeout = 20_000,
): Promise<FastCgiAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect(address.port, address.host);
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let pending: Buffer = Buffer.alloc(0);
    let ended = false;
    socket.setTimeout(timeout, () => socket.destroy(new Error('PHP did not answer in time')));
    socket.once('error', reject);
    socket.once('close', () => {
      if (!ended) reject(new Error('PHP closed the connection before the end of its answer'));
    });
    socket.on('data', (chunk: Buffer) => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      while (pending.length >= 8) {
        const length = pending.readUInt16BE(4);
        const total = 8 + length + pending.readUInt8(6);
        if (pending.length < total) return;
        const content = pending.subarray(8, 8 + length);
        const type = pending.readUInt8(1);
        if (type === STDOUT) stdout.push(content);
        else if (type === STDERR) stderr.push(content);
        else if (type === END_REQUEST) {
          ended = true;
          socket.end();
          resolve({
            stdout: Buffer.concat(stdout),
            stderr: Buffer.concat(stderr).toString('utf8'),
          });
        }
        pending = pending.subarray(total);
      }
    });
    socket.write(
      Buffer.concat([
        // role 1 = responder, flags 0 = close the connection afterwards
        ...records(BEGIN_REQUEST, Buffer.from([0, 1, 0, 0, 0, 0, 0, 0])),
        ...records(PARAMS, Buffer.concat(Object.entries(params).map(nameValue))),
        ...records(PARAMS, Buffer.alloc(0)),
        ...(body.length > 0 ? records(STDIN, Buffer.from(body)) : []),
        ...records(STDIN, Buffer.alloc(0)),
      ]),
    );
  });
}

function records(type: number, content: Buffer): Buffer[] {
  const list: Buffer[] = [];
  let offset = 0;
  do {
    const part = content.subarray(offset, offset + 0xffff);
    list.push(Buffer.from([1, type, 0, 1, part.length >> 8, part.length & 0xff, 0, 0]), part);
    offset += part.length;
  } while (offset < content.length);
  return list;
}

function nameValue([name, value]: [string, string]): Buffer {
  // latin1, so that a cookie with bytes above 127 arrives as exactly those bytes
  const parts = [Buffer.from(name, 'latin1'), Buffer.from(value, 'latin1')];
  return Buffer.concat([...parts.map((part) => lengthOf(part)), ...parts]);
}

function lengthOf(part: Buffer): Buffer {
  if (part.length < 128) return Buffer.from([part.length]);
  const long = Buffer.alloc(4);
  // The top bit says that the length takes four bytes.
  long.writeUInt32BE(part.length + 0x80000000);
  return long;
}
