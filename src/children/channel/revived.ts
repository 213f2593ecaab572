import {
  AlreadyLockedError,
  CapabilityError,
  NoResourcesError,
  ResourceError,
  ResourceExistsError,
  ResourceLimitError,
  ScopeClosedError,
  SharedLayoutError,
} from '../../core/index.js';
import { type ResourceAnswer, unpackError } from './wire.js';

const CLASSES: readonly { readonly name: string; readonly prototype: object }[] = [
  AlreadyLockedError,
  CapabilityError,
  NoResourcesError,
  ResourceError,
  ResourceExistsError,
  ResourceLimitError,
  ScopeClosedError,
  SharedLayoutError,
];

/** The error of a refused request, of the class it was thrown as, so that a program tells what is wrong in the same way wherever it runs. */
export function revived(answer: ResourceAnswer): unknown {
  if (answer.type !== 'not-granted') return undefined;
  const error = unpackError(answer.error);
  if (!(error instanceof Error)) return error;
  const known = CLASSES.find(({ name }) => name === error.name);
  if (known !== undefined) Object.setPrototypeOf(error, known.prototype);
  return Object.assign(error, answer.facts);
}
