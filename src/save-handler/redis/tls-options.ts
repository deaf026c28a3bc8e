/**
 * TLS as the save path says it: `stream[…]` holds PHP's ssl context options, which are checked
 * here as PHP checks them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ConnectionOptions,
  checkServerIdentity,
  type PeerCertificate,
  type TLSSocket,
} from 'node:tls';
import { SavePathError } from '../../errors.ts';
import type { StreamOptions } from './save-path-parameters.ts';

/** PHP: `0` and the empty text are false; every other text is true, `false` as well. */
function isTrue(option: string | undefined, fallback: boolean): boolean {
  return option === undefined ? fallback : option !== '' && option !== '0';
}

/**
 * Options for Node's TLS. Files are read here and so anew for every connection: a certificate that
 * was renewed is taken with the next one.
 *
 * @param host as the save path or the cluster names it
 * @throws SavePathError for a file that cannot be read, and for a check that Node cannot do
 */
export function tlsOptions(stream: StreamOptions, host: string): ConnectionOptions {
  if (stream['peer_fingerprint'] !== undefined) {
    // To go on without a check that was asked for would be worse than to refuse.
    throw new SavePathError('stream[peer_fingerprint] is not supported; use stream[cafile]');
  }
  const { cafile, capath, local_cert: certificate, passphrase, ciphers } = stream;
  const key = stream['local_pk'] ?? certificate;
  const peerName = stream['peer_name'];
  const ca = authorities(cafile, capath);
  const options: ConnectionOptions = {
    // What PHP accepts beyond Node's own check is looked at by assertPeer().
    rejectUnauthorized:
      isTrue(stream['verify_peer'], true) && !isTrue(stream['allow_self_signed'], false),
  };
  if (ca !== undefined) options.ca = ca;
  if (certificate !== undefined) options.cert = read('local_cert', certificate);
  if (key !== undefined) options.key = read('local_pk', key);
  if (passphrase !== undefined) options.passphrase = passphrase;
  if (ciphers !== undefined) options.ciphers = ciphers;
  if (!isTrue(stream['verify_peer_name'], true)) {
    options.checkServerIdentity = () => undefined;
  } else if (peerName !== undefined) {
    options.checkServerIdentity = (_host, certificate) =>
      checkServerIdentity(peerName, certificate);
  }
  // PHP sends the name as SNI, by which a proxy finds the server; Node does so only if told.
  const serverName = peerName ?? host;
  if (isTrue(stream['SNI_enabled'], true) && !isAddress(serverName)) {
    options.servername = serverName;
  }
  return options;
}

/**
 * PHP's rules where they are wider than Node's: `allow_self_signed` accepts a certificate that
 * signed itself and nothing else, and without `verify_peer` the name is checked all the same.
 */
export function assertPeer(socket: TLSSocket, stream: StreamOptions, host: string): void {
  const error = socket.authorizationError as Error | string | null | undefined;
  const code = String((error as { code?: unknown } | null)?.code ?? error ?? '');
  if (isTrue(stream['verify_peer'], true) && code !== '') {
    const forgiven =
      isTrue(stream['allow_self_signed'], false) && code === 'DEPTH_ZERO_SELF_SIGNED_CERT';
    if (!forgiven) throw Object.assign(new Error('certificate refused'), { code });
  }
  if (!isTrue(stream['verify_peer_name'], true)) return;
  const certificate: PeerCertificate = socket.getPeerCertificate();
  const mismatch = checkServerIdentity(stream['peer_name'] ?? host, certificate);
  if (mismatch !== undefined) throw mismatch;
}

function authorities(file: string | undefined, folder: string | undefined): Buffer[] | undefined {
  if (file === undefined && folder === undefined) return undefined;
  const found = file === undefined ? [] : [read('cafile', file)];
  if (folder !== undefined) {
    try {
      const names = readdirSync(folder, { withFileTypes: true }).filter(
        (entry) => !entry.isDirectory(),
      );
      for (const { name } of names) found.push(readFileSync(join(folder, name)));
    } catch (cause) {
      throw new SavePathError(`stream[capath]: cannot read ${folder}`, { cause });
    }
  }
  return found;
}

function read(option: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new SavePathError(`stream[${option}]: cannot read ${file}`, { cause });
  }
}

function isAddress(name: string): boolean {
  return /^[\d.]+$/.test(name) || name.includes(':');
}
