// Preloaded into a service to end it together with `npm start`, even if that is killed: the IPC channel closes however
// a process ends. The service itself does not know about it. Plain JavaScript, because it must also run from src/
// (tests) without a build.
const LINGER_MS = 10_000;

process.on('disconnect', () => {
  process.kill(process.pid, 'SIGTERM');
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), LINGER_MS).unref();
});
// The channel must not keep the service alive.
process.channel?.unref();
if (process.channel === undefined) process.kill(process.pid, 'SIGTERM');
