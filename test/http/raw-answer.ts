import { connect } from 'node:net';

/** A response as it stood on the wire. */
export interface RawAnswer {
  /** Status lines of what came before, 100 and 103 say. */
  readonly before: readonly string[];
  readonly statusLine: string;
  /** As `name: value`, names in lower case, sorted. */
  readonly headers: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
}

/** Sends a request as it is and reads until the server closes. */
export function rawAnswers(url: string, request: string): Promise<RawAnswer[]> {
  const { port } = new URL(url);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(request, 'latin1'));
    socket.setTimeout(3_000, () => socket.destroy(new Error('the client waits for ever')));
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET') resolve(parse(Buffer.concat(chunks).toString('latin1')));
      else reject(error);
    });
    socket.on('end', () => socket.end());
    socket.on('close', () => resolve(parse(Buffer.concat(chunks).toString('latin1'))));
  });
}

function parse(text: string): RawAnswer[] {
  const answers: RawAnswer[] = [];
  let before: string[] = [];
  let rest = text;
  while (rest !== '') {
    const end = rest.indexOf('\r\n\r\n');
    if (end === -1) return [...answers, cut(before, rest)];
    const [statusLine = '', ...lines] = rest.slice(0, end).split('\r\n');
    rest = rest.slice(end + 4);
    if (/ 1\d\d /.test(statusLine)) {
      before.push([statusLine, ...lines].join(' | '));
      continue;
    }
    const headers = lines.map(lowerName).sort();
    const length = headers.find((line) => line.startsWith('content-length: '))?.slice(16);
    let body = rest;
    let trailers: string[] = [];
    const bodiless = / (204|304) /.test(statusLine);
    if (headers.includes('transfer-encoding: chunked') && !bodiless) {
      ({ body, trailers, rest } = dechunk(rest));
    } else if (bodiless) body = '';
    else if (length !== undefined) {
      body = rest.slice(0, Number(length));
      rest = rest.slice(body.length);
    } else rest = '';
    answers.push({ before, statusLine, headers, body, trailers });
    before = [];
    if (bodiless && rest !== '' && !rest.startsWith('HTTP/')) {
      throw new Error(`a body where none may be: ${rest}`);
    }
  }
  return answers;
}

function cut(before: string[], rest: string): RawAnswer {
  return { before, statusLine: rest, headers: [], body: '', trailers: [] };
}

function lowerName(line: string): string {
  const at = line.indexOf(':');
  return line.slice(0, at).toLowerCase() + line.slice(at);
}

function dechunk(text: string): { body: string; trailers: string[]; rest: string } {
  let body = '';
  let at = 0;
  for (;;) {
    const end = text.indexOf('\r\n', at);
    if (end === -1) return { body: `${body}…`, trailers: [], rest: '' };
    const size = Number.parseInt(text.slice(at, end), 16);
    at = end + 2;
    if (size === 0) break;
    body += text.slice(at, at + size);
    at += size + 2;
  }
  const trailers: string[] = [];
  for (;;) {
    const end = text.indexOf('\r\n', at);
    if (end === -1 || end === at) return { body, trailers, rest: text.slice(at + 2) };
    trailers.push(lowerName(text.slice(at, end)));
    at = end + 2;
  }
}
