import type { SpawnHelper } from '../../../../src/children/process/helper/spawn-helper.js';
import type { ChildSpec, IncarnationHost } from '../../../../src/runtime/index.js';

/** The spec, whose every incarnation is started by the helper. */
export function helped<Spec extends ChildSpec>(spec: Spec, helper: () => SpawnHelper): Spec {
  return { ...spec, driver: { start: (host: IncarnationHost) => spec.driver.start(over(host, helper())) } };
}

function over(host: IncarnationHost, helper: SpawnHelper): IncarnationHost {
  const services = helper.over(host.services);
  return new Proxy(host, {
    get(target, name) {
      if (name === 'services') return services;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
