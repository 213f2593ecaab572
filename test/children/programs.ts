import { fileURLToPath } from 'node:url';

/** The fixture programs of forks and threads: plain JavaScript, which imports `treewarden/child` from `dist/` as an installed package would. */
export function program(name: string): string {
  return fileURLToPath(new URL(`./fixtures/programs/${name}`, import.meta.url));
}
