#!/usr/bin/env node
import { COMMANDS } from './commands/index.js';
import { runProgram } from './program.js';
import { terminalOf } from './terminal.js';

process.exitCode = await runProgram(process.argv.slice(2), COMMANDS, terminalOf(process));
