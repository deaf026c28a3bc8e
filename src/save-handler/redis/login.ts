/**
 * Who we are to a Redis server: what the save path says, or what a function of the application says
 * anew for every connection (tokens that expire, passwords that rotate).
 */
import { StoreError } from '../../errors.ts';
import type { RedisAuth } from './save-path-parameters.ts';

/** What `credentials` answers: what AUTH is sent with. */
export interface RedisCredentials {
  /** A user of Redis 6 or newer; without one, the password alone is sent. */
  readonly username?: string | undefined;
  readonly password: string;
}

/**
 * @param address the server: `host:port`, or the path of its socket
 */
export type CredentialsFunction = (address: string) => RedisCredentials | Promise<RedisCredentials>;

/** From the save path, from a function, or none at all. */
export type Login = RedisAuth | CredentialsFunction | undefined;

/**
 * The arguments of AUTH; none if there is nobody to log in.
 * @throws StoreError `ERR_PSB_STORE_AUTH` if the function fails. Its own message is left out: it
 * may hold the secret.
 */
export async function authArguments(login: Login, address: string): Promise<readonly string[]> {
  if (login === undefined) return [];
  if (typeof login !== 'function') return withUser(login.user, login.password);
  const { username, password } = await ask(login, address);
  return withUser(username === '' ? undefined : username, password);
}

function withUser(user: string | undefined, password: string): readonly string[] {
  return user === undefined ? [password] : [user, password];
}

async function ask(credentials: CredentialsFunction, address: string): Promise<RedisCredentials> {
  let given: unknown;
  try {
    given = await credentials(address);
  } catch (error) {
    throw refused(address, 'failed', error);
  }
  if (!isCredentials(given)) throw refused(address, 'did not give { username?, password } as text');
  return given;
}

function isCredentials(given: unknown): given is RedisCredentials {
  const { username, password } = (given ?? {}) as Partial<Record<keyof RedisCredentials, unknown>>;
  return typeof password === 'string' && (username === undefined || typeof username === 'string');
}

function refused(address: string, what: string, error?: unknown): StoreError {
  const cause = error === undefined ? undefined : withoutMessage(error);
  const name = cause === undefined ? '' : ` (${cause.message})`;
  return new StoreError(
    'ERR_PSB_STORE_AUTH',
    `the credentials function for Redis at ${address} ${what}${name}`,
    { cause },
  );
}

/** Names and codes are words to look up; an error of the application's may say anything else. */
function withoutMessage(error: unknown): Error {
  const { name, code } = (error instanceof Error ? error : {}) as {
    name?: unknown;
    code?: unknown;
  };
  const words = [name, code].filter((word) => typeof word === 'string' && /^\w{1,64}$/.test(word));
  const cause = new Error(words.join(' ') || 'Error');
  // Its stack would be ours, which says nothing of where it failed.
  delete cause.stack;
  return cause;
}
