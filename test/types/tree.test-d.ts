import {
  type Child,
  type ChildContext,
  type ChildSpec,
  command,
  dynamic,
  entry,
  fork,
  remote,
  Supervisor,
  type SupervisorSpec,
  supervise,
  supervisor,
  task,
  thread,
} from 'treewarden';
import { classChild, withContainer } from 'treewarden/tsyringe';
import { container } from 'tsyringe';

/** Compiles only where both are the same type. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const isTrue = <_ extends true>(): void => undefined;

interface HashApi {
  hash(bytes: Uint8Array, rounds?: number): Promise<string>;
  readonly version: number;
}

const here = new URL('hash.js', import.meta.url);
const run = async (): Promise<void> => undefined;

const shop = supervisor('shop', {
  strategy: 'rest_for_one',
  children: [
    task('rates', run),
    supervisor('workers', {
      children: [
        fork('resize', here),
        thread('hash', entry<HashApi>(here)),
        supervisor('helpers', { children: [command('redis', 'redis-server', ['--port', '6400'])] }),
      ],
    }),
    dynamic('imports', (file: string, priority: number) => task(`import-${file}-${priority}`, run)),
  ],
});

// --- Paths ---------------------------------------------------------------------------------------------------------------------------

const app = await supervise(shop);
const root = await new Supervisor(shop).start();

app.child('rates');
app.child('workers');
app.child('workers/hash');
app.child('workers/helpers/redis');
app.child('imports');
root.child('workers/helpers');

// @ts-expect-error no such child
app.child('rate');
// @ts-expect-error a child of another supervisor
app.child('hash');
// @ts-expect-error the root is not part of its own paths
app.child('shop/rates');
// @ts-expect-error no such child two levels down
app.child('workers/hasch');
// @ts-expect-error no such child three levels down
app.child('workers/helpers/postgres');
// @ts-expect-error a worker has nothing below it
app.child('rates/hash');
// @ts-expect-error nor has a path an empty part
app.child('workers/');
// @ts-expect-error the same holds for the Supervisor itself
root.child('workers/hasch');

// --- Children know their spec --------------------------------------------------------------------------------------------------------

isTrue<Same<(typeof shop)['id'], 'shop'>>();
const rates = app.child('rates');
isTrue<Same<typeof rates, Child<ChildSpec<'rates'>>>>();
isTrue<Same<ReturnType<typeof app.child<'workers/hash'>>['spec']['id'], 'hash'>>();
isTrue<Same<ReturnType<typeof app.child<'workers/helpers/redis'>>['spec']['id'], 'redis'>>();

// A branch's own supervisor knows what is below it.
const workers = app.child('workers').supervisor;
workers?.child('helpers/redis');
// @ts-expect-error no such child below workers
workers?.child('rates');
isTrue<Same<typeof rates.supervisor, undefined>>();

// --- What a child exposes ------------------------------------------------------------------------------------------------------------

const hash = app.child('workers/hash');
isTrue<Same<ReturnType<typeof hash.call<'hash'>>, Promise<string>>>();
hash.call('hash', [new Uint8Array(8)]);
hash.call('hash', [new Uint8Array(8), 3], { timeoutMs: 5 });
// @ts-expect-error no such function
hash.call('digest', []);
// @ts-expect-error not a string
hash.call('hash', ['text']);
// @ts-expect-error an argument is missing
hash.call('hash', []);
// @ts-expect-error the rounds are a number
hash.cast('hash', [new Uint8Array(8), '3']);

// Without a type for the entry, any call compiles, and its answer is unknown.
const resize = app.child('workers/resize');
isTrue<Same<Awaited<ReturnType<typeof resize.call<'anything'>>>, unknown>>();

// --- Instances of a template ---------------------------------------------------------------------------------------------------------

const imports = app.child('imports').supervisor;
imports?.startChild('a.csv', 1);
// @ts-expect-error the template takes a number, too
imports?.startChild('a.csv');
// @ts-expect-error in this order
imports?.startChild(1, 'a.csv');
// Instances have ids that the compiler cannot know, so any path compiles.
imports?.child('import-a.csv-1-1');

const jobs = new Supervisor(dynamic('jobs', task('job', run)));
jobs.startChild();
// @ts-expect-error a spec as template takes no arguments
jobs.startChild('a.csv');

// Any other supervisor is given a spec.
root.startChild(task('late', run));
// @ts-expect-error and nothing else
root.startChild('late');

// --- Trees that the compiler does not know ---------------------------------------------------------------------------------------------

const ids: readonly string[] = ['a', 'b'];
const list = new Supervisor(supervisor('list', { children: ids.map((id) => task(id, run)) }));
list.child('a/b/c').status;
declare const given: SupervisorSpec;
new Supervisor(given).child('anything');

// --- Settings ------------------------------------------------------------------------------------------------------------------------

// @ts-expect-error a typing error in a setting
task('a', run, { restrat: 'transient' });
// @ts-expect-error a value that is not one of them
task('a', run, { restart: 'always' });
// @ts-expect-error durations are numbers
task('a', run, { drainMs: '5s' });
// @ts-expect-error a typing error in a supervisor's policy
supervisor('a', { stratgy: 'one_for_all' });
// @ts-expect-error a strategy in OTP's spelling only
supervisor('a', { strategy: 'oneForAll' });
// @ts-expect-error a command has no restart window
command('a', 'true', [], { intensity: 3 });
// @ts-expect-error a supervisor's readiness is that of its children
supervisor('a', { ready: 'explicit' });
// @ts-expect-error a dynamic supervisor is one_for_one
dynamic('a', task('b', run), { strategy: 'rest_for_one' });
// @ts-expect-error a typing error in an option of the program
void supervise(shop, { graceMS: 5 });
// @ts-expect-error a child is a spec
supervisor('a', { children: [run] });

// --- A lone child, and classes -------------------------------------------------------------------------------------------------------

const lone = await supervise(task('mail', run));
lone.child('mail');
// @ts-expect-error no such child
lone.child('male');

class Mailer {
  async run(ctx: ChildContext): Promise<void> {
    ctx.heartbeat();
  }
}
class Idle {
  readonly name = 'idle';
}
const composed = await supervise(
  supervisor('composed', { children: [classChild('mailer', Mailer), classChild('other', 'TOKEN')] }),
);
composed.child('mailer');
// @ts-expect-error no such child
composed.child('mailers');
// @ts-expect-error a class without run
classChild('idle', Idle);
// @ts-expect-error a typing error in a setting
classChild('mailer', Mailer, { restrat: 'transient' });

const program = withContainer(container, { graceMs: 5000 });
await supervise(shop, program);
// @ts-expect-error a typing error in an option of the program
withContainer(container, { graceMS: 5 });

// --- remote() ------------------------------------------------------------------------------------------------------------------------

const far = remote(app.child('workers/hash'));
isTrue<Same<ReturnType<typeof far.hash>, Promise<string>>>();
// @ts-expect-error what is no function is not called
far.version;
// @ts-expect-error not a string
far.hash('text');
