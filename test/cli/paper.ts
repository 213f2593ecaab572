import type { Screen, ScreenEvents } from '../../src/cli/screen.js';
import type { Terminal } from '../../src/cli/terminal.js';

/** A terminal of paper: everything that is printed stays there to be read. */
export class Paper implements Terminal {
  readonly said: string[] = [];
  readonly complained: string[] = [];
  readonly progressed: string[] = [];
  readonly columns: number;
  readonly showsProgress: boolean = false;
  isRead = true;

  constructor(columns = 100) {
    this.columns = columns;
  }

  say(...lines: readonly string[]): void {
    this.said.push(...lines);
  }

  complain(...lines: readonly string[]): void {
    this.complained.push(...lines);
  }

  paint(_: unknown, text: string): string {
    return text;
  }

  paintComplaint(_: unknown, text: string): string {
    return text;
  }

  progress(text = ''): void {
    this.progressed.push(text);
  }

  async flushed(): Promise<void> {
    // Paper takes everything at once.
  }

  openScreen(_events: ScreenEvents): Screen | undefined {
    return undefined;
  }
}
