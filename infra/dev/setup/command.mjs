// Plain JavaScript without dependencies: it runs before anything is installed or built.
import { spawn } from 'node:child_process';

/** A command that did not do what it was for. `output` is all it said. */
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

/** Sends the signal to every command that runs; no other is begun any more. @param {NodeJS.Signals} signal */
export function stopCommands(signal) {
  stopped = true;
  for (const child of running) child.kill(signal);
}

/**
 * Runs a command to its end.
 *
 * @param {string} command @param {string[]} args
 * @param {{cwd: string, env?: NodeJS.ProcessEnv, onOutput?: (text: string) => void, onErrors?: (text: string) => void}}
 *   options where given, `onOutput` and `onErrors` take what it prints instead of the error
 * @returns {Promise<void>} rejects with CommandFailed
 */
export function run(command, args, { cwd, env = process.env, onOutput, onErrors }) {
  if (stopped) return Promise.reject(new CommandFailed('asked to end', '', 1));
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
