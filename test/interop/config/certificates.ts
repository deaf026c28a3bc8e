/**
 * A certificate authority of the test's own, made by openssl in a temporary folder.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Authority {
  /** The authority's certificate. */
  readonly file: string;
  /** A key and a certificate signed by it. */
  issue(name: string, subjectAltName?: string): { readonly cert: string; readonly key: string };
}

function openssl(args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

export function authority(folder: string, name: string): Authority {
  const file = join(folder, `${name}.crt`);
  const key = join(folder, `${name}.key`);
  openssl([
    'req',
    '-x509',
    ...NEW_KEY,
    '-keyout',
    key,
    '-out',
    file,
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
  ]);
  return {
    file,
    issue(subject, subjectAltName = 'IP:127.0.0.1,DNS:localhost') {
      const made = { cert: join(folder, `${subject}.crt`), key: join(folder, `${subject}.key`) };
      const request = join(folder, `${subject}.csr`);
      const extensions = join(folder, `${subject}.ext`);
      writeFileSync(extensions, `subjectAltName=${subjectAltName}\n`);
      openssl(['req', ...NEW_KEY, '-keyout', made.key, '-out', request, '-subj', `/CN=${subject}`]);
      openssl([
        ...['x509', '-req', '-in', request, '-CA', file, '-CAkey', key, '-CAcreateserial'],
        ...['-days', '2', '-extfile', extensions, '-out', made.cert],
      ]);
      return made;
    },
  };
}

/** A certificate that vouches for itself. */
export function selfSigned(folder: string, name: string): { cert: string; key: string } {
  const made = { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
  openssl([
    ...['req', '-x509', ...NEW_KEY, '-keyout', made.key, '-out', made.cert, '-days', '2'],
    ...['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'],
  ]);
  return made;
}
