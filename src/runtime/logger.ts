/** Where a tree writes to: the shape of pino, so a pino instance fits. The library itself never prints. */
export interface Logger {
  debug(facts: object, message?: string): void;
  info(facts: object, message?: string): void;
  warn(facts: object, message?: string): void;
  error(facts: object, message?: string): void;
}

const ignore = (): void => undefined;

/** Writes nowhere. */
export const silentLogger: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
