/** What a process has been asked to do. */
export type Asked = 'nothing' | 'stop' | 'kill';

/** What the supervisor wants of a program, as of now. */
export interface Wish {
  asked: Asked;
  /** Whether it is finishing its work, and has not been asked to stop since. */
  draining: boolean;
}
