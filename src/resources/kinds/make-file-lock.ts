import { LockedFile } from '../files/locked-file.js';
import type { Claim, Make } from '../site.js';
import { checkedFileLock, type FileLockRequest, type LockedFileFacts } from './file-lock.js';

/** The owner's half of a file lock: holds it. */
export const makeFileLock: Make<FileLockRequest> = async (asked, site): Promise<Claim> => {
  const { path, pid, timeoutMs } = checkedFileLock(asked);
  const subject = `file-lock "${path}"`;
  const file = await LockedFile.lock(
    { subject, path, pid, timeoutMs, advice: ADVICE, admit: () => undefined },
    site,
  );
  const facts: LockedFileFacts = { path, pid };
  const release = (): void => file.release();
  return { name: path, facts, release, releaseSync: release, users: () => [`pid ${pid}`] };
};

const ADVICE = 'Wait for it by timeoutMs, or end that process.';
