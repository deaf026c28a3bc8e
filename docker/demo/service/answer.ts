import type { DemoSettings } from './settings.ts';

/** What every service answers about the visitor: the PHP services have the same fields. */
export function answer(variables: Readonly<Record<string, unknown>>, settings: DemoSettings) {
  const { userid, username = null, cart = [], visits = 0 } = variables;
  return {
    service: 'node',
    language: `Node ${process.versions.node}`,
    handler: settings.handler,
    instance: settings.instance,
    user: userid ? { userid, username } : null,
    cart,
    visits,
  };
}
