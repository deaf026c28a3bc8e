/**
 * What the interop suite asks of an adapter. A new one fills in `AdapterUnderTest` and calls
 * `describeAdapter`; the cases are the same for all.
 */
import type { ServerResponse } from 'node:http';
import type { Session, SessionManagerOptions, SessionVariables } from '../../../src/index.ts';

/** One request, as a route sees it: the adapter's own words behind common ones. */
export interface Visit {
  /** The adapter's `session` property, `null` to log out. */
  get session(): SessionVariables;
  set session(variables: SessionVariables | null);
  /** The adapter's `phpSession`. */
  readonly phpSession: Session;
  readonly query: URLSearchParams;
  /** Node's response, for the routes that answer by themselves. */
  readonly res: ServerResponse;
  /** Tells the framework that the route answers by itself. */
  answersItself(): void;
}

/** Answers with JSON, or throws. */
export type Route = (visit: Visit) => unknown;

export interface RunningAdapter {
  /** Without a slash at the end. */
  readonly url: string;
  close(): Promise<void>;
}

export interface AdapterUnderTest {
  readonly name: string;
  /** Serves each route under its path, behind the adapter with these options. */
  start(
    options: SessionManagerOptions,
    routes: Readonly<Record<string, Route>>,
  ): Promise<RunningAdapter>;
}
