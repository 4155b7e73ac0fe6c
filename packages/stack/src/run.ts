import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { dyingWithParent, isGoneWithin } from './processes.ts';

/** The process that a guardian starts, watches and stops. */
export interface RunSpec {
  command: string;
  args: string[];
  cwd: string;
  env: Record<string, string>;
  /** Receives what the process prints. */
  logFile: string;
  /** Holds the guardian's process id while the process runs. */
  pidFile: string;
  /** The signal for a clean shutdown. */
  stopSignal: NodeJS.Signals;
  /** How long a clean shutdown may take before the process is killed. */
  stopTimeoutMs: number;
  /** The user to run it as. Only root can set this. */
  uid?: number;
}

/** One life of a process, from its start to its end. */
export interface Run {
  readonly pid: number;
  /** Resolves when the process is gone, with how it ended. */
  readonly exited: Promise<string>;
  stop(signal: NodeJS.Signals): Promise<void>;
}

type Told = { pid?: number; exit?: { code: number | null; signal: string | null; error?: string } };

const GUARDIAN = fileURLToPath(new URL('../bin/guardian.js', import.meta.url));
const GONE_TIMEOUT_MS = 10_000;

/** Starts the process under its own guardian. Rejects if the command cannot be started. */
export async function launch({ uid, ...spec }: RunSpec): Promise<Run> {
  const { command, args } = await dyingWithParent(spec.command, spec.args, uid);
  const { NODE_OPTIONS: _, ...env } = process.env;
  const guardian = spawn(process.execPath, [GUARDIAN, JSON.stringify({ ...spec, command, args })], {
    detached: true, // its own group: a Ctrl-C reaches only the services, and the engines end after them
    env,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const gone = once(guardian, 'exit');
  let ending = 'its guardian was killed';
  const pid = await new Promise<number>((resolve, reject) => {
    guardian.on('error', reject);
    guardian.on('message', (told: Told) => {
      if (told.pid !== undefined) resolve(told.pid);
      if (told.exit === undefined) return;
      const { code, signal, error } = told.exit;
      ending = error ?? (signal === null ? `it exited with ${code}` : `it ended by ${signal}`);
      reject(new Error(ending));
    });
    gone.then(() => reject(new Error(ending)), reject);
  });
  const exited = gone.then(async () => {
    await isGoneWithin(pid, GONE_TIMEOUT_MS);
    return ending;
  });
  // The guardian must not keep this process alive. When this process ends, the engine ends too.
  guardian.unref();
  guardian.channel?.unref();
  return {
    pid,
    exited,
    async stop(signal) {
      guardian.ref();
      if (guardian.connected) guardian.send({ stop: signal }, () => {});
      await exited;
    },
  };
}
