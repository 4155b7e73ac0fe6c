// Plain JavaScript without dependencies, because it runs before anything is installed or built.
import { spawn } from 'node:child_process';

/** A command that could not be started or ended with an error. `output` is all that it printed. */
export class CommandFailed extends Error {
  /** @param {string} how @param {string} output @param {number} status */
  constructor(how, output, status) {
    super(how);
    this.output = output;
    this.status = status;
  }
}

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();

let stopped = false;

/** Sends the signal to every running command, and lets no further one start. @param {NodeJS.Signals} signal */
export function stopCommands(signal) {
  stopped = true;
  for (const child of running) child.kill(signal);
}

/**
 * Runs a command and waits until it ends.
 *
 * @param {string} command @param {string[]} args
 * @param {{cwd: string, env?: NodeJS.ProcessEnv, onOutput?: (text: string) => void, onErrors?: (text: string) => void}}
 *   options `onOutput` and `onErrors` receive what it prints; without them the error has it
 * @returns {Promise<void>} rejects with CommandFailed
 */
export function run(command, args, { cwd, env = process.env, onOutput, onErrors }) {
  if (stopped) return Promise.reject(new CommandFailed('stopped by a signal', '', 1));
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    let output = '';
    const keep = (/** @type {string} */ text) => {
      output += text;
    };
    child.stdout.setEncoding('utf8').on('data', onOutput ?? keep);
    child.stderr.setEncoding('utf8').on('data', onErrors ?? onOutput ?? keep);
    child.on('error', (error) => reject(new CommandFailed(error.message, output, 1)));
    child.on('close', (status, signal) => {
      running.delete(child);
      if (status === 0) resolve();
      else
        reject(
          new CommandFailed(signal ? `ended by ${signal}` : `exit status ${status}`, output, status ?? 1),
        );
    });
  });
}
