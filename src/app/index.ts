export type { EventStream } from './event-stream.js';
export type { ResourceOptions, SuperviseOptions } from './options.js';
export type { LonePolicy, LoneTree } from './root.js';
export { joinShutdown, type ShutdownCall, type ShutdownParticipant } from './shutdown.js';
export { type LoneOptions, supervise } from './supervise.js';
export type { Outcome, Supervised } from './supervised.js';
