import { readFileSync } from 'node:fs';

/** The version of the package that this program is part of. */
export function version(): string {
  // One step up from dist/ as from src/cli/ is not the same: the nearest manifest that is ours.
  for (const path of ['../package.json', '../../package.json']) {
    const found = versionIn(new URL(path, import.meta.url));
    if (found !== undefined) return found;
  }
  return 'unknown';
}

function versionIn(manifest: URL): string | undefined {
  try {
    const { name, version } = JSON.parse(readFileSync(manifest, 'utf8')) as {
      name?: string;
      version?: string;
    };
    return name === 'treewarden' ? version : undefined;
  } catch {
    // Not there: the next one may be.
    return undefined;
  }
}
