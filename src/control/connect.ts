import { ControlError } from '../core/index.js';
import type { ControlClient } from './client.js';
import type { ConnectOptions } from './options.js';
export async function connect(_options: ConnectOptions = {}): Promise<ControlClient> {
  throw new ControlError('no-tree', 'not yet');
}
