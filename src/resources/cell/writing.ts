import { AlreadyLockedError, LockStateError, ResourceLimitError } from '../../core/index.js';
import type { Who } from '../guard/identity.js';
import type { Claims, OwnClaim } from '../memory/claims.js';
import type { Slots } from './slots.js';

/** Where a writer goes on: its claim, and the version that it has found or written last. */
interface Right {
  readonly claim: OwnClaim;
  version: number;
}

/** The writer's end of a cell: at most one in the world has the right, and who has it has it until it ends. */
export class CellWriter {
  readonly #subject: string;
  readonly #slots: Slots;
  readonly #claims: Claims;
  readonly #withCrc: boolean;
  #right: Right | undefined;

  constructor(subject: string, slots: Slots, claims: Claims, withCrc: boolean) {
    this.#subject = subject;
    this.#slots = slots;
    this.#claims = claims;
    this.#withCrc = withCrc;
  }

  /** Takes the writer's right, unless it is held already. @throws AlreadyLockedError while another writer lives */
  take(): void {
    this.#take();
  }

  /** @throws ResourceLimitError for what does not fit; nothing has changed then */
  write(bytes: Uint8Array): void {
    this.#checkRoom(bytes);
    const right = this.#take();
    right.version = this.#slots.write(right.version, bytes, this.#withCrc);
  }

  /** Says that the current version still holds. Without effect before the first. */
  confirm(): void {
    const { version } = this.#take();
    if (version > 0) this.#slots.confirm(version);
  }

  giveUp(): void {
    this.#right?.claim.giveUp();
    this.#right = undefined;
  }

  #take(): Right {
    if (this.#right !== undefined) return this.#right;
    const claim = this.#claims.take(WRITER);
    if (!('giveUp' in claim)) throw taken(this.#subject, claim);
    const found = this.#slots.facts();
    if (typeof found === 'string') {
      claim.giveUp();
      throw new LockStateError(this.#subject, `what was written last cannot be read (${found}).`);
    }
    // What a predecessor was in the middle of lies in the other slot, and is written over.
    this.#right = { claim, version: found?.version ?? 0 };
    return this.#right;
  }

  #checkRoom({ byteLength }: Uint8Array): void {
    const { room } = this.#slots;
    if (byteLength <= room) return;
    throw new ResourceLimitError(
      this.#subject,
      'write',
      'EMSGSIZE',
      { limit: 'bytes', allowed: room, used: byteLength },
      [],
      `the value takes ${byteLength} bytes, and there is room for ${room}. The last value is still there. ` +
        'Raise `bytes` in all programs that use this cell, or write less.',
    );
  }
}

/** A cell has one part that is claimed. */
const WRITER = 0;

function taken(subject: string, { pid, tid }: Who): AlreadyLockedError {
  const thread = tid === pid ? '' : `, thread ${tid}`;
  const own = pid === process.pid ? ' That is this very process: use the same lease.' : '';
  return new AlreadyLockedError(
    subject,
    pid,
    `pid ${pid}${thread} is its writer, and lives.${own} A cell has one writer; others may read, and one of them writes once it has ended.`,
  );
}
