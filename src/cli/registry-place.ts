import type { Option, Values } from './command.js';

/** Which registries a command means. */
export interface Place {
  /** All scopes, if none is given. */
  readonly scope?: string;
  /** Where the programs keep their ledgers, where that is not the default. */
  readonly stateDir?: string;
}

/** The options of every command that looks for what programs have left. */
export const PLACE_OPTIONS: Readonly<Record<string, Option>> = {
  scope: {
    type: 'string',
    value: 'name',
    summary: 'only what programs of this scope have left; all scopes otherwise',
  },
  'state-dir': {
    type: 'string',
    value: 'folder',
    summary:
      'where the ledgers are, as given to ResourceRegistry.open(); otherwise TREEWARDEN_STATE_DIR, or where programs keep them',
  },
};

/** Printed as JSON, for programs. */
export const JSON_OPTION: Readonly<Record<string, Option>> = {
  json: { type: 'boolean', summary: 'print JSON, for programs' },
};

export function placeOf(values: Values): Place {
  const scope = values.text('scope');
  const stateDir = values.text('state-dir');
  return { ...(scope === undefined ? {} : { scope }), ...(stateDir === undefined ? {} : { stateDir }) };
}
