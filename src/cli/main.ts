#!/usr/bin/env node
import { COMMANDS } from './commands/index.js';
import { EXIT } from './exit-code.js';
import { runProgram } from './program.js';
import { terminalOf } from './terminal.js';

const exitCode = await runProgram(process.argv.slice(2), COMMANDS, terminalOf(process));
// An exit code that is set, 0 included, would keep a program that a signal has stopped from ending by that signal.
if (exitCode !== EXIT.ok) process.exitCode = exitCode;
