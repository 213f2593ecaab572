import type { IncarnationHost } from '../../../runtime/index.js';

/** The same host, by which is also heard when the child says that it can serve. */
export function hearReady(host: IncarnationHost, onReady: () => void): IncarnationHost {
  const ready = (): void => {
    host.ready();
    onReady();
  };
  return new Proxy(host, {
    get: (target, name) => (name === 'ready' ? ready : memberOf(target, name)),
  });
}

/** Bound to the host itself, as its own fields are closed to a proxy. */
function memberOf(host: IncarnationHost, name: string | symbol): unknown {
  const member: unknown = Reflect.get(host, name);
  return typeof member === 'function' ? member.bind(host) : member;
}
