/** Something that whoever runs the program can put right; its message is all that is shown. */
export abstract class MainJobError extends Error {
  override get name(): string {
    return this.constructor.name;
  }
}
