// Composition with tsyringe: classes as children, each incarnation with instances of its own.
// The polyfill comes first, as tsyringe asks; every parameter names its token, as no metadata is needed then.
//
//   node --import tsx examples/04-dependency-injection.ts

import 'reflect-metadata';
import { type ChildContext, type Logger, supervise, supervisor } from 'treewarden';
import { CONTEXT, classChild, LOGGER, withContainer } from 'treewarden/tsyringe';
import { container, inject, injectable, singleton } from 'tsyringe';

@singleton()
class Orders {
  readonly waiting = ['tea', 'milk', 'a dropped one', 'bread'];
}

@injectable()
class Connection {
  constructor(@inject(CONTEXT) ctx: ChildContext) {
    console.log(`connection ${ctx.incarnation} opened`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    console.log('connection closed');
  }
}

@injectable()
class Packer {
  constructor(
    @inject(Orders) readonly orders: Orders,
    @inject(Connection) readonly connection: Connection,
    @inject(LOGGER) readonly log: Logger,
  ) {}

  async run(): Promise<void> {
    for (let order = this.orders.waiting.shift(); order !== undefined; order = this.orders.waiting.shift()) {
      if (order.includes('dropped')) throw new Error(`cannot pack ${order}`);
      this.log.info({ order }, `packed ${order}`);
    }
  }
}

const ignore = (): void => undefined;
container.registerInstance<Logger>(LOGGER, {
  debug: ignore,
  info: (_, message) => console.log(message),
  warn: ignore,
  error: ignore,
});

const shop = supervisor('shop', {
  autoShutdown: 'any_significant',
  children: [classChild('packer', Packer, { restart: 'transient', significant: true })],
});
const app = await supervise(shop, withContainer(container));
console.log((await app.done).type);
