/** Where a tree writes to: the shape of pino, so a pino instance fits. The library itself never prints. */
export interface Logger {
  /** What only a developer wants to know. */
  debug(facts: object, message?: string): void;
  /** What happens in the ordinary course. */
  info(facts: object, message?: string): void;
  /** What was dealt with, and should be known. */
  warn(facts: object, message?: string): void;
  /** What needs somebody. */
  error(facts: object, message?: string): void;
}

const ignore = (): void => undefined;

/** Writes nowhere. */
export const silentLogger: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
