import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { checkNames } from '../../core/index.js';
import type { Granted, Lease, ResourceKind, ResourceRequest } from '../../runtime/index.js';
import { checkName, checkText, checkWhole } from '../checks.js';
import { BaseLease, kindOf } from '../kind.js';

/** What a temporary directory is called, and where it is. */
export interface TemporaryDirectoryOptions {
  /** What its name begins with; the rest is random. @defaultValue `'treewarden'` */
  readonly name?: string;
  /** Where it is made; must exist. @defaultValue the directory for temporary files */
  readonly directory?: string;
}

/** What a temporary file is called, where it is, and how large. */
export interface TemporaryFileOptions extends TemporaryDirectoryOptions {
  /** Its first size, with that much room reserved. @defaultValue 0 */
  readonly bytes?: number;
}

/** A file or directory of one's own, for as long as its lease. */
export interface TemporaryPath extends Lease {
  readonly kind: 'temporary-file' | 'temporary-directory';
  /** Absolute. @throws nothing: the path stays known after the release, when nothing is there any more */
  readonly path: string;
}

/** What is asked for, once it is checked. */
export interface TemporaryRequest extends ResourceRequest {
  readonly kind: 'temporary-file' | 'temporary-directory';
  readonly name: string;
  readonly directory: string;
  readonly bytes: number;
}

export interface TemporaryFacts {
  readonly path: string;
}

/**
 * A file that is removed when its owner has ended, however it ended. It is made with a random name and mode 0600, and belongs to its owner
 * by that name: what is moved over it is removed as well.
 *
 * @throws InvalidSpecError if an option is wrong
 */
export function temporaryFile(options: TemporaryFileOptions = {}): ResourceKind<TemporaryPath> {
  checkNames('temporary file', options, ['name', 'bytes', 'directory']);
  return kindOf(
    requestOf('temporary-file', options),
    (granted) => new TemporaryPathLease('temporary-file', granted),
  );
}

/**
 * A directory that is removed with everything in it when its owner has ended, however it ended. It is made with a random name and mode 0700.
 * Symbolic links in it are removed and not followed.
 *
 * @throws InvalidSpecError if an option is wrong
 */
export function temporaryDirectory(options: TemporaryDirectoryOptions = {}): ResourceKind<TemporaryPath> {
  checkNames('temporary directory', options, ['name', 'directory']);
  return kindOf(
    requestOf('temporary-directory', options),
    (granted) => new TemporaryPathLease('temporary-directory', granted),
  );
}

/** Checks a request, whether it was made here or came by message. @throws InvalidSpecError */
export function checkedTemporary(request: TemporaryRequest): TemporaryRequest {
  const subject = request.kind.replace('-', ' ');
  checkName(subject, 'name', request.name);
  checkText(subject, 'directory', request.directory);
  checkWhole(subject, 'bytes', request.bytes, 0);
  return request;
}

function requestOf(
  kind: TemporaryRequest['kind'],
  { name = 'treewarden', directory = tmpdir(), bytes = 0 }: TemporaryFileOptions,
): TemporaryRequest {
  const request = checkedTemporary({ kind, name, directory, bytes });
  // Who owns the registry may stand in another directory.
  return { ...request, directory: resolve(directory) };
}

class TemporaryPathLease extends BaseLease implements TemporaryPath {
  readonly kind: TemporaryPath['kind'];
  readonly path: string;

  constructor(kind: TemporaryPath['kind'], granted: Granted) {
    super(granted);
    this.kind = kind;
    // Safe: the facts come from makeTemporaryFile and makeTemporaryDirectory.
    this.path = (granted.facts as TemporaryFacts).path;
  }

  protected detach(): void {
    // Its owner removes it.
  }
}
