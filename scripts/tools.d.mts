import type { SpawnSyncOptions, SpawnSyncReturns } from 'node:child_process';

export declare const root: string;
export declare function node(args: readonly string[], env?: NodeJS.ProcessEnv): boolean;
export declare function options(env?: NodeJS.ProcessEnv): SpawnSyncOptions;
export declare function bin(packageName: string, program: string): string;
export declare function pack(tarball: string): boolean;
export declare function npm(args: readonly string[], cwd?: string): SpawnSyncReturns<string>;
