import type { ResourceProvider, Scope } from '../runtime/index.js';

/** The registry of a tree that was given none, or of a program that nobody supervises: opened once, closed with the tree. */
export function standaloneProvider(_name: string, _tree: Scope | undefined): Promise<ResourceProvider> {
  return Promise.reject(new Error('standalone registries are not here yet'));
}
