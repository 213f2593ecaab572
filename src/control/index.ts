/**
 * A running tree, seen and steered from another process, through a Unix socket of the same user.
 *
 * @module treewarden/control
 */

export { ControlError, type ControlFailure } from '../core/index.js';
export type {
  ControlClient,
  DownReport,
  LoggedLine,
  LogOptions,
  Missed,
  ServerFacts,
  StatusOptions,
  StopTreeOptions,
  TimedWaitOptions,
  ToldEvent,
  TreeStatus,
  UpOptions,
  WaitOptions,
} from './client.js';
export { connect } from './connect.js';
export { type FindOptions, type FoundTree, findTrees } from './find.js';
export type { ConnectOptions, ControlOptions } from './options.js';
export { controlDirectory } from './place.js';
export { type ControlServer, type ServeOptions, serve } from './serve.js';
