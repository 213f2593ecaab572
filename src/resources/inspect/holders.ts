import { statSync } from 'node:fs';
import { named, type ProcessStatus, processStatus, sharesIpc, visiblePids } from './processes.js';
import { orNothing, readNames, readTarget, readText } from './read.js';

/** A process that uses a file or a segment. */
export interface Holder extends ProcessStatus {
  /** How many mappings of it there are in that process. */
  readonly mappings: number;
  /** Its descriptors of it; none for a segment. */
  readonly descriptors: readonly number[];
}

/** Which file is meant: a name may lead to another one by now. */
export interface FileIdentity {
  readonly dev: number;
  readonly ino: number;
}

/**
 * Which processes have a System V segment attached. Processes of other users are missing unless we may look into them: compare with the count
 * that the kernel gives.
 */
export function holdersOfSegment(id: number): readonly Holder[] {
  return holders((pid) => {
    const mappings = mapsOf(pid).filter(({ path, ino }) => path.startsWith('/SYSV') && ino === id).length;
    return mappings > 0 && sharesIpc(pid) ? { mappings, descriptors: [] } : undefined;
  });
}

/** Which processes have a file open or mapped. It costs a look at every descriptor of every process: some ms on a busy machine. */
export function holdersOfFile(file: FileIdentity): readonly Holder[] {
  return holdersOfFiles([file])[0] ?? [];
}

/** The same for several files, in one pass over all processes. */
export function holdersOfFiles(files: readonly FileIdentity[]): readonly (readonly Holder[])[] {
  const found = files.map((): Holder[] => []);
  for (const pid of visiblePids()) {
    const maps = mapsOf(pid);
    const descriptors = descriptorsOf(pid);
    for (const [index, file] of files.entries()) {
      const mappings = maps.filter((map) => map.ino === file.ino && map.dev === file.dev).length;
      const open = descriptors.filter(({ ino, dev }) => ino === file.ino && dev === file.dev);
      if (mappings + open.length === 0) continue;
      found[index]?.push({ ...processStatus(pid), mappings, descriptors: open.map(({ fd }) => fd) });
    }
  }
  return found;
}

/** The processes that have a file open or mapped, as they stand in messages. */
export function usersOfFile(file: FileIdentity): readonly string[] {
  return holdersOfFile(file).map(({ pid }) => named(pid));
}

/** The processes that have a segment attached, as they stand in messages. */
export function usersOfSegment(id: number): readonly string[] {
  return holdersOfSegment(id).map(({ pid }) => named(pid));
}

/** A line of /proc/<pid>/maps that stands for a file. */
export interface MapLine {
  /** As `stat` gives it. */
  readonly dev: number;
  readonly ino: number;
  readonly path: string;
}

/** Reads the text of /proc/<pid>/maps. @see proc(5) */
export function parseMaps(text: string): readonly MapLine[] {
  const lines: MapLine[] = [];
  for (const [, major = '', minor = '', ino = '', path = ''] of text.matchAll(MAP_LINE)) {
    if (ino !== '0') lines.push({ dev: device(hex(major), hex(minor)), ino: Number(ino), path });
  }
  return lines;
}

const MAP_LINE = /^[0-9a-f]+-[0-9a-f]+ \S+ [0-9a-f]+ ([0-9a-f]+):([0-9a-f]+) (\d+) *(.*)$/gm;

function holders(
  look: (pid: number) => Pick<Holder, 'mappings' | 'descriptors'> | undefined,
): readonly Holder[] {
  return visiblePids().flatMap((pid) => {
    const use = look(pid);
    return use === undefined ? [] : [{ ...processStatus(pid), ...use }];
  });
}

function mapsOf(pid: number): readonly MapLine[] {
  return parseMaps(readText(`/proc/${pid}/maps`) ?? '');
}

interface OpenFile extends FileIdentity {
  readonly fd: number;
}

function descriptorsOf(pid: number): readonly OpenFile[] {
  return readNames(`/proc/${pid}/fd`).flatMap((fd) => {
    const path = `/proc/${pid}/fd/${fd}`;
    // A pipe or a socket is no file, and most descriptors of a server are those.
    if (readTarget(path)?.startsWith('/') !== true) return [];
    const stat = orNothing(() => statSync(path));
    return stat === undefined ? [] : [{ fd: Number(fd), dev: stat.dev, ino: stat.ino }];
  });
}

/** How glibc, and so `stat`, writes the two parts of a device's number. @see makedev(3) */
function device(major: number, minor: number): number {
  return (major & 0xfff) * 256 + (minor & 0xff) + (minor & 0xfff00) * 4096;
}

function hex(text: string): number {
  return Number.parseInt(text, 16);
}
