export { type Climb, climb, GROUND, SAME_WISH_MS, type StopLevel } from './climb.js';
export type { RaiseRequest } from './raise.js';
export {
  exitCodeOf,
  isAddressed,
  SIGNAL_DEFAULTS,
  type SignalAction,
  type SignalForward,
  type SignalMap,
  type SignalTable,
  signalTable,
} from './table.js';
export { SignalTrap, type TrapOwner } from './trap.js';
