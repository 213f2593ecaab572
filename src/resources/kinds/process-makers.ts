/** The owner's halves that programs which are children need, and that need nothing of libc: most trees want no other. */
export { makeInstanceLock } from './make-instance-lock.js';
export { makeMarkedProcesses } from './make-marked-processes.js';
export { makeProgramGroup } from './make-program-group.js';
