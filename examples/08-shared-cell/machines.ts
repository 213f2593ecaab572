// What the processes of this program share: one writes it, all read it.

import { type ResourceKind, type SnapshotCell, snapshotCell } from 'treewarden/resources';

export interface Machine {
  readonly name: string;
  readonly load: number;
}

/** The cell for whoever writes it, or only reads. */
export function machines(role: 'writer' | 'reader'): ResourceKind<SnapshotCell<readonly Machine[]>> {
  return snapshotCell({ name: 'machines', bytes: 4096, role });
}
