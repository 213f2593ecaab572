// Typed calls to a thread: the compiler knows what hash.ts exposes, and a call is settled whatever becomes of the thread.
//
//   node --import tsx examples/05-typed-calls/main.ts

import { CallError, entry, supervise, supervisor, thread } from 'treewarden';
import type { HashApi } from './hash.js';

const tree = supervisor('shop', {
  children: [thread('hash', entry<HashApi>(new URL('./hash.ts', import.meta.url)), { ready: 'explicit' })],
});

await using app = await supervise(tree);
const hash = app.child('hash');

const bytes = new TextEncoder().encode('tree warden');
console.log(await hash.call('digest', ['sha256', bytes]));

// An error of the function is told from one of the thread.
console.log(await hash.call('digest', ['sha0', bytes]).catch((error: Error) => error.message));

// A thread that ends leaves no call open, and is restarted.
const restarted = new Promise((resolve) => app.events.once('child:ready', resolve));
const lost = await hash.call('crash', []).catch((error: unknown) => error);
if (lost instanceof CallError) console.log(`lost: ${lost.failure}`);
await restarted;
console.log(`incarnation ${hash.incarnation}: ${await hash.call('digest', ['md5', bytes])}`);
