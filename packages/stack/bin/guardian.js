// Runs one engine for the process that started it and ends the engine when that process dies, even by `kill -9`: the
// IPC channel closes however a process ends. It has its own process group, so a Ctrl-C in the terminal reaches only the
// services, which end first. Plain JavaScript, because it must also run from src/ (tests) without a build.
import { spawn } from 'node:child_process';
import { openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';

/** @type {{command: string, args: string[], cwd: string, env: Record<string, string>, logFile: string,
 *   pidFile: string, stopSignal: NodeJS.Signals, stopTimeoutMs: number}} */
const spec = JSON.parse(process.argv[2] ?? '');
const LOG_BYTES_MAX = 4 * 1024 * 1024;
const STRAGGLERS_WAIT_MS = 5000;

writeFileSync(spec.pidFile, `${process.pid}\n`);
const log = openSync(spec.logFile, sizeOf(spec.logFile) > LOG_BYTES_MAX ? 'w' : 'a');
const engine = spawn(spec.command, spec.args, {
  cwd: spec.cwd,
  env: { ...process.env, ...spec.env },
  stdio: ['ignore', log, log],
});

/** @type {number[]} */
let family = [];
let stopping = false;

engine.on('spawn', () => tell({ pid: engine.pid }));
engine.on('error', (error) => finish({ code: null, signal: null, error: error.message }));
engine.on('exit', (code, signal) => void afterExit(code, signal));

process.on('message', (/** @type {{stop: NodeJS.Signals}} */ message) => stop(message.stop));
process.on('disconnect', () => stop('SIGTERM'));
process.on('SIGTERM', () => stop('SIGTERM'));
process.on('SIGINT', () => {});
process.on('SIGHUP', () => {});
if (!process.connected) stop('SIGTERM');

/** @param {NodeJS.Signals} signal */
function stop(signal) {
  family = descendants(engine.pid);
  if (signal === 'SIGKILL') return killAll();
  engine.kill(signal === 'SIGTERM' ? spec.stopSignal : signal);
  if (stopping) return;
  stopping = true;
  setTimeout(killAll, spec.stopTimeoutMs);
}

function killAll() {
  family = [...new Set([...family, ...descendants(engine.pid)])];
  engine.kill('SIGKILL');
  for (const pid of family) kill(pid);
}

/** Waits for the engine's workers too: those of a database still hold its files and shared memory. */
async function afterExit(code, signal) {
  const deadline = Date.now() + STRAGGLERS_WAIT_MS;
  while (family.some(isAlive) && Date.now() < deadline) await new Promise((done) => setTimeout(done, 20));
  for (const pid of family) kill(pid);
  finish({ code, signal });
}

function finish(exit) {
  rmSync(spec.pidFile, { force: true });
  const end = () => process.exit(0);
  if (!process.connected || process.send === undefined) return end();
  process.send({ exit }, end);
}

function tell(message) {
  if (process.connected) process.send?.(message, () => {});
}

function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // already gone
  }
}

function isAlive(pid) {
  return parentOf(pid) !== undefined;
}

/** Undefined if the process is gone or a zombie, or if the system has no /proc. */
function parentOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? undefined : Number(parent);
  } catch {
    return undefined;
  }
}

function descendants(root) {
  /** @type {Map<number, number[]>} */
  const children = new Map();
  let entries = [];
  try {
    entries = readdirSync('/proc');
  } catch {
    return [];
  }
  for (const entry of entries) {
    const pid = Number(entry);
    const parent = Number.isInteger(pid) ? parentOf(pid) : undefined;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found = [];
  const open = root === undefined ? [] : [root];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    const next = children.get(pid) ?? [];
    found.push(...next);
    open.push(...next);
  }
  return found;
}

function sizeOf(file) {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
